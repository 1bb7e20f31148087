/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/fold/waiting.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/xalloc.h"
#include "common/wire/tally.h"

static void unlink_row(struct waiting *waiting, struct waiting_row *row)
{
    heap_remove(&waiting->soonest, &row->soonest);
    heap_remove(&waiting->furthest, &row->furthest);
    waiting->bytes -= row->bytes;
    if (row->lacking) {
        HASH_DELETE(by_key, waiting->lacking, row);
    }
}

void waiting_finish(struct waiting *waiting)
{
    struct heap_item *top;
    while ((top = heap_top(&waiting->furthest)) != NULL) {
        struct waiting_row *row = heap_entry(top, struct waiting_row, furthest);
        unlink_row(waiting, row);
        free(row);
    }
    heap_free(&waiting->soonest);
    heap_free(&waiting->furthest);
}

static struct str copy_text(char **end, struct str text)
{
    if (text.p == NULL) {
        return STR_NULL;
    }
    const struct str copy = {*end, text.len};
    memcpy(*end, text.p, text.len);
    *end += text.len;
    return copy;
}

/* The row, its extras and all texts in one piece of memory. */
static struct waiting_row *copy_row(const struct event *event)
{
    const size_t extras_bytes = event->extra_count * sizeof *event->extras;
    size_t bytes = sizeof(struct waiting_row) + extras_bytes + event->id.text.len +
                   event->event_type.len + event->actor_id.len + event->target_id.len +
                   event->summary.len + event->payload.len;
    for (size_t i = 0; i < event->extra_count; i++) {
        bytes += event->extras[i].value.len;
    }
    struct waiting_row *row = x_calloc(1, bytes);
    struct event_extra *extras = (struct event_extra *)(void *)(row + 1);
    char *end = (char *)(row + 1) + extras_bytes;
    row->bytes = bytes;
    row->event = *event;
    row->event.id.text = copy_text(&end, event->id.text);
    row->event.event_type = copy_text(&end, event->event_type);
    row->event.actor_id = copy_text(&end, event->actor_id);
    row->event.target_id = copy_text(&end, event->target_id);
    row->event.summary = copy_text(&end, event->summary);
    row->event.payload = copy_text(&end, event->payload);
    for (size_t i = 0; i < event->extra_count; i++) {
        extras[i].name = event->extras[i].name;
        extras[i].value = copy_text(&end, event->extras[i].value);
    }
    row->event.extras = extras;
    return row;
}

static void add(struct waiting *waiting, const struct event *event, bool lacking)
{
    struct waiting_row *row = copy_row(event);
    if (lacking) {
        row->lacking = true;
        row->key = tally_id(event->id);
        HASH_ADD(by_key, waiting->lacking, key, sizeof row->key, row);
    }
    row->soonest = (struct heap_item){.tie = event->id.number, .index = HEAP_NONE};
    row->furthest = (struct heap_item){.tie = ~event->id.number, .index = HEAP_NONE};
    heap_set(&waiting->soonest, &row->soonest, event->timestamp.us);
    heap_set(&waiting->furthest, &row->furthest,
             ~event->timestamp.us); /* ~ turns the order round */
    waiting->bytes += row->bytes;
}

void waiting_add(struct waiting *waiting, const struct event *event)
{
    add(waiting, event, false);
}

static struct waiting_row *furthest(const struct waiting *waiting)
{
    struct heap_item *top = heap_top(&waiting->furthest);
    return top != NULL ? heap_entry(top, struct waiting_row, furthest) : NULL;
}

struct waiting_row *waiting_surplus(struct waiting *waiting)
{
    if (waiting_count(waiting) <= WAITING_ROWS_MAX && waiting->bytes <= WAITING_BYTES_MAX) {
        return NULL;
    }
    struct waiting_row *row = furthest(waiting);
    if (row != NULL) {
        unlink_row(waiting, row);
    }
    return row;
}

size_t waiting_put_off(struct waiting *waiting, wall_time from)
{
    size_t count = 0;
    struct waiting_row *row;
    if (!waiting->full) {
        waiting->put_off = (struct put_off_counts){0};
    }
    while ((row = furthest(waiting)) != NULL && row->event.timestamp.us >= from.us) {
        ++*put_off_counts_of(&waiting->put_off, &row->event);
        unlink_row(waiting, row);
        free(row);
        count++;
    }
    waiting->put_off_from = from;
    waiting->full = true;
    return count;
}

bool waiting_complete(struct waiting *waiting, const struct event *event)
{
    const int64_t key = tally_id(event->id);
    struct waiting_row *row;
    HASH_FIND(by_key, waiting->lacking, &key, sizeof key, row);
    if (row == NULL || row->event.timestamp.us != event->timestamp.us) {
        return false;
    }
    struct event whole = *event;
    whole.arrival = row->event.arrival;
    unlink_row(waiting, row);
    free(row);
    add(waiting, &whole, false);
    return true;
}

wall_time waiting_next(const struct waiting *waiting)
{
    const struct heap_item *top = heap_top(&waiting->soonest);
    return top != NULL ? (wall_time){top->key} : WALL_NEVER;
}

struct waiting_row *waiting_take(struct waiting *waiting, wall_time now)
{
    struct heap_item *top = heap_top(&waiting->soonest);
    if (top == NULL || top->key > now.us) {
        return NULL;
    }
    struct waiting_row *row = heap_entry(top, struct waiting_row, soonest);
    unlink_row(waiting, row);
    return row;
}

/* ---- Saving and loading ---- */

static void put_text(struct buf *out, struct str text)
{
    if (text.p != NULL) {
        mp_put_bin(out, text);
    } else {
        mp_put_nil(out);
    }
}

static void save_row(const struct waiting_row *row, struct buf *out)
{
    const struct event *event = &row->event;
    mp_put_array(out, row->lacking ? 9 : 8);
    event_id_save(out, event->id);
    mp_put_int(out, event->timestamp.us);
    put_text(out, event->event_type);
    put_text(out, event->actor_id);
    put_text(out, event->target_id);
    put_text(out, event->summary);
    put_text(out, event->payload);
    mp_put_map(out, event->extra_count);
    for (size_t i = 0; i < event->extra_count; i++) {
        mp_put_text(out, event->extras[i].name);
        put_text(out, event->extras[i].value);
    }
    if (row->lacking) {
        mp_put_bool(out, true);
    }
}

void waiting_save(const struct waiting *waiting, struct buf *out)
{
    mp_put_array(out, waiting_count(waiting));
    for (size_t i = 0; i < waiting_count(waiting); i++) {
        save_row(heap_entry(waiting->soonest.slots[i].item, struct waiting_row, soonest), out);
    }
}

void waiting_save_columns(const struct config_source *source, struct buf *out)
{
    mp_put_array(out, 2);
    mp_put_array(out, EVENT_FIELDS);
    for (size_t i = 0; i < EVENT_FIELDS; i++) {
        mp_put_str(out, str_of(source->columns[i].name));
    }
    mp_put_map(out, source->extra_count);
    for (size_t i = 0; i < source->extra_count; i++) {
        mp_put_text(out, source->extras[i].field);
        mp_put_str(out, str_of(source->extras[i].column));
    }
}

/* Which columns are others than those that the rows were read from. */
struct changed {
    bool fields[EVENT_FIELDS];
    bool extras[CONFIG_EXTRAS_MAX];
    bool any;
};

static bool is_other(const mp_value *saved, const char *name)
{
    struct str text = STR_NULL;
    (void)mp_as_str(saved, &text);
    return !str_equal(text, str_of(name));
}

static struct changed changed_since(const struct config_source *source, const mp_value *columns)
{
    struct changed changed = {0};
    for (size_t i = 0; i < EVENT_FIELDS && columns != NULL; i++) {
        changed.fields[i] = is_other(mp_at(mp_at(columns, 0), i), source->columns[i].name);
        changed.any = changed.any || changed.fields[i];
    }
    for (size_t i = 0; i < source->extra_count && columns != NULL; i++) {
        const struct config_extra_column *extra = &source->extras[i];
        changed.extras[i] = is_other(mp_get(mp_at(columns, 1), extra->field), extra->column);
        changed.any = changed.any || changed.extras[i];
    }
    return changed;
}

/* Reads a text, or none from a column that is another one now. */
static bool get_text(const mp_value *value, bool changed, struct str *out)
{
    *out = STR_NULL;
    return changed || mp_is_nil(value) || mp_as_bin(value, out);
}

static bool get_extras(const mp_value *saved, const struct config_source *source,
                       const struct changed *changed, struct event_extra *extras)
{
    bool good = true;
    for (size_t i = 0; i < source->extra_count; i++) {
        const mp_value *value = mp_get(saved, source->extras[i].field);
        extras[i] = (struct event_extra){source->extras[i].field, STR_NULL};
        good = good && (value == NULL || get_text(value, changed->extras[i], &extras[i].value));
    }
    return good;
}

bool waiting_load(struct waiting *waiting, const struct config_source *source,
                  const mp_value *columns, const mp_value *value)
{
    const struct changed changed = changed_since(source, columns);
    const bool *others = changed.fields;
    if (others[EVENT_ID] || others[EVENT_TIMESTAMP] || others[EVENT_TYPE]) {
        return mp_is_array(value);
    }
    for (size_t i = 0; i < mp_count(value); i++) {
        const mp_value *saved = mp_at(value, i);
        struct event_extra extras[CONFIG_EXTRAS_MAX];
        struct event event = {.extras = extras, .extra_count = source->extra_count};
        bool lacking = false;
        if (!event_id_load(mp_at(saved, 0), &event.id) ||
            !mp_as_int(mp_at(saved, 1), &event.timestamp.us) ||
            !get_text(mp_at(saved, 2), false, &event.event_type) || event.event_type.p == NULL ||
            !get_text(mp_at(saved, 3), others[EVENT_ACTOR], &event.actor_id) ||
            !get_text(mp_at(saved, 4), others[EVENT_TARGET], &event.target_id) ||
            !get_text(mp_at(saved, 5), others[EVENT_SUMMARY], &event.summary) ||
            !get_text(mp_at(saved, 6), others[EVENT_PAYLOAD], &event.payload) ||
            !get_extras(mp_at(saved, 7), source, &changed, extras)) {
            return false;
        }
        (void)mp_as_bool(mp_at(saved, 8), &lacking);
        add(waiting, &event, lacking || changed.any);
    }
    return mp_is_array(value);
}

void waiting_save_put_off(const struct waiting *waiting, const struct config *config,
                          struct buf *out)
{
    if (!waiting->full) {
        mp_put_nil(out);
        return;
    }
    mp_put_array(out, 3);
    mp_put_int(out, waiting->put_off_from.us);
    mp_put_uint(out, put_off_counts_total(&waiting->put_off));
    put_off_counts_save(&waiting->put_off, 0, config, out);
}

bool waiting_load_put_off(struct waiting *waiting, const struct config *config,
                          const mp_value *value)
{
    uint64_t total;
    uint64_t sources;
    waiting->full = !mp_is_nil(value);
    if (!waiting->full) {
        return true;
    }
    if (!mp_as_int(mp_at(value, 0), &waiting->put_off_from.us) ||
        !mp_as_uint(mp_at(value, 1), &total)) {
        return false;
    }
    if (mp_count(value) > 2) {
        return put_off_counts_load(&waiting->put_off, &sources, config, mp_at(value, 2));
    }
    /* An older version did not tell whose rows they were. */
    waiting->put_off = (struct put_off_counts){0};
    *(config_has_sources(config) ? &waiting->put_off.unknown : &waiting->put_off.of[0]) = total;
    return true;
}

/* No name is another one with a dash behind it, so one at most fits. */
static unsigned source_of(const struct config *config, struct str id)
{
    for (unsigned i = 0; i < config->source_count && id.p != NULL; i++) {
        const char *name = config->sources[i].name;
        const size_t len = strlen(name);
        if (id.len > len && memcmp(id.p, name, len) == 0 && id.p[len] == '-') {
            return i;
        }
    }
    return UINT_MAX; /* It is configured no more: only tiles of all sources have its rows. */
}

void waiting_find_sources(struct waiting *waiting, const struct config *config)
{
    for (size_t i = 0; config_has_sources(config) && i < waiting_count(waiting); i++) {
        struct heap_item *item = waiting->soonest.slots[i].item;
        struct waiting_row *row = heap_entry(item, struct waiting_row, soonest);
        row->event.source = source_of(config, row->event.id.text);
    }
}

void waiting_drop_sources(struct waiting *waiting, uint64_t sources)
{
    size_t i = waiting_count(waiting);
    while (i-- > 0) {
        struct heap_item *item = waiting->soonest.slots[i].item;
        struct waiting_row *row = heap_entry(item, struct waiting_row, soonest);
        if (row->event.source < 64 && (sources >> row->event.source & 1) != 0) {
            unlink_row(waiting, row);
            free(row);
            /* The heap may have moved one that was not looked at yet to the same place. */
            i += i < waiting_count(waiting);
        }
    }
    put_off_counts_drop(&waiting->put_off, sources);
}
