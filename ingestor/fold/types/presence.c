/* SPDX-License-Identifier: Apache-2.0 */
/*
 * presence: which items are still heard of. Each row that matches is a sign of life of its item.
 * Four heaps have the items by when time alone moves them on, and a row moves them back:
 *
 *             last + late             last + missing             last + forget
 *      up ─────────────────► late ───────────────────► missing ────────────────► forgotten
 *       ▲                     ▲ last + late, if that is earlier
 *       └──── returning ──────┘
 *       begin + steady
 *
 * Signs that are less than `late` apart are one run. An item that was away is returning until its
 * last run is `steady` long, so that one that comes and goes is not taken for up each time:
 *
 *      rows   x x x x x            x   x x x x x x x x x
 *      runs   [───────]  late <    [─────────────────]       begin and last of the last run
 *
 * A row that comes late may join two runs, so those before the last one are kept, too, as long as
 * it matters: a run that ended `steady` and `late` before the last sign can only be joined by what
 * makes the last run longer than `steady`, whatever is known of it. So at most
 * TILE_STEADY_LATES + 2 runs are kept, and in whatever order rows come, the item is the same.
 *
 * Memory: about 270 bytes and the id for each item, and 16 for each further run; at most
 * ITEMS_OPEN_MAX items are shown, and ITEMS_CLOSED_MAX forgotten ones remembered.
 */
#include <stdlib.h>
#include <string.h>

#include "common/base/xalloc.h"
#include "ingestor/fold/match.h"
#include "ingestor/fold/types/items.h"
#include "ingestor/fold/types/list.h"
#include "ingestor/fold/types/matching.h"

enum standing { MISSING, LATE, RETURNING, UP, STANDINGS };

/* first_us of an item is its first sign of life; due_us is unused. Its state is 0 until it is
 * forgotten. */
struct presence {
    struct items items;
    struct heap by_standing[STANDINGS]; /* by the last sign of life; RETURNING: by when it ends */
    int64_t now_us;                     /* the moment that the heaps are right for */
};

static int64_t plus(int64_t us, int64_t ms)
{
    int64_t sum;
    return __builtin_add_overflow(us, ms * US_PER_MS, &sum) ? INT64_MAX : sum;
}

/* ---- Runs ---- */

static int64_t last_us(const struct item *item)
{
    return item->runs[item->run_count - 1].end_us;
}

/* Takes a sign of life into the runs, which stay in order and `late` apart. */
static void add_to_runs(struct item *item, const struct tile_config *config, int64_t us)
{
    struct item_run joined = {us, us};
    size_t first = 0;
    while (first < item->run_count && plus(item->runs[first].end_us, config->late_ms) <= us) {
        first++;
    }
    size_t behind = first; /* behind the runs that the row joins */
    while (behind < item->run_count && item->runs[behind].begin_us < plus(us, config->late_ms)) {
        const struct item_run *run = &item->runs[behind++];
        joined.begin_us = run->begin_us < joined.begin_us ? run->begin_us : joined.begin_us;
        joined.end_us = run->end_us > joined.end_us ? run->end_us : joined.end_us;
    }
    const size_t left = item->run_count - behind;
    if (behind == first) {
        item->runs = x_reallocarray(item->runs, item->run_count + 1, sizeof *item->runs);
    }
    memmove(&item->runs[first + 1], &item->runs[behind], left * sizeof *item->runs);
    item->runs[first] = joined;
    item->run_count = (uint32_t)(first + 1 + left);
}

/* Forgets the runs that ended so early that they say nothing any more. */
static void forget_runs(struct item *item, const struct tile_config *config)
{
    size_t old = 0;
    while (plus(item->runs[old].end_us, config->steady_ms + config->late_ms) < last_us(item)) {
        old++;
    }
    if (old != 0) {
        item->run_count -= (uint32_t)old;
        memmove(item->runs, &item->runs[old], item->run_count * sizeof *item->runs);
        item->runs = x_reallocarray(item->runs, item->run_count, sizeof *item->runs);
    }
}

/* ---- Standings ---- */

/* When a returning item is up, or is late again; for one that never was away, long ago. */
static int64_t returned_us(const struct item *item, const struct tile_config *config)
{
    const int64_t begin_us = item->runs[item->run_count - 1].begin_us;
    return begin_us == item->first_us ? begin_us : plus(begin_us, config->steady_ms);
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static enum standing standing_of(const struct item *item, const struct tile_config *config,
                                 int64_t now_us)
{
    return plus(last_us(item), config->missing_ms) <= now_us ? MISSING
           : plus(last_us(item), config->late_ms) <= now_us  ? LATE
           : returned_us(item, config) > now_us              ? RETURNING
                                                             : UP;
}

/* When time moves on an item that has that key in that heap. */
static int64_t moves_us(const struct tile_config *config, enum standing standing, int64_t key)
{
    switch (standing) {
    case MISSING:
        return plus(key, config->forget_ms);
    case LATE:
        return plus(key, config->missing_ms);
    case UP:
        return plus(key, config->late_ms);
    case RETURNING:
    case STANDINGS:
    default:
        return key;
    }
}

static bool is_forgotten(const struct item *item, const struct tile_config *config, int64_t now_us)
{
    return plus(last_us(item), config->forget_ms) <= now_us;
}

/* Takes an item out of its heap, if it is in one. */
static void leave(struct presence *p, struct item *item)
{
    if (item->heap.index != HEAP_NONE) {
        heap_remove(&p->by_standing[item->risk], &item->heap);
    }
}

/* Puts an item that is in no heap where it belongs. It may be freed by that, as items_set_state
 * says, when it is forgotten. */
static void enter(struct presence *p, const struct tile_config *config, struct item *item)
{
    const bool forgotten = is_forgotten(item, config, p->now_us);
    if (!forgotten) {
        const enum standing standing = standing_of(item, config, p->now_us);
        item->risk = standing;
        heap_set(&p->by_standing[standing], &item->heap,
                 standing == RETURNING
                     ? earlier(returned_us(item, config), plus(last_us(item), config->late_ms))
                     : last_us(item));
    }
    items_set_state(&p->items, item, forgotten ? TILE_STATE_CLOSED : 0);
}

static void init(void *state, const struct tile_config *config, wall_time now)
{
    (void)config;
    struct presence *p = state;
    p->now_us = now.us;
    for (int standing = 0; standing < STANDINGS; standing++) {
        p->by_standing[standing].tie_before = items_id_before;
    }
}

static void finish(void *state)
{
    struct presence *p = state;
    items_finish(&p->items);
    for (int standing = 0; standing < STANDINGS; standing++) {
        heap_free(&p->by_standing[standing]);
    }
}

static bool advance(void *state, const struct tile_config *config, wall_time now)
{
    struct presence *p = state;
    bool changed = false;
    if (now.us <= p->now_us) {
        return false;
    }
    p->now_us = now.us;
    for (enum standing standing = MISSING; standing < STANDINGS; standing++) {
        struct heap_item *top;
        while ((top = heap_top(&p->by_standing[standing])) != NULL &&
               moves_us(config, standing, top->key) <= now.us) {
            struct item *item = heap_entry(top, struct item, heap);
            leave(p, item);
            enter(p, config, item);
            changed = true;
        }
    }
    return changed;
}

static wall_time next(const void *state, const struct tile_config *config)
{
    const struct presence *p = state;
    int64_t next_us = INT64_MAX;
    for (enum standing standing = MISSING; standing < STANDINGS; standing++) {
        const struct heap_item *top = heap_top(&p->by_standing[standing]);
        if (top != NULL) {
            next_us = earlier(next_us, moves_us(config, standing, top->key));
        }
    }
    return (wall_time){next_us};
}

/* ---- Rows ---- */

static bool concerns(const struct tile_config *config, int meaning, struct row *row,
                     struct number *says)
{
    char scratch[ROW_SCRATCH];
    struct str id;
    return matching_concerns(config, meaning, row, says) &&
           row_text(row, &config->item, scratch, &id);
}

/* The row's item, which may be a new one; NULL: there are too many. */
static struct item *item_of(struct presence *p, const struct tile_config *config, struct str id,
                            int64_t us)
{
    const bool is_old = plus(us, config->forget_ms) <= p->now_us;
    struct item *item = items_find(&p->items, id);
    if (item == NULL) {
        return items_add(&p->items, id, !is_old);
    }
    const bool revives = item->state == TILE_STATE_CLOSED && !is_old;
    return revives && p->items.open >= ITEMS_OPEN_MAX ? NULL : item;
}

static bool apply(void *state, const struct tile_config *config, int meaning, struct row *row,
                  struct number says, wall_time now)
{
    (void)meaning;
    (void)says;
    struct presence *p = state;
    const bool moved = advance(state, config, now);
    const int64_t us = row->event->timestamp.us;
    char scratch[ROW_SCRATCH];
    struct str id;
    if (!row_text(row, &config->item, scratch, &id)) {
        return moved;
    }
    struct item *item = item_of(p, config, id, us);
    if (item == NULL) {
        row->counters->items_refused++;
        return moved;
    }
    const size_t before = item->heap.index != HEAP_NONE ? item->risk : STANDINGS;
    leave(p, item);
    item->first_us = earlier(item->first_us, us);
    add_to_runs(item, config, us);
    forget_runs(item, config);
    items_touch(&p->items, item);
    const size_t after =
        is_forgotten(item, config, p->now_us) ? STANDINGS : standing_of(item, config, p->now_us);
    enter(p, config, item);
    return moved || before != after || (after != UP && after != STANDINGS);
}

/* ---- What is shown ---- */

/* The items that are not up: those that are missing first, and of these the longest. */
static void write_worst(const struct presence *p, struct buf *out)
{
    static const char *const names[] = {"missing", "late", "returning"};
    struct heap_item *top[TILE_WORST_ITEMS];
    size_t counts[UP];
    size_t count = 0;
    for (enum standing standing = MISSING; standing < UP; standing++) {
        counts[standing] =
            heap_smallest(&p->by_standing[standing], &top[count], TILE_WORST_ITEMS - count);
        count += counts[standing];
    }
    mp_put_text(out, "worst");
    mp_put_array(out, count);
    for (size_t i = 0; i < count; i++) {
        const struct item *item = heap_const_entry(top[i], struct item, heap);
        mp_put_map(out, 3);
        mp_put_text(out, "id");
        mp_put_str(out, (struct str){item->id, item->id_len});
        mp_put_text(out, "state");
        mp_put_text(out, names[item->risk]);
        mp_put_text(out, "seen_at");
        items_put_time(out, last_us(item));
    }
}

static void write_data(const void *state, const struct tile_config *config, struct buf *out)
{
    (void)config;
    const struct presence *p = state;
    mp_put_map(out, 4);
    mp_put_text(out, "up");
    mp_put_uint(out, p->by_standing[UP].count);
    mp_put_text(out, "late");
    mp_put_uint(out, p->by_standing[LATE].count + p->by_standing[RETURNING].count);
    mp_put_text(out, "missing");
    mp_put_uint(out, p->by_standing[MISSING].count);
    write_worst(p, out);
}

/* ---- Saving and loading. The items are all that there is to save: [id, first_us, closing, [begin,
 * end, begin, end, …]] ---- */

static struct items *items_of(void *state)
{
    struct presence *p = state;
    return &p->items;
}

static void save_item(const void *state, const struct item *item, struct buf *out)
{
    (void)state;
    mp_put_array(out, 4);
    mp_put_bin(out, (struct str){item->id, item->id_len});
    mp_put_int(out, item->first_us);
    mp_put_uint(out, item->closing);
    mp_put_array(out, 2 * (size_t)item->run_count);
    for (size_t i = 0; i < item->run_count; i++) {
        mp_put_int(out, item->runs[i].begin_us);
        mp_put_int(out, item->runs[i].end_us);
    }
}

/* False when they are not as add_to_runs leaves them. */
static bool load_runs(struct item *item, const mp_value *saved)
{
    const size_t numbers = mp_count(saved);
    int64_t before = INT64_MIN;
    if (numbers == 0 || numbers % 2 != 0 || numbers / 2 > TILE_STEADY_LATES + 2) {
        return false;
    }
    item->runs = x_calloc(numbers / 2, sizeof *item->runs);
    for (size_t i = 0; i < numbers / 2; i++) {
        struct item_run *run = &item->runs[i];
        if (!mp_as_int(mp_at(saved, 2 * i), &run->begin_us) ||
            !mp_as_int(mp_at(saved, 2 * i + 1), &run->end_us) || run->begin_us > run->end_us ||
            (i != 0 && run->begin_us <= before)) {
            return false;
        }
        before = run->end_us;
    }
    item->run_count = (uint32_t)(numbers / 2);
    return true;
}

static bool load_item(void *state, const struct tile_config *config, uint64_t number,
                      const mp_value *saved)
{
    struct presence *p = state;
    struct str id;
    uint64_t closing;
    int64_t first_us;
    if (!mp_as_bin(mp_at(saved, 0), &id) || !mp_as_int(mp_at(saved, 1), &first_us) ||
        !mp_as_uint(mp_at(saved, 2), &closing)) {
        return false;
    }
    struct item *item = items_load(&p->items, id, number, closing);
    if (item == NULL || !load_runs(item, mp_at(saved, 3))) {
        return false;
    }
    item->first_us = first_us;
    enter(p, config, item);
    return true;
}

const struct fold_type fold_type_presence = {
    .size = sizeof(struct presence),
    .init = init,
    .finish = finish,
    .examine = matching_examine,
    .concerns = concerns,
    .apply = apply,
    .advance = advance,
    .next = next,
    .write = write_data,
    .save = items_save_nothing,
    .load = items_load_nothing,
    .items = items_of,
    .save_item = save_item,
    .load_item = load_item,
};
