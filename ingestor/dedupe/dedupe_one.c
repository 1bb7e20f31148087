/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/dedupe/dedupe_one.h"

#include <sodium/crypto_shorthash.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/fnv.h"
#include "common/base/xalloc.h"
#include "common/codec/mp.h"
#include "common/config/dedupe.h"
#include "common/program/log.h"
#include "ingestor/dedupe/dedupe_name.h"
#include "ingestor/dedupe/known.h"

#define FORMAT 1
/* Of dedupe_memory, three fourths are for names and one is for rows that were dropped. */
#define BYTES_PER_NAME ((size_t)KNOWN_ENTRY_BYTES * 4 / 3)
#define BYTES_PER_DROPPED ((size_t)KNOWN_ENTRY_BYTES * 4)

/* Names in the order of some delivery, and the time of that stream. */
struct remembered {
    struct known names;
    bool begun; /* there was an event */
    int64_t last_us;
    int64_t reached_us;
};

struct dedupe_one {
    const struct config_source *source;
    struct dedupe_records records; /* where its state is */
    int64_t window_us;
    unsigned char key[crypto_shorthash_siphashx24_KEYBYTES]; /* as old as the state */
    uint64_t settings;
    struct dedupe_reader reader;
    struct remembered live;
    struct known dropped;       /* by the rows' ids */
    uint64_t dropped_forgotten; /* for want of room */
    struct remembered past;     /* of a build that reads all rows */
    bool past_decides;
    bool cut_logged;
    struct dedupe_counters counters;
};

#define MEMBER_OF_SEVERAL (UINT64_C(1) << 62)

/* Those of the one `source` are as old as dedupe is. */
struct dedupe_records dedupe_one_records(const struct config_source *source)
{
    if (source->name == NULL) {
        return (struct dedupe_records){
            .whole = {.item = STATE_DEDUPE},
            .known = STATE_DEDUPE_KNOWN,
            .dropped = STATE_DEDUPE_DROPPED,
        };
    }
    /* Stores take numbers of 63 bits. Of these the first says that it is no member of old, and the
     * last two say which of the three it is. */
    const uint64_t hash = fnv1a(FNV_BEGIN, str_of(source->name)) >> 4;
    const uint64_t member = MEMBER_OF_SEVERAL | hash << 2;
    return (struct dedupe_records){
        .whole = {.member = member, .item = 1},
        .known = member + 1,
        .dropped = member + 2,
    };
}

uint64_t dedupe_one_member(uint64_t member)
{
    return (member & MEMBER_OF_SEVERAL) != 0 ? member & ~UINT64_C(3) : 0;
}

static uint64_t settings_of(const struct config_source *source)
{
    struct buf text = {0};
    config_put_dedupe(source, &text);
    const uint64_t digest = fnv1a(FNV_BEGIN, buf_str(&text));
    buf_free(&text);
    return digest;
}

struct dedupe_one *dedupe_one_create(const struct config_source *source)
{
    struct dedupe_one *d = x_calloc(1, sizeof *d);
    d->source = source;
    d->records = dedupe_one_records(source);
    d->window_us = source->dedupe_window_ms * US_PER_MS;
    d->settings = settings_of(source);
    d->dropped.most = source->dedupe_memory_bytes / BYTES_PER_DROPPED;
    d->live.names.most = source->dedupe_memory_bytes / BYTES_PER_NAME;
    d->past.names.most = d->live.names.most;
    arc4random_buf(d->key, sizeof d->key);
    return d;
}

void dedupe_one_destroy(struct dedupe_one **dedupe)
{
    struct dedupe_one *d = *dedupe;
    if (d != NULL) {
        dedupe_reader_free(&d->reader);
        known_free(&d->live.names);
        known_free(&d->dropped);
        known_free(&d->past.names);
        free(d);
        *dedupe = NULL;
    }
}

/* ---- Names ---- */

static struct known_name hash(const struct dedupe_one *d, struct str text)
{
    struct known_name name;
    _Static_assert(sizeof name == crypto_shorthash_siphashx24_BYTES, "128 bits");
    (void)crypto_shorthash_siphashx24((unsigned char *)&name, (const unsigned char *)text.p,
                                      text.len, d->key);
    return name;
}

static struct known_name row_name(const struct dedupe_one *d, struct event_id id)
{
    const struct str number = {(const char *)&id.number, sizeof id.number};
    return hash(d, id.text.p != NULL ? id.text : number);
}

/* False for an event that has no name, which counts as itself. */
static bool event_name(struct dedupe_one *d, const struct event *event, struct known_name *out)
{
    struct str text;
    if (!dedupe_name(&d->reader, event, &d->source->dedupe, &text)) {
        return false;
    }
    *out = hash(d, text);
    return true;
}

/* ---- What counts ---- */

static void forget(struct remembered *r)
{
    known_clear(&r->names);
    r->begun = false;
}

static void pass_time(struct remembered *r, int64_t us, int64_t window_us)
{
    const int64_t both_us = !r->begun || us < r->last_us ? us : r->last_us;
    if (!r->begun || both_us > r->reached_us) {
        r->reached_us = both_us;
        known_forget(&r->names, both_us - window_us);
    }
    r->last_us = us;
    r->begun = true;
}

static void note_cut(struct dedupe_one *d)
{
    d->counters.cut++;
    if (!d->cut_logged) {
        d->cut_logged = true;
        log_warn("more events come within source.dedupe_window than source.dedupe_memory has room "
                 "for: the oldest of %zu are forgotten, and one that comes again after that counts "
                 "again. Give it more memory, or a shorter window",
                 d->live.names.most);
    }
}

/* An event is remembered from the stream's time on, or from its own where that is later: the first
 * one after a quiet time moves the stream's time only with the next, which may be its duplicate.
 * One with a wild timestamp keeps those behind it in memory, too; they are not known all the same.
 */
static int64_t remembered_from(const struct remembered *r, int64_t us)
{
    return us > r->reached_us ? us : r->reached_us;
}

static bool is_known(const struct dedupe_one *d, const struct remembered *r,
                     const struct known_entry *entry)
{
    return entry->reached_us >= r->reached_us - d->window_us;
}

/* Lets the event pass, and remembers it. False when it is a duplicate. */
static bool counts(struct dedupe_one *d, struct remembered *r, const struct event *event)
{
    const int64_t us = event->timestamp.us;
    struct known_name name;
    struct known_entry gone;
    pass_time(r, us, d->window_us);
    if (!event_name(d, event, &name)) {
        return true;
    }
    const struct known_entry *same = known_find(&r->names, &name);
    if (same != NULL && is_known(d, r, same) && us - same->time_us <= d->window_us &&
        same->time_us - us <= d->window_us) {
        return false;
    }
    const struct known_entry entry = {name, us, remembered_from(r, us)};
    if (known_add(&r->names, &entry, &gone) && r == &d->live && is_known(d, r, &gone)) {
        note_cut(d);
    }
    return true;
}

/* ---- Batches ---- */

static void drop(struct dedupe_one *d, const struct event *event)
{
    struct known_entry gone;
    const struct known_entry row = {row_name(d, event->id), event->timestamp.us, 0};
    d->dropped_forgotten += known_add(&d->dropped, &row, &gone);
    d->counters.duplicates++;
}

bool dedupe_one_new(struct dedupe_one *d, const struct event *event)
{
    const bool passes = counts(d, &d->live, event);
    if (!passes) {
        drop(d, event);
    }
    return passes;
}

bool dedupe_one_past(struct dedupe_one *d, const struct event *event)
{
    const struct known_name name = row_name(d, event->id);
    const struct known_entry *dropped = known_find(&d->dropped, &name);
    return (dropped == NULL || dropped->time_us != event->timestamp.us) &&
           (!d->past_decides || counts(d, &d->past, event));
}

void dedupe_one_past_begin(struct dedupe_one *d)
{
    forget(&d->past);
    d->past_decides = d->dropped_forgotten != 0;
}

bool dedupe_one_past_decides(const struct dedupe_one *d)
{
    return d->past_decides;
}

void dedupe_one_past_end(struct dedupe_one *d)
{
    forget(&d->past);
    d->past_decides = false;
}

void dedupe_one_clear(struct dedupe_one *d)
{
    forget(&d->live);
    dedupe_one_past_end(d);
    known_clear(&d->dropped);
    d->dropped_forgotten = 0;
}

struct dedupe_counters dedupe_one_counters(const struct dedupe_one *d)
{
    struct dedupe_counters counters = d->counters;
    counters.known = known_count(&d->live.names);
    return counters;
}

/* ---- The state ---- */

void dedupe_one_save(struct dedupe_one *d, struct state_changes *out)
{
    known_save(&d->live.names, d->records.known, out);
    known_save(&d->dropped, d->records.dropped, out);
    struct buf *value = state_put_begin(out, d->records.whole);
    mp_put_array(value, 11);
    mp_put_int(value, FORMAT);
    mp_put_uint(value, d->settings);
    mp_put_bin(value, (struct str){(const char *)d->key, sizeof d->key});
    mp_put_bool(value, d->live.begun);
    mp_put_int(value, d->live.last_us);
    mp_put_int(value, d->live.reached_us);
    mp_put_uint(value, d->live.names.first);
    mp_put_uint(value, d->live.names.end);
    mp_put_uint(value, d->dropped.first);
    mp_put_uint(value, d->dropped.end);
    mp_put_uint(value, d->dropped_forgotten);
    state_put_end(out);
}

void dedupe_one_unsave(struct dedupe_one *d)
{
    known_unsave(&d->live.names);
    known_unsave(&d->dropped);
}

static bool load_parts(struct dedupe_one *d, const mp_value *parts,
                       const struct state_changes *saved)
{
    struct str key;
    uint64_t numbers[5];
    for (unsigned i = 0; i < 5; i++) {
        if (!mp_as_uint(mp_at(parts, 6 + i), &numbers[i])) {
            return false;
        }
    }
    if (!mp_as_bin(mp_at(parts, 2), &key) || key.len != sizeof d->key ||
        !mp_as_bool(mp_at(parts, 3), &d->live.begun) ||
        !mp_as_int(mp_at(parts, 4), &d->live.last_us) ||
        !mp_as_int(mp_at(parts, 5), &d->live.reached_us)) {
        return false;
    }
    memcpy(d->key, key.p, sizeof d->key);
    d->dropped_forgotten = numbers[4];
    return known_load(&d->live.names, d->records.known, numbers[0], numbers[1], saved) &&
           known_load(&d->dropped, d->records.dropped, numbers[2], numbers[3], saved);
}

static int load(struct dedupe_one *d, const mp_value *parts, const struct state_changes *saved,
                struct error *err)
{
    int64_t format;
    uint64_t settings;
    if (!mp_as_int(mp_at(parts, 0), &format) || !mp_as_uint(mp_at(parts, 1), &settings)) {
        return error_set(err, STATUS_INVALID, "what is known of duplicates is damaged");
    }
    if (format > FORMAT) {
        return error_set(err, STATUS_NEWER, "what is known of duplicates is of another version");
    }
    if (settings != d->settings) {
        return error_set(err, STATUS_NOT_FOUND, "source.dedupe or its window has changed");
    }
    return load_parts(d, parts, saved)
               ? STATUS_OK
               : error_set(err, STATUS_INVALID, "what is known of duplicates is damaged");
}

static struct str find_record(const struct state_changes *saved, struct state_id id)
{
    for (size_t i = 0; i < saved->count && saved->list[i].id.tile == 0; i++) {
        const struct state_change *change = &saved->list[i];
        if (change->kind == STATE_PUT && change->id.member == id.member &&
            change->id.item == id.item) {
            return state_value(saved, change);
        }
    }
    return STR_NULL;
}

int dedupe_one_load(struct dedupe_one *d, const struct state_changes *saved, struct error *err)
{
    const struct str value = find_record(saved, d->records.whole);
    struct mp_doc doc;
    if (value.p == NULL) {
        return error_set(err, STATUS_NOT_FOUND, "source.dedupe is new");
    }
    mp_doc_init(&doc);
    const int status =
        mp_parse(&doc, value.p, value.len) == STATUS_OK
            ? load(d, &doc.root, saved, err)
            : error_set(err, STATUS_INVALID, "what is known of duplicates is damaged");
    mp_doc_free(&doc);
    return status;
}
