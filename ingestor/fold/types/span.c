/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/fold/types/span.h"

#include <assert.h>
#include <stdlib.h>

/* A sliding window has so many slots, or fewer where they would be shorter than SLOT_MIN_MS. */
#define SLOTS 300
#define SLOT_MIN_MS 100

/* Half of all time: 146,000 years. */
#define EVER_US (INT64_C(1) << 62)

bool span_given(const struct tile_config *config)
{
    return config->window_ms != 0 || config->window_period != TILE_PERIOD_NONE;
}

struct span_slots span_slots(int64_t window_ms)
{
    const int64_t part_ms = window_ms / SLOTS;
    const int64_t slot_ms = part_ms > SLOT_MIN_MS ? part_ms : SLOT_MIN_MS;
    return (struct span_slots){slot_ms * US_PER_MS,
                               (uint32_t)((window_ms + slot_ms - 1) / slot_ms)};
}

void span_init(struct window *window, const struct tile_config *config,
               enum tile_aggregate aggregate, wall_time now)
{
    if (config->window_period != TILE_PERIOD_NONE) {
        const struct calendar calendar = {config->window_period, config->local};
        window_init_calendar(window, calendar, 1, aggregate, now);
        return;
    }
    if (config->window_ms == 0) {
        window_init(window, EVER_US, 2, aggregate, now);
        return;
    }
    const struct span_slots slots = span_slots(config->window_ms);
    window_init(window, slots.width_us, slots.count, aggregate, now);
}

static bool sum_of(const struct window *window, int64_t slot, struct number *out)
{
    struct exact *sum = NULL;
    for (const struct bucket *bucket = window_after(window, slot); bucket != NULL;
         bucket = window_after(window, bucket->slot)) {
        if (bucket->exact != NULL) {
            exact_add_sum(&sum, bucket->exact);
        } else {
            exact_add(&sum, bucket->value);
        }
    }
    *out = number_of_real(0);
    const bool there = sum == NULL || exact_number(sum, out);
    free(sum);
    return there;
}

/* The smallest, the largest, or that of the newest slot. */
static bool choice_of(const struct window *window, int64_t slot, struct number *out)
{
    const bool least = window->aggregate == TILE_AGGREGATE_MIN;
    const bool most = window->aggregate == TILE_AGGREGATE_MAX;
    bool there = false;
    for (const struct bucket *bucket = window_after(window, slot); bucket != NULL;
         bucket = window_after(window, bucket->slot)) {
        struct number one;
        (void)window_value(window, bucket, &one);
        if (!there || (!least && !most) ||
            (least ? number_less(one, *out) : number_less(*out, one))) {
            *out = one;
        }
        there = true;
    }
    return there;
}

static uint64_t rows_of(const struct window *window, int64_t slot)
{
    uint64_t rows = 0;
    for (const struct bucket *bucket = window_after(window, slot); bucket != NULL;
         bucket = window_after(window, bucket->slot)) {
        rows += bucket->count;
    }
    return rows;
}

bool span_value_after(const struct window *window, int64_t slot, struct number *out)
{
    const uint64_t rows = slot == INT64_MIN ? window->total : rows_of(window, slot);
    if (rows == 0) {
        return false;
    }
    switch (window->aggregate) {
    case TILE_AGGREGATE_COUNT:
        *out = number_of_real((double)rows);
        return true;
    case TILE_AGGREGATE_SUM:
        return sum_of(window, slot, out);
    case TILE_AGGREGATE_AVG:
        if (!sum_of(window, slot, out)) {
            return false;
        }
        *out = number_of_real(out->value / (double)rows);
        return true;
    case TILE_AGGREGATE_MIN:
    case TILE_AGGREGATE_MAX:
    case TILE_AGGREGATE_LAST:
        break;
    case TILE_AGGREGATE_P50:
    case TILE_AGGREGATE_P90:
    case TILE_AGGREGATE_P95:
    case TILE_AGGREGATE_P99:
    case TILE_AGGREGATE_DISTINCT:
    case TILE_AGGREGATE_RANKING:
        assert(false && "a number has none of these: they are types of their own");
        return false;
    }
    return choice_of(window, slot, out);
}

bool span_value(const struct window *window, struct number *out)
{
    return span_value_after(window, INT64_MIN, out);
}

uint32_t span_write(const struct window *window, const struct tile_config *config, struct buf *out)
{
    char begins[WALL_TEXT_SIZE];
    if (config->window_ms != 0) {
        mp_put_text(out, "window_ms");
        mp_put_int(out, config->window_ms);
        return 1;
    }
    if (config->window_period == TILE_PERIOD_NONE) {
        return 0;
    }
    mp_put_text(out, "window");
    mp_put_text(out, tile_window_name(config->window_period));
    mp_put_text(out, "begins_at");
    mp_put_text(out, wall_format((wall_time){window->begins_us}, begins));
    mp_put_text(out, "time_zone");
    mp_put_text(out, config->local->time_zone);
    return 3;
}
