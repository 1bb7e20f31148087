/* SPDX-License-Identifier: Apache-2.0 */
/* trend, as docs/tiles.md says: one point for each bucket of time. */
#include <stdio.h>
#include <stdlib.h>

#include "common/base/xalloc.h"
#include "common/codec/mp.h"
#include "ctl/oracle/period.h"
#include "ctl/oracle/types/point.h"
#include "ctl/oracle/types/values.h"

/* When each bucket begins, in µs since 1970, from the oldest on. The caller frees it. */
static int64_t *begins_of(const struct tile_config *tile, wall_time at)
{
    const int64_t step_us = tile->step_ms * US_PER_MS;
    const int64_t newest = oracle_values_slot(at.us, step_us);
    int64_t *begins = x_calloc(tile->length, sizeof *begins);
    for (int i = 0; i < (int)tile->length; i++) {
        const int later = i + 1 - (int)tile->length; /* than the newest: 0 or less */
        begins[i] = tile->step_period != TILE_PERIOD_NONE
                        ? oracle_period_begin_us(tile->local, tile->step_period, at.us, later)
                        : (newest + later) * step_us;
    }
    return begins;
}

/* The last bucket that has begun at that time; -1 when that is before all of them. */
static int64_t bucket_of(const int64_t *begins, int64_t length, int64_t us)
{
    int64_t low = -1;
    int64_t high = length - 1;
    while (low < high) {
        const int64_t middle = high - (high - low) / 2;
        if (begins[middle] <= us) {
            low = middle;
        } else {
            high = middle - 1;
        }
    }
    return low;
}

/* What is said of buckets that are not equally long. */
static void put_period(const struct tile_config *tile, const int64_t *begins, struct buf *out)
{
    mp_put_text(out, "step");
    mp_put_text(out, tile_step_name(tile->step_period));
    mp_put_text(out, "time_zone");
    mp_put_text(out, tile->local->time_zone);
    mp_put_text(out, "starts");
    mp_put_array(out, tile->length);
    for (size_t i = 0; i < tile->length; i++) {
        mp_put_int(out, begins[i] / US_PER_MS);
    }
}

static void put_points(const struct oracle_selection *s, const int64_t *begins, struct buf *out)
{
    const int64_t length = s->tile->length;
    struct oracle_point *points = x_calloc((size_t)length, sizeof *points);
    for (size_t i = 0; i < s->count; i++) {
        const int64_t bucket = bucket_of(begins, length, oracle_row_us(s->rows, s->picked[i]));
        if (bucket >= 0) {
            oracle_point_add(s, &points[bucket], s->picked[i]);
        }
    }
    struct mp_open_map map = mp_open_map(out);
    for (int64_t i = 0; i < length; i++) {
        long double value;
        if (points[i].rows != 0 && oracle_point_value(s, &points[i], &value)) {
            char start[32];
            snprintf(start, sizeof start, "%lld", (long long)(begins[i] / US_PER_MS));
            mp_put_text(out, start);
            oracle_values_put(out, value);
            map.count++;
        }
        oracle_point_finish(&points[i]);
    }
    mp_close_map(out, map);
    free(points);
}

static void put_trend(const struct oracle_selection *s, wall_time at, struct buf *out)
{
    int64_t *begins = begins_of(s->tile, at);
    const bool period = s->tile->step_period != TILE_PERIOD_NONE;
    mp_put_map(out, period ? 6 : 3);
    mp_put_text(out, "step_ms");
    mp_put_int(out, s->tile->step_ms);
    if (period) {
        put_period(s->tile, begins, out);
    }
    mp_put_text(out, "aggregate");
    mp_put_text(out, tile_aggregate_name(s->tile->aggregate));
    mp_put_text(out, "points");
    put_points(s, begins, out);
    free(begins);
}

const struct oracle_type oracle_trend = {.concerns = oracle_values_concern, .put_data = put_trend};
