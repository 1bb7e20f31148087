/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/fold/saved/fold_records.h"

#include <stdio.h>
#include <stdlib.h>

#include <utlist.h>

#include "common/base/xalloc.h"
#include "common/program/log.h"

/* The first element of a tile's record. It must change whenever a released fold_record_get, or a
 * type's load, would misread what the tile's records say. */
#define FORMAT 1
#define FORMAT_NUMBERED 2 /* its place is a record of its own */
#define FORMAT_LAST FORMAT_NUMBERED

void fold_record_put(const struct fold_record *record, uint64_t number, struct state_changes *out)
{
    struct buf *value = state_put_begin(out, (struct state_id){.tile = number});
    mp_put_array(value, record->place.p != NULL ? 10 : 6);
    mp_put_int(value, record->place_number != 0 ? FORMAT_NUMBERED : FORMAT);
    mp_put_str(value, record->key);
    mp_put_uint(value, record->digest);
    if (record->since.known) {
        mp_put_text(value, record->since.position);
    } else {
        mp_put_nil(value);
    }
    mp_put_int(value, record->since.time.us);
    mp_put_bool(value, record->complete);
    if (record->place.p != NULL) {
        mp_put_int(value, record->retired_at.us);
        if (record->place_number != 0) {
            mp_put_uint(value, record->place_number);
        } else {
            mp_put_bin(value, record->place);
        }
        if (record->waits.p != NULL) {
            mp_put_bin(value, record->waits);
        } else {
            mp_put_nil(value);
        }
        mp_put_bool(value, record->spoiled);
    }
    state_put_end(out);
}

int fold_record_get(const mp_value *value, struct fold_record *record)
{
    int64_t format;
    struct str position;
    *record = (struct fold_record){.place = STR_NULL, .waits = STR_NULL};
    if (mp_as_int(mp_at(value, 0), &format) && format > FORMAT_LAST) {
        return STATUS_NEWER;
    }
    if (!mp_as_int(mp_at(value, 0), &format) || format < FORMAT ||
        !mp_as_str(mp_at(value, 1), &record->key) ||
        !mp_as_uint(mp_at(value, 2), &record->digest) ||
        !mp_as_int(mp_at(value, 4), &record->since.time.us) ||
        !mp_as_bool(mp_at(value, 5), &record->complete)) {
        return STATUS_INVALID;
    }
    record->since.known = mp_as_str(mp_at(value, 3), &position);
    if (record->since.known) {
        snprintf(record->since.position, sizeof record->since.position, "%.*s", (int)position.len,
                 position.p);
    }
    (void)mp_as_bin(mp_at(value, 8), &record->waits);
    (void)mp_as_bool(mp_at(value, 9), &record->spoiled);
    if (mp_count(value) < 8) {
        return STATUS_OK;
    }
    const bool placed = format == FORMAT_NUMBERED
                            ? mp_as_uint(mp_at(value, 7), &record->place_number)
                            : mp_as_bin(mp_at(value, 7), &record->place);
    return placed && mp_as_int(mp_at(value, 6), &record->retired_at.us) ? STATUS_OK
                                                                        : STATUS_INVALID;
}

/* ---- Retired tiles ---- */

static struct str own(struct str text)
{
    return (struct str){x_strndup(text.p, text.len), text.len};
}

static void release(struct str text)
{
    union {
        const char *in;
        char *out;
    } owned = {.in = text.p};
    free(owned.out);
}

/* False, logged and counted: there is no room for it. */
static bool refuse(struct fold *fold, const struct fold_record *record, const char *why)
{
    fold->counters.retired_dropped++;
    log_warn("the state of tile %.*s is not kept, because %s: if it comes back, it is built from "
             "the rows that are there then",
             (int)record->key.len, record->key.p, why);
    return false;
}

bool fold_retired_note_waits(struct fold *fold, struct fold_record *record, struct buf *scratch)
{
    size_t bytes = 0;
    if (!fold_places_fit(&fold->places, record->place)) {
        return refuse(fold, record,
                      "the ids of source.late_window that go with such tiles take too much");
    }
    if (fold->waiting.full || fold->put_off.reading) {
        return refuse(fold, record, "too many rows wait for their timestamps");
    }
    if (waiting_count(&fold->waiting) == 0) {
        return true;
    }
    waiting_save(&fold->waiting, scratch);
    for (const struct retired *r = fold->retired; r != NULL; r = r->next) {
        bytes += r->waits.len;
    }
    if (bytes + scratch->len > WAITING_BYTES_MAX) {
        return refuse(fold, record, "too many rows wait for their timestamps");
    }
    record->waits = buf_str(scratch);
    return true;
}

void fold_retired_add(struct fold *fold, const struct fold_record *record, uint64_t number,
                      bool recorded)
{
    struct retired *retired = x_calloc(1, sizeof *retired);
    *retired = (struct retired){
        .key = own(record->key),
        .digest = record->digest,
        .number = number,
        .since = record->since,
        .complete = record->complete,
        .at = record->retired_at,
        .place = fold_place_take(&fold->places, record->place),
        .waits = record->waits.p != NULL ? own(record->waits) : STR_NULL,
        .spoiled = record->spoiled,
        .recorded = recorded,
    };
    LL_PREPEND(fold->retired, retired);
}

void fold_retired_free(struct fold *fold, struct retired *retired)
{
    release(retired->key);
    fold_place_leave(&fold->places, &retired->place);
    release(retired->waits);
    free(retired);
}

void fold_retired_free_all(struct fold *fold)
{
    struct retired *retired;
    struct retired *next;
    LL_FOREACH_SAFE(fold->retired, retired, next)
    {
        fold_retired_free(fold, retired);
    }
    fold->retired = NULL;
}
