/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include <utlist.h>

#include "common/base/xalloc.h"
#include "common/codec/mp.h"
#include "common/program/log.h"
#include "ingestor/fold/family.h"
#include "ingestor/fold/fold_put_off.h"
#include "ingestor/fold/fold_state.h"
#include "ingestor/fold/member.h"
#include "ingestor/fold/member_status.h"
#include "ingestor/fold/saved/fold_records.h"
#include "ingestor/fold/saved/fold_save.h"
#include "ingestor/fold/types/items.h"

/* The records of one tile, from `at` up to `end` in the list. */
struct loading {
    struct fold *fold;
    const struct state_changes *saved;
    struct fold_load *how;
    size_t at;
    size_t end;
};

/* The family of that key and digest, which has no records yet; NULL when there is none. */
static struct family *family_of(struct fold *fold, const struct fold_record *record)
{
    const struct tile_config *config = config_tile(fold->config, record->key);
    if (config == NULL || !fold->folded[config - fold->config->tiles]) {
        return NULL;
    }
    struct family *family = &fold->families[config - fold->config->tiles];
    return family->digest == record->digest && family->number == 0 ? family : NULL;
}

/* ---- Members ---- */

/* Loads a member's own record; NULL when it is damaged. */
static struct member *load_member(struct fold *fold, struct family *family, uint64_t number,
                                  bool was_ahead, const mp_value *saved)
{
    struct str group = STR_NULL;
    wall_time latest;
    bool hidden;
    if ((!mp_is_nil(mp_at(saved, 0)) && !mp_as_bin(mp_at(saved, 0), &group)) ||
        !mp_as_int(mp_at(saved, 1), &latest.us) || !mp_as_bool(mp_at(saved, 2), &hidden) ||
        (group.p != NULL) != (family->single == NULL) ||
        (group.p != NULL && family_find(family, group) != NULL)) {
        return NULL;
    }
    struct member *member =
        group.p != NULL ? member_create(fold, family, group, FOLD_BEGIN) : family->single;
    if (member->recorded || !family->type->load(member->state, family->config, mp_at(saved, 3))) {
        return NULL;
    }
    member->latest = latest;
    member->tally = tally_read(mp_at(saved, 4));
    member->hidden = hidden && group.p != NULL && !was_ahead;
    if (family->config->thresholds.any) {
        member->status = trouble_load(mp_at(saved, 5));
        member_status_mark(member);
    }
    member->number = number;
    member->recorded = true;
    member->unsaved = false;
    DL_DELETE(family->unsaved, member);
    family->member_numbers = number;
    return member;
}

static void finish_member(struct fold *fold, struct member *member)
{
    const struct fold_type *type = member->family->type;
    if (type->items != NULL) {
        items_loaded(type->items(member->state));
    }
    member_schedule_publish(fold, member, (mono_time){0});
    member_schedule_wake(fold, member);
}

/* Loads the record into the family. *member is the one whose records are being loaded. */
static bool load_record(struct loading *l, struct family *family, const struct state_change *change,
                        struct member **member)
{
    struct mp_doc doc;
    const struct str value = state_value(l->saved, change);
    const bool own = change->id.item == 0;
    bool good;
    mp_doc_init(&doc);
    if (mp_parse(&doc, value.p, value.len) != STATUS_OK) {
        good = false;
    } else if (own) {
        if (*member != NULL) {
            finish_member(l->fold, *member);
        }
        *member = load_member(l->fold, family, change->id.member, l->how->was_ahead, &doc.root);
        good = *member != NULL;
    } else {
        good =
            *member != NULL && (*member)->number == change->id.member &&
            family->type->load_item != NULL &&
            family->type->load_item((*member)->state, family->config, change->id.item, &doc.root);
    }
    mp_doc_free(&doc);
    return good;
}

static bool load_members(struct loading *l, struct family *family)
{
    struct member *member = NULL;
    for (size_t i = l->at + 1; i < l->end; i++) {
        const struct state_change *change = &l->saved->list[i];
        if (change->kind != STATE_PUT || !load_record(l, family, change, &member)) {
            return false;
        }
    }
    if (member != NULL) {
        finish_member(l->fold, member);
    }
    return family->single == NULL || family->single->recorded;
}

/* ---- Tiles ---- */

static void forget_records(struct fold *fold, uint64_t number)
{
    state_gone(&fold->carried, STATE_TILE_GONE, (struct state_id){.tile = number});
}

/* Loads the tile into its family. False when its records are damaged. */
static bool load_family(struct loading *l, struct family *family, const struct fold_record *record,
                        uint64_t number)
{
    family->number = number;
    family->since = record->since;
    family->complete = record->complete;
    family->recorded = true;
    family->build = BUILD_NONE;
    if (record->place.p != NULL) { /* it has come back, and lacks the rows since */
        family->build = BUILD_WAITING;
        family->recorded = false;
        if (record->place.len != 0) {
            family->build_from = fold_place_take(&l->fold->places, record->place);
        }
        buf_append_str(&family->build_rows, record->waits);
    }
    if (load_members(l, family)) {
        l->how->loaded++;
        return true;
    }
    family_begin_anew(l->fold, family);
    return false;
}

/* A tile that no definition asks for. */
static void keep_retired(struct loading *l, struct fold_record *record, uint64_t number)
{
    struct fold *fold = l->fold;
    struct buf waits = {0};
    const bool newly = record->place.p == NULL;
    /* Versions before wrote a long place into each tile's record. */
    const bool numbered = record->place_number != 0 || record->place.len <= PLACE_SHORT_MAX;
    if (newly) {
        record->place = l->how->place;
        record->retired_at = l->how->now;
    }
    if (newly && !fold_retired_note_waits(fold, record, &waits)) {
        forget_records(fold, number);
        return;
    }
    fold_retired_add(fold, record, number, !newly && numbered && !l->how->was_ahead);
    buf_free(&waits);
}

/* True when the tile is that of a clock that was ahead. It was so when a tile went, too, if that
 * was at a moment which has not come yet. */
static bool is_spoiled(const struct fold_load *how, const struct fold_record *record)
{
    const bool retired_before = record->place.p != NULL && record->retired_at.us <= how->now.us;
    return record->spoiled || (how->was_ahead && !retired_before);
}

static int load_tile(struct loading *l)
{
    const struct state_change *first = &l->saved->list[l->at];
    const uint64_t number = first->id.tile;
    struct fold_record record;
    struct mp_doc doc;
    bool good = first->kind == STATE_PUT && first->id.member == 0 && first->id.item == 0;
    int status = STATUS_OK;
    l->fold->numbers = number;
    mp_doc_init(&doc);
    if (good) {
        const struct str value = state_value(l->saved, first);
        status = mp_parse(&doc, value.p, value.len);
        status = status == STATUS_OK ? fold_record_get(&doc.root, &record) : status;
        if (status == STATUS_OK && record.place_number != 0) {
            record.place = fold_places_find(&l->fold->places, record.place_number);
            status = record.place.p != NULL ? STATUS_OK : STATUS_INVALID;
        }
        good = status == STATUS_OK;
    }
    if (good) {
        struct family *family = family_of(l->fold, &record);
        record.spoiled = is_spoiled(l->how, &record);
        if (family == NULL) {
            keep_retired(l, &record, number);
        } else if (record.spoiled && family->type->forgets != NULL &&
                   family->type->forgets(family->config)) {
            forget_records(l->fold, number);
        } else {
            good = load_family(l, family, &record, number);
        }
    }
    mp_doc_free(&doc);
    if (!good && status != STATUS_NEWER) {
        l->how->damaged++;
        forget_records(l->fold, number);
    }
    return status == STATUS_NEWER ? STATUS_NEWER : STATUS_OK;
}

static bool load_waiting(struct fold *fold, const struct state_changes *saved)
{
    const struct config_source *source = &fold->config->source;
    const struct str value = state_whole(saved, STATE_WAITING);
    const struct str columns = state_whole(saved, STATE_WAITING_COLUMNS);
    struct mp_doc doc;
    struct mp_doc columns_doc;
    bool good = true;
    mp_doc_init(&doc);
    mp_doc_init(&columns_doc);
    if (value.p != NULL) {
        good = mp_parse(&doc, value.p, value.len) == STATUS_OK &&
               (columns.p == NULL || mp_parse(&columns_doc, columns.p, columns.len) == STATUS_OK) &&
               waiting_load(&fold->waiting, source, columns.p != NULL ? &columns_doc.root : NULL,
                            &doc.root);
        waiting_find_sources(&fold->waiting, fold->config);
        fold->waiting_unsaved = true; /* the columns may be others */
    }
    mp_doc_free(&columns_doc);
    mp_doc_free(&doc);
    return good;
}

static bool load_put_off(struct fold *fold, const struct state_changes *saved)
{
    const struct str value = state_whole(saved, STATE_PUT_OFF);
    struct mp_doc doc;
    mp_doc_init(&doc);
    const bool good =
        value.p == NULL || (mp_parse(&doc, value.p, value.len) == STATUS_OK &&
                            waiting_load_put_off(&fold->waiting, fold->config, &doc.root));
    mp_doc_free(&doc);
    return good;
}

int fold_load(struct fold *fold, const struct state_changes *saved, struct fold_load *how,
              struct error *err)
{
    struct loading l = {.fold = fold, .saved = saved, .how = how};
    how->loaded = 0;
    how->damaged = 0;
    fold->fresh = false;
    fold->since_wanted = false;
    fold->reached = how->reached;
    for (size_t i = 0; i < fold->config->tile_count; i++) {
        fold->families[i].build = fold->folded[i] ? BUILD_WAITING : BUILD_NONE;
        fold->families[i].complete = true;
    }
    if (!load_waiting(fold, saved) || !load_put_off(fold, saved) ||
        !fold_put_off_load(fold, saved)) {
        return error_set(err, STATUS_INVALID, "the rows that wait cannot be read from the state");
    }
    int status = STATUS_OK;
    fold_places_load(&fold->places, saved);
    while (l.at < saved->count && status == STATUS_OK) {
        const uint64_t tile = saved->list[l.at].id.tile;
        for (l.end = l.at + 1; l.end < saved->count && saved->list[l.end].id.tile == tile;) {
            l.end++;
        }
        status = tile != 0 ? load_tile(&l) : STATUS_OK;
        l.at = l.end;
    }
    fold_places_loaded(&fold->places);
    return status == STATUS_OK
               ? STATUS_OK
               : error_set(err, status, "the state is of another version of Tilewire");
}
