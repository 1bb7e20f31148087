/* SPDX-License-Identifier: Apache-2.0 */
/* count, trend and gauge. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/xalloc.h"
#include "common/codec/mp.h"
#include "ctl/oracle/match.h"
#include "ctl/oracle/types.h"

/* The slot of width `width` that a moment lies in: rounds towards the past, also before 1970. */
static int64_t slot_of(int64_t us, int64_t width)
{
    const int64_t slot = us / width;
    return slot * width > us ? slot - 1 : slot;
}

/* Is row a later than row b, by (timestamp, id)? */
static bool later(const struct oracle_rows *rows, size_t a, size_t b)
{
    const int64_t a_us = oracle_row_us(rows, a);
    const int64_t b_us = oracle_row_us(rows, b);
    return a_us > b_us || (a_us == b_us && oracle_row_id(rows, a) > oracle_row_id(rows, b));
}

/* The value of the latest row, if there is any. */
static bool latest_value(const struct oracle_selection *s, double *out)
{
    if (s->count == 0) {
        return false;
    }
    size_t latest = s->picked[0];
    for (size_t i = 1; i < s->count; i++) {
        if (later(s->rows, s->picked[i], latest)) {
            latest = s->picked[i];
        }
    }
    *out = oracle_row_number(s->rows, latest, s->tile);
    return true;
}

static uint64_t count_in_window(const struct oracle_selection *s, wall_time at)
{
    const int64_t tenth_ms = s->tile->window_ms / 300 > 100 ? s->tile->window_ms / 300 : 100;
    const int64_t width = tenth_ms * US_PER_MS;
    const int64_t slots = (s->tile->window_ms + tenth_ms - 1) / tenth_ms;
    const int64_t now = slot_of(at.us, width);
    uint64_t count = 0;
    for (size_t i = 0; i < s->count; i++) {
        const int64_t slot = slot_of(oracle_row_us(s->rows, s->picked[i]), width);
        count += slot > now - slots && slot <= now;
    }
    return count;
}

void oracle_count(const struct oracle_selection *s, wall_time at, struct buf *out)
{
    struct mp_open_map map = mp_open_map(out);
    double value;
    if (s->tile->metric == NULL) {
        mp_put_text(out, "value");
        mp_put_uint(out, s->tile->window_ms != 0 ? count_in_window(s, at) : s->count);
        map.count++;
    } else if (latest_value(s, &value)) {
        mp_put_text(out, "value");
        mp_put_number(out, value);
        map.count++;
    }
    if (s->tile->window_ms != 0) {
        mp_put_text(out, "window_ms");
        mp_put_int(out, s->tile->window_ms);
        map.count++;
    }
    mp_close_map(out, map);
}

/* ---- trend ---- */

struct point {
    size_t rows;
    double sum;
    double min;
    double max;
    size_t last; /* row */
};

static void add_to_point(const struct oracle_selection *s, struct point *point, size_t row)
{
    const double value = oracle_row_number(s->rows, row, s->tile);
    point->sum += value;
    point->min = point->rows == 0 || value < point->min ? value : point->min;
    point->max = point->rows == 0 || value > point->max ? value : point->max;
    point->last = point->rows == 0 || later(s->rows, row, point->last) ? row : point->last;
    point->rows++;
}

static double point_value(const struct oracle_selection *s, const struct point *point)
{
    switch (s->tile->aggregate) {
    case AGGREGATE_COUNT:
        return (double)point->rows;
    case AGGREGATE_SUM:
        return point->sum;
    case AGGREGATE_AVG:
        return point->sum / (double)point->rows;
    case AGGREGATE_MIN:
        return point->min;
    case AGGREGATE_MAX:
        return point->max;
    case AGGREGATE_LAST:
        return oracle_row_number(s->rows, point->last, s->tile);
    }
    return 0;
}

void oracle_trend(const struct oracle_selection *s, wall_time at, struct buf *out)
{
    const int64_t step = s->tile->step_ms * US_PER_MS;
    const int64_t length = s->tile->length;
    const int64_t newest = slot_of(at.us, step);
    const int64_t oldest = newest - length + 1;
    struct point *points = x_calloc((size_t)length, sizeof *points);
    for (size_t i = 0; i < s->count; i++) {
        const int64_t bucket = slot_of(oracle_row_us(s->rows, s->picked[i]), step);
        if (bucket >= oldest && bucket <= newest) {
            add_to_point(s, &points[bucket - oldest], s->picked[i]);
        }
    }
    mp_put_map(out, 3);
    mp_put_text(out, "step_ms");
    mp_put_int(out, s->tile->step_ms);
    mp_put_text(out, "aggregate");
    mp_put_text(out, tile_aggregate_name(s->tile->aggregate));
    mp_put_text(out, "points");
    struct mp_open_map map = mp_open_map(out);
    for (int64_t i = 0; i < length; i++) {
        if (points[i].rows != 0) {
            char start[32];
            snprintf(start, sizeof start, "%lld", (long long)((oldest + i) * s->tile->step_ms));
            mp_put_text(out, start);
            mp_put_number(out, point_value(s, &points[i]));
            map.count++;
        }
    }
    mp_close_map(out, map);
    free(points);
}

/* ---- gauge ---- */

void oracle_gauge(const struct oracle_selection *s, wall_time at, struct buf *out)
{
    (void)at;
    struct mp_open_map map = mp_open_map(out);
    double value;
    if (latest_value(s, &value)) {
        double min = INFINITY;
        double max = -INFINITY;
        for (size_t i = 0; i < s->count; i++) {
            const double one = oracle_row_number(s->rows, s->picked[i], s->tile);
            min = one < min ? one : min;
            max = one > max ? one : max;
        }
        mp_put_text(out, "value");
        mp_put_number(out, value);
        mp_put_text(out, "min");
        mp_put_number(out, min);
        mp_put_text(out, "max");
        mp_put_number(out, max);
        map.count += 3;
    }
    if (s->tile->unit != NULL) {
        mp_put_text(out, "unit");
        mp_put_text(out, s->tile->unit);
        map.count++;
    }
    mp_close_map(out, map);
}
