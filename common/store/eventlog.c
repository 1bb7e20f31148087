/* SPDX-License-Identifier: Apache-2.0 */
#include "common/store/eventlog.h"

#include <assert.h>

#include "common/base/table.h"

#include "common/base/error.h"
#include "common/store/event_types.h"

/*
 * An entry and its place in the table of ids. Slots never move, because the table points to them:
 * they are a ring.
 *
 *   slots   [ 9 | 7 | 10 |   |   | 5 | 6 ]      capacity 7, count 5
 *                                  ▲ first
 */
struct slot {
    struct eventlog_entry entry;
    UT_hash_handle by_id;
};

struct eventlog {
    struct slot *slots;
    size_t capacity;
    size_t first; /* index of the oldest entry */
    size_t count;
    size_t bytes; /* of the entries; their types come on top, see eventlog_bytes */
    size_t max_bytes;
    struct slot *ids; /* uthash by id (id_key); of two entries with one id the newer is in it */
    uint64_t origin;
    uint32_t generation;
    uint64_t last;  /* eventlog_last */
    uint64_t floor; /* eventlog_floor */
    void (*free_cache)(void *cache);
    struct event_types *types;
    struct mp_doc doc; /* reused by event_type_in */
};

struct eventlog *eventlog_create(size_t capacity, size_t max_bytes, void (*free_cache)(void *cache))
{
    struct eventlog *log = x_calloc(1, sizeof *log);
    log->slots = x_calloc(capacity, sizeof *log->slots);
    log->capacity = capacity;
    log->max_bytes = max_bytes;
    log->free_cache = free_cache;
    log->types = event_types_create();
    mp_doc_init(&log->doc);
    return log;
}

static struct slot *slot_at(const struct eventlog *log, size_t index)
{
    const size_t place = log->first + index;
    return &log->slots[place < log->capacity ? place : place - log->capacity];
}

/* What an id is found by: its text, or the bytes of its number. */
static struct str id_key(const struct event_id *id)
{
    return id->text.p != NULL ? id->text
                              : (struct str){(const char *)&id->number, sizeof id->number};
}

static struct slot *find_slot(const struct eventlog *log, const struct event_id *id)
{
    const struct str key = id_key(id);
    struct slot *slot;
    HASH_FIND(by_id, log->ids, key.p, key.len, slot);
    return slot != NULL && event_id_equal(slot->entry.id, *id) ? slot : NULL;
}

static void drop_oldest(struct eventlog *log)
{
    struct slot *slot = slot_at(log, 0);
    if (find_slot(log, &slot->entry.id) == slot) {
        HASH_DELETE(by_id, log->ids, slot);
    }
    if (slot->entry.cache != NULL) {
        log->free_cache(slot->entry.cache);
    }
    log->floor = slot->entry.ordinal;
    log->bytes -= slot->entry.bytes;
    event_types_give_back(log->types, slot->entry.type);
    blob_unref(&slot->entry.fields);
    log->first = (log->first + 1) % log->capacity;
    log->count--;
}

static void drop_all(struct eventlog *log)
{
    while (log->count != 0) {
        drop_oldest(log);
    }
}

void eventlog_destroy(struct eventlog **log_p)
{
    struct eventlog *log = *log_p;
    if (log != NULL) {
        drop_all(log);
        event_types_destroy(&log->types);
        mp_doc_free(&log->doc);
        free(log->slots);
        free(log);
        *log_p = NULL;
    }
}

void eventlog_reset(struct eventlog *log, uint64_t origin)
{
    drop_all(log);
    log->last = 0;
    log->floor = 0;
    log->origin = origin;
    log->generation++;
}

/* Sets what points into the fields. */
static void point_into_fields(struct eventlog *log, struct eventlog_entry *entry)
{
    struct event_id id;
    entry->event_type = STR("");
    if (mp_parse(&log->doc, entry->fields->data, entry->fields->len) != STATUS_OK) {
        return;
    }
    (void)mp_as_str(mp_get(&log->doc.root, "event_type"), &entry->event_type);
    (void)mp_as_uint(mp_get(&log->doc.root, "redelivered"), &entry->redelivered);
    if (entry->id.text.p != NULL) {
        /* Without it there, the entry is found by no id. */
        entry->id = event_id_read(mp_get(&log->doc.root, "id"), &id) ? id : (struct event_id){0};
    }
}

struct eventlog_entry *eventlog_append(struct eventlog *log, uint64_t origin, uint64_t ordinal,
                                       struct event_id id, struct str fields, wall_time arrival,
                                       wall_time published_at)
{
    if (origin != log->origin) {
        eventlog_reset(log, origin);
    }
    if (ordinal <= log->last) {
        return NULL;
    }
    const size_t bytes = sizeof(struct slot) + sizeof(struct blob) + fields.len;
    if (log->count == log->capacity) {
        drop_oldest(log);
    }
    struct slot *slot = slot_at(log, log->count++);
    *slot = (struct slot){0};
    struct eventlog_entry *entry = &slot->entry;
    entry->ordinal = ordinal;
    entry->id = id;
    entry->fields = blob_new(fields);
    point_into_fields(log, entry);
    entry->type = event_types_take(log->types, entry->event_type);
    entry->arrival = arrival;
    entry->published_at = published_at;
    entry->bytes = bytes;
    entry->total = &log->bytes;
    log->bytes += bytes;
    struct slot *before = find_slot(log, &entry->id);
    if (before != NULL) {
        HASH_DELETE(by_id, log->ids, before);
    }
    const struct str key = id_key(&entry->id);
    HASH_ADD_KEYPTR(by_id, log->ids, key.p, key.len, slot);
    log->last = ordinal;
    while (log->count > 1 && eventlog_bytes(log) > log->max_bytes) {
        drop_oldest(log);
    }
    return entry;
}

void eventlog_set_cache(struct eventlog_entry *entry, void *cache, size_t bytes)
{
    assert(entry->cache == NULL);
    entry->cache = cache;
    entry->bytes += bytes;
    *entry->total += bytes;
}

void eventlog_resize_cache(struct eventlog_entry *entry, size_t less, size_t more)
{
    assert(entry->cache != NULL && less <= entry->bytes);
    entry->bytes += more - less;
    *entry->total += more - less;
}

size_t eventlog_bytes(const struct eventlog *log)
{
    return log->bytes + event_types_bytes(log->types);
}

uint64_t eventlog_origin(const struct eventlog *log)
{
    return log->origin;
}

uint32_t eventlog_generation(const struct eventlog *log)
{
    return log->generation;
}

uint64_t eventlog_last(const struct eventlog *log)
{
    return log->last;
}

uint64_t eventlog_floor(const struct eventlog *log)
{
    return log->floor;
}

void eventlog_skip_to(struct eventlog *log, uint64_t ordinal)
{
    while (log->count != 0 && slot_at(log, 0)->entry.ordinal <= ordinal) {
        drop_oldest(log);
    }
    if (ordinal > log->floor) {
        log->floor = ordinal;
    }
    if (ordinal > log->last) {
        log->last = ordinal;
    }
}

size_t eventlog_index_after(const struct eventlog *log, uint64_t after)
{
    size_t low = 0;
    size_t high = log->count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (slot_at(log, middle)->entry.ordinal <= after) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

struct eventlog_entry *eventlog_after(const struct eventlog *log, uint64_t after)
{
    const size_t index = eventlog_index_after(log, after);
    return index < log->count ? &slot_at(log, index)->entry : NULL;
}

struct eventlog_entry *eventlog_at(const struct eventlog *log, size_t index)
{
    assert(index < log->count);
    return &slot_at(log, index)->entry;
}

size_t eventlog_count(const struct eventlog *log)
{
    return log->count;
}

const struct eventlog_entry *eventlog_find(const struct eventlog *log, struct event_id id)
{
    const struct slot *slot = find_slot(log, &id);
    return slot != NULL ? &slot->entry : NULL;
}

/* The id in a text, as these events have it. */
static bool read_plain_id(const struct eventlog *log, struct str text, struct event_id *id)
{
    const bool empty = eventlog_count(log) == 0;
    const bool texts = !empty && eventlog_at(log, 0)->id.text.p != NULL;
    *id = (struct event_id){0};
    if (event_id_parse_number(text, &id->number) && (!texts || id->number == 0)) {
        return true;
    }
    *id = event_id_of_text(text);
    return (empty || texts) && event_id_valid(text);
}

bool eventlog_read_id(const struct eventlog *log, struct str text, struct event_id *id)
{
    struct str plain;
    uint64_t order;
    if (event_id_split_order(text, &plain, &order) && read_plain_id(log, plain, id)) {
        *id = event_id_of_text(text);
        return true;
    }
    return read_plain_id(log, text, id);
}

bool eventlog_means(struct event_id wanted, struct event_id id)
{
    char digits[EVENT_ID_NUMBER_SIZE];
    struct str plain;
    uint64_t order;
    return event_id_equal(wanted, id) || (event_id_split_order(wanted.text, &plain, &order) &&
                                          str_equal(plain, event_id_format(id, digits)));
}

const struct eventlog_entry *eventlog_find_seen(const struct eventlog *log, struct event_id id)
{
    const struct eventlog_entry *entry = eventlog_find(log, id);
    struct event_id plain;
    struct str text;
    uint64_t order = 0;
    if (entry == NULL && event_id_split_order(id.text, &text, &order) &&
        read_plain_id(log, text, &plain)) {
        entry = eventlog_find(log, plain);
    }
    return entry != NULL && entry->redelivered == order ? entry : NULL;
}

bool eventlog_resume(const struct eventlog *log, struct event_id id, uint64_t *after)
{
    const struct eventlog_entry *entry = eventlog_find_seen(log, id);
    const bool none = id.text.p == NULL && id.number == 0;
    if (entry == NULL && (!none || log->floor != 0)) {
        return false;
    }
    *after = entry != NULL ? entry->ordinal : 0;
    return true;
}

bool eventlog_may_come(const struct eventlog *log, struct event_id id)
{
    return id.text.p != NULL ||
           id.number > (eventlog_count(log) != 0 ? eventlog_at(log, 0)->id.number : 0);
}
