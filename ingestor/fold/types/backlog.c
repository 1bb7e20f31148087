/* SPDX-License-Identifier: Apache-2.0 */
/*
 * backlog: open items by their current state, and with `breakdown` also by the latest value of a
 * field of theirs. All sums are kept as rows come: an item is taken out of them before it changes,
 * and added again after.
 */
#include "common/base/xalloc.h"
#include "ingestor/fold/match.h"
#include "ingestor/fold/types/items.h"
#include "ingestor/fold/types/list.h"

#define PARTS_MAX 1000 /* different breakdown values; items of further ones count under "other" */
#define PART_NAME_MAX 256 /* bytes; longer values are cut */

/* One value of the breakdown field. */
struct part {
    uint64_t counts[TILE_STATES_MAX]; /* open items with that value, by state */
    uint32_t index;                   /* from 1, in the order of coming; see item.part */
    UT_hash_handle by_name;
    size_t name_len;
    char name[]; /* NUL-terminated */
};

struct backlog {
    struct items items;
    struct heap by_age;               /* open items by first_us */
    uint64_t counts[TILE_STATES_MAX]; /* open items by state */
    struct part *parts;               /* uthash by name; owned */
    struct part **by_index;           /* the same by index; place 0 is not used */
    uint32_t part_count;
};

static void finish(void *state)
{
    struct backlog *backlog = state;
    struct part *part;
    struct part *next;
    HASH_ITER(by_name, backlog->parts, part, next)
    {
        HASH_DELETE(by_name, backlog->parts, part);
        free(part);
    }
    free(backlog->by_index);
    heap_free(&backlog->by_age);
    items_finish(&backlog->items);
}

/* The index of the breakdown value, which is made when it is new. */
static uint32_t part_index(struct backlog *backlog, struct str name)
{
    struct part *part;
    name.len = name.len < PART_NAME_MAX ? name.len : PART_NAME_MAX;
    if (backlog->part_count >= PARTS_MAX) {
        HASH_FIND(by_name, backlog->parts, name.p, name.len, part);
        if (part == NULL) {
            name = STR("other");
        }
    }
    HASH_FIND(by_name, backlog->parts, name.p, name.len, part);
    if (part == NULL) {
        part = x_calloc(1, sizeof *part + name.len + 1);
        memcpy(part->name, name.p, name.len);
        part->name_len = name.len;
        part->index = ++backlog->part_count;
        HASH_ADD_KEYPTR(by_name, backlog->parts, part->name, part->name_len, part);
        backlog->by_index =
            x_reallocarray(backlog->by_index, backlog->part_count + 1, sizeof(struct part *));
        backlog->by_index[part->index] = part;
    }
    return part->index;
}

/* Adds the item to the sums (sign 1), or takes it out of them (sign -1). A closed one counts in
 * none; an open one without a breakdown value counts under "". */
static void count(struct backlog *backlog, const struct tile_config *config,
                  const struct item *item, int sign)
{
    if (item->state == TILE_STATE_CLOSED) {
        return;
    }
    const uint64_t step = sign > 0 ? 1 : UINT64_MAX;
    backlog->counts[item->state] += step;
    if (config->breakdown.kind != TILE_FIELD_NONE) {
        const uint32_t index = item->part != 0 ? item->part : part_index(backlog, STR(""));
        backlog->by_index[index]->counts[item->state] += step;
    }
}

/* *meaning is what the first rule that fits says: the index of a state, or TILE_STATE_CLOSED. */
static bool examine(const struct tile_config *config, const char *metric_event,
                    struct str event_type, int *meaning)
{
    (void)metric_event;
    for (size_t i = 0; i < config->rule_count; i++) {
        if (match_fits_text(&config->rules[i].event_type, event_type)) {
            *meaning = config->rules[i].state;
            return true;
        }
    }
    return false;
}

static bool concerns(const struct tile_config *config, int meaning, struct row *row,
                     struct number *value)
{
    (void)meaning;
    char scratch[ROW_SCRATCH];
    struct str id;
    *value = number_of_real(0);
    return row_text(row, &config->item, scratch, &id);
}

/* Takes the row's breakdown value over, unless a later row gave one. */
static void take_breakdown(struct backlog *backlog, const struct tile_config *config,
                           struct item *item, struct row *row)
{
    char scratch[ROW_SCRATCH];
    struct str name;
    if (config->breakdown.kind == TILE_FIELD_NONE || !rank_is_before(&item->parted, row->event) ||
        !row_text(row, &config->breakdown, scratch, &name)) {
        return;
    }
    item->part = part_index(backlog, name);
    rank_set(&item->parted, row->event);
}

static bool apply(void *state, const struct tile_config *config, int meaning, struct row *row,
                  struct number value, wall_time now)
{
    (void)value;
    (void)now;
    struct backlog *backlog = state;
    const struct event *event = row->event;
    const bool opens = meaning != TILE_STATE_CLOSED;
    char scratch[ROW_SCRATCH];
    struct str id;
    if (!row_text(row, &config->item, scratch, &id)) {
        return false;
    }
    struct item *item = items_find(&backlog->items, id);
    if (opens && (item == NULL || item->state == TILE_STATE_CLOSED) &&
        backlog->items.open >= ITEMS_OPEN_MAX) {
        row->counters->items_refused++;
        return false;
    }
    if (item == NULL) {
        item = items_add(&backlog->items, id, opens);
    }
    const bool was_open = item->state != TILE_STATE_CLOSED;
    items_touch(&backlog->items, item);
    count(backlog, config, item, -1);
    take_breakdown(backlog, config, item, row);
    if (event->timestamp.us < item->first_us) {
        item->first_us = event->timestamp.us;
    }
    int to = item->state;
    if (rank_is_before(&item->latest, event)) {
        rank_set(&item->latest, event);
        to = meaning;
    }
    if (to == TILE_STATE_CLOSED) {
        heap_remove(&backlog->by_age, &item->heap);
    } else {
        heap_set(&backlog->by_age, &item->heap, item->first_us);
    }
    const bool is_open = to != TILE_STATE_CLOSED;
    if (was_open != is_open) {
        items_set_state(&backlog->items, item, to);
    }
    if (is_open) {
        item->state = to;
        count(backlog, config, item, 1);
    }
    return was_open || is_open;
}

/* Appends {state: count}; states without items are left out, unless zeros are wanted. */
static void write_counts(const struct tile_config *config, const uint64_t *counts, bool zeros,
                         struct buf *out)
{
    struct mp_open_map map = mp_open_map(out);
    for (size_t i = 0; i < config->state_count; i++) {
        if (zeros || counts[i] != 0) {
            mp_put_text(out, config->states[i]);
            mp_put_uint(out, counts[i]);
            map.count++;
        }
    }
    mp_close_map(out, map);
}

static void write_breakdown(const struct backlog *backlog, const struct tile_config *config,
                            struct buf *out)
{
    struct mp_open_map map = mp_open_map(out);
    for (const struct part *part = backlog->parts; part != NULL; part = part->by_name.next) {
        uint64_t sum = 0;
        for (size_t i = 0; i < config->state_count; i++) {
            sum += part->counts[i];
        }
        if (sum != 0) {
            mp_put_str(out, (struct str){part->name, part->name_len});
            write_counts(config, part->counts, false, out);
            map.count++;
        }
    }
    mp_close_map(out, map);
}

static void write_data(const void *state, const struct tile_config *config, struct buf *out)
{
    const struct backlog *backlog = state;
    struct mp_open_map map = mp_open_map(out);
    mp_put_text(out, "total");
    mp_put_uint(out, backlog->items.open);
    mp_put_text(out, "buckets");
    write_counts(config, backlog->counts, true, out);
    map.count += 2;
    const struct heap_item *oldest = heap_top(&backlog->by_age);
    if (oldest != NULL) {
        mp_put_text(out, "oldest_at");
        items_put_time(out, oldest->key);
        map.count++;
    }
    if (config->breakdown.kind != TILE_FIELD_NONE) {
        mp_put_text(out, "breakdown");
        write_breakdown(backlog, config, out);
        map.count++;
    }
    mp_close_map(out, map);
}

/* ---- Saving and loading. The items are all that there is to save: [id, latest_us, latest_id,
 * state, first_us, closing], with part, part_us and part_id behind for one that has a breakdown
 * value ---- */

static struct items *items_of(void *state)
{
    struct backlog *backlog = state;
    return &backlog->items;
}

static void save_item(const void *state, const struct item *item, struct buf *out)
{
    const struct backlog *backlog = state;
    mp_put_array(out, item->part != 0 ? 9 : 6);
    mp_put_bin(out, (struct str){item->id, item->id_len});
    rank_save(&item->latest, out);
    mp_put_int(out, item->state);
    mp_put_int(out, item->first_us);
    mp_put_uint(out, item->closing);
    if (item->part != 0) {
        const struct part *part = backlog->by_index[item->part];
        mp_put_bin(out, (struct str){part->name, part->name_len});
        rank_save(&item->parted, out);
    }
}

/* Fills an item that was just made; its breakdown value begins at that place. */
static bool fill_item(struct backlog *backlog, const struct tile_config *config, struct item *item,
                      const mp_value *saved, size_t breakdown)
{
    struct str part;
    int64_t state;
    if (item == NULL || !rank_load(&item->latest, saved, 1) ||
        !mp_as_int(mp_at(saved, 3), &state) || state < TILE_STATE_CLOSED ||
        state >= (int64_t)config->state_count || !mp_as_int(mp_at(saved, 4), &item->first_us)) {
        return false;
    }
    if (mp_count(saved) > breakdown) {
        if (!mp_as_bin(mp_at(saved, breakdown), &part) ||
            !rank_load(&item->parted, saved, breakdown + 1)) {
            return false;
        }
        item->part = part_index(backlog, part);
    }
    if (state != TILE_STATE_CLOSED) {
        items_set_state(&backlog->items, item, (int)state);
        heap_set(&backlog->by_age, &item->heap, item->first_us);
        count(backlog, config, item, 1);
    }
    return true;
}

static bool load_item(void *state, const struct tile_config *config, uint64_t number,
                      const mp_value *saved)
{
    struct backlog *backlog = state;
    struct str id;
    uint64_t closing;
    return mp_as_bin(mp_at(saved, 0), &id) && mp_as_uint(mp_at(saved, 5), &closing) &&
           fill_item(backlog, config, items_load(&backlog->items, id, number, closing), saved, 6);
}

static bool load(void *state, const struct tile_config *config, const mp_value *value)
{
    struct backlog *backlog = state;
    for (size_t i = 0; i < mp_count(value); i++) {
        const mp_value *saved = mp_at(value, i);
        struct str id;
        if (!mp_as_bin(mp_at(saved, 0), &id) || items_find(&backlog->items, id) != NULL ||
            !fill_item(backlog, config, items_add(&backlog->items, id, false), saved, 5)) {
            return false;
        }
    }
    return mp_is_array(value) || mp_is_nil(value);
}

const struct fold_type fold_type_backlog = {
    .size = sizeof(struct backlog),
    .finish = finish,
    .examine = examine,
    .concerns = concerns,
    .apply = apply,
    .write = write_data,
    .save = items_save_nothing,
    .load = load,
    .items = items_of,
    .save_item = save_item,
    .load_item = load_item,
};
