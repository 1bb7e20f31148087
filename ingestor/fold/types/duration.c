/* SPDX-License-Identifier: Apache-2.0 */
/*
 * duration: the time between two kinds of events about an item, of the items that ended in a
 * window, and how many still run. An item begins with the earliest row that opens it, and ends with
 * the earliest that closes it:
 *
 *     rows about an item          it                    kept in
 *     opens                       runs                  running, by its beginning
 *     opens, then closes          has ended             ended, by its end, while that is in the
 *                                                       window; and in sum and sketch
 *     closes before it opens,     is not measured       nothing
 *     or without
 *
 * Both moments are minima, so rows may come in any order: an item is taken out, changed, and put in
 * again.
 *
 * Memory: about 250 bytes and the id for each running item, of which there are ITEMS_OPEN_MAX at
 * most, and for each other one, of which ITEMS_CLOSED_MAX are remembered; a sketch.
 */
#include <stdlib.h>
#include <string.h>

#include "ingestor/fold/types/items.h"
#include "ingestor/fold/types/list.h"
#include "ingestor/fold/types/opening.h"
#include "ingestor/fold/types/sketch.h"
#include "ingestor/fold/types/span.h"

/* A longer one counts as so long, 100 years: the sum of all that are remembered is an int64. */
#define LONGEST_MS (INT64_C(36600) * 24 * 3600 * 1000)

/* With a calendar only the first ten years count: business time is counted day by day. */
#define LONGEST_WALK_US (INT64_C(3660) * US_PER_DAY)

/* first_us of an item is when it begins, due_us is when it ends; INT64_MAX while that is unknown.
 * Its state is 0 while it runs. */
struct duration {
    struct items items;    /* the first member, so that forgetting finds the others */
    struct window clock;   /* without rows: it says which slots are in the window now */
    struct heap running;   /* items that run, by first_us */
    struct heap ended;     /* items that ended in the window, by due_us */
    struct sketch *sketch; /* their durations in seconds, owned */
    int64_t sum_ms;        /* of their durations */
    const struct business_calendar *calendar; /* whose time counts; NULL: all time does; borrowed */
};

static int64_t length_ms(const struct duration *d, const struct item *item)
{
    int64_t us;
    if (d->calendar != NULL) {
        const int64_t last_us = wall_add_us((wall_time){item->first_us}, LONGEST_WALK_US).us;
        return business_between(d->calendar, item->first_us,
                                item->due_us < last_us ? item->due_us : last_us) /
               US_PER_MS;
    }
    if (__builtin_sub_overflow(item->due_us, item->first_us, &us) || us / US_PER_MS > LONGEST_MS) {
        return LONGEST_MS;
    }
    return us / US_PER_MS;
}

static double length_s(const struct duration *d, const struct item *item)
{
    return (double)length_ms(d, item) / 1000;
}

/* The first instant of the window. */
static int64_t begin_us(const struct duration *d)
{
    return window_begin_us(&d->clock, d->clock.now - d->clock.length + 1);
}

/* Takes an item out of all that it is in. */
static void leave(struct duration *d, struct item *item)
{
    if (item->state != TILE_STATE_CLOSED) {
        heap_remove(&d->running, &item->heap);
    } else if (item->heap.index != HEAP_NONE) {
        heap_remove(&d->ended, &item->heap);
        sketch_remove(d->sketch, length_s(d, item));
        d->sum_ms -= length_ms(d, item);
    }
}

/* Puts an item that is in nothing where it belongs. */
static void enter(struct duration *d, struct item *item)
{
    const bool runs = item->first_us != INT64_MAX && item->due_us == INT64_MAX;
    const bool measured = item->due_us != INT64_MAX && item->due_us >= item->first_us;
    if (runs) {
        heap_set(&d->running, &item->heap, item->first_us);
    } else if (measured && item->due_us >= begin_us(d)) {
        heap_set(&d->ended, &item->heap, item->due_us);
        sketch_add(&d->sketch, length_s(d, item));
        d->sum_ms += length_ms(d, item);
    }
    items_set_state(&d->items, item, runs ? 0 : TILE_STATE_CLOSED);
}

static void forgetting(struct items *items, struct item *item)
{
    leave((struct duration *)(void *)items, item);
}

static void init(void *state, const struct tile_config *config, wall_time now)
{
    struct duration *d = state;
    d->calendar = config->calendar;
    d->items.forgetting = forgetting;
    d->running.tie_before = items_id_before;
    span_init(&d->clock, config, TILE_AGGREGATE_COUNT, now);
}

static void finish(void *state)
{
    struct duration *d = state;
    items_finish(&d->items);
    window_finish(&d->clock);
    heap_free(&d->running);
    heap_free(&d->ended);
    free(d->sketch);
}

static bool advance(void *state, const struct tile_config *config, wall_time now)
{
    (void)config;
    struct duration *d = state;
    bool changed = window_advance(&d->clock, now);
    struct heap_item *top;
    while ((top = heap_top(&d->ended)) != NULL && top->key < begin_us(d)) {
        leave(d, heap_entry(top, struct item, heap));
        changed = true;
    }
    return changed;
}

static wall_time next(const void *state, const struct tile_config *config)
{
    const struct duration *d = state;
    const bool moves = heap_top(&d->ended) != NULL || config->window_period != TILE_PERIOD_NONE;
    return (wall_time){moves ? d->clock.ends_us : INT64_MAX};
}

static bool apply(void *state, const struct tile_config *config, int meaning, struct row *row,
                  struct number says, wall_time now)
{
    (void)meaning;
    struct duration *d = state;
    const bool moved = advance(state, config, now);
    const int64_t at_us = row->event->timestamp.us;
    const bool opens = says.value <= 0;
    char scratch[ROW_SCRATCH];
    struct str id;
    if (!row_text(row, &config->item, scratch, &id)) {
        return moved;
    }
    struct item *item = items_find(&d->items, id);
    if (item == NULL) {
        item = items_add(&d->items, id, opens);
    }
    if (item == NULL) {
        row->counters->items_refused++;
        return moved;
    }
    int64_t *moment = opens ? &item->first_us : &item->due_us;
    if (at_us >= *moment) {
        return moved;
    }
    leave(d, item);
    *moment = at_us;
    items_touch(&d->items, item);
    enter(d, item);
    return true;
}

static void write_data(const void *state, const struct tile_config *config, struct buf *out)
{
    const struct duration *d = state;
    const uint64_t count = d->ended.count;
    const struct heap_item *oldest = heap_top(&d->running);
    struct mp_open_map map = mp_open_map(out);
    if (count != 0) {
        const int64_t avg_ms = d->sum_ms / (int64_t)count;
        mp_put_text(out, "avg");
        mp_put_number(out, (double)avg_ms / 1000);
        mp_put_text(out, "p50");
        mp_put_number(out, sketch_at(d->sketch, sketch_place(count, 50)));
        mp_put_text(out, "p95");
        mp_put_number(out, sketch_at(d->sketch, sketch_place(count, 95)));
        map.count += 3;
    }
    mp_put_text(out, "count");
    mp_put_uint(out, count);
    mp_put_text(out, "running");
    mp_put_uint(out, d->running.count);
    mp_put_text(out, "unit");
    mp_put_text(out, "s");
    map.count += 3;
    if (oldest != NULL) {
        mp_put_text(out, "oldest_at");
        items_put_time(out, oldest->key);
        const struct item *item = heap_const_entry(oldest, struct item, heap);
        mp_put_text(out, "oldest");
        mp_put_str(out, (struct str){item->id, item->id_len});
        map.count += 2;
    }
    map.count += span_write(&d->clock, config, out);
    mp_close_map(out, map);
}

/* ---- Saving and loading. The items are all that there is to save: [id, first_us, due_us, closing]
 * ---- */

static struct items *items_of(void *state)
{
    struct duration *d = state;
    return &d->items;
}

static void save_item(const void *state, const struct item *item, struct buf *out)
{
    (void)state;
    mp_put_array(out, 4);
    mp_put_bin(out, (struct str){item->id, item->id_len});
    mp_put_int(out, item->first_us);
    mp_put_int(out, item->due_us);
    mp_put_uint(out, item->closing);
}

static bool load_item(void *state, const struct tile_config *config, uint64_t number,
                      const mp_value *saved)
{
    (void)config;
    struct duration *d = state;
    struct str id;
    uint64_t closing;
    int64_t first_us;
    int64_t due_us;
    if (!mp_as_bin(mp_at(saved, 0), &id) || !mp_as_int(mp_at(saved, 1), &first_us) ||
        !mp_as_int(mp_at(saved, 2), &due_us) || !mp_as_uint(mp_at(saved, 3), &closing)) {
        return false;
    }
    struct item *item = items_load(&d->items, id, number, closing);
    if (item == NULL) {
        return false;
    }
    item->first_us = first_us;
    item->due_us = due_us;
    enter(d, item);
    return true;
}

const struct fold_type fold_type_duration = {
    .size = sizeof(struct duration),
    .init = init,
    .finish = finish,
    .examine = opening_examine,
    .concerns = opening_concerns,
    .apply = apply,
    .advance = advance,
    .next = next,
    .write = write_data,
    .save = items_save_nothing,
    .load = items_load_nothing,
    .items = items_of,
    .save_item = save_item,
    .load_item = load_item,
    .forgets = span_given,
};
