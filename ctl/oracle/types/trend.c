/* SPDX-License-Identifier: Apache-2.0 */
/* trend, as docs/tiles.md says: one point for each bucket of time. */
#include <stdio.h>
#include <stdlib.h>

#include "common/base/xalloc.h"
#include "common/codec/mp.h"
#include "ctl/oracle/match.h"
#include "ctl/oracle/types/sum.h"
#include "ctl/oracle/types/values.h"

struct point {
    size_t rows; /* how many; the rest means something when there is one */
    struct oracle_sum sum;
    long double min;
    long double max;
    size_t last; /* index of the latest row */
};

static void add_to_point(const struct oracle_selection *s, struct point *point, size_t row)
{
    const long double value = oracle_row_number(s->rows, row, s->tile);
    oracle_sum_add(&point->sum, value);
    point->min = point->rows == 0 || value < point->min ? value : point->min;
    point->max = point->rows == 0 || value > point->max ? value : point->max;
    point->last =
        point->rows == 0 || oracle_values_later(s->rows, row, point->last) ? row : point->last;
    point->rows++;
}

/* False when the value is larger than all doubles. */
static bool point_value(const struct oracle_selection *s, const struct point *point,
                        long double *out)
{
    switch (s->tile->aggregate) {
    case TILE_AGGREGATE_COUNT:
        *out = point->rows;
        return true;
    case TILE_AGGREGATE_SUM:
        return oracle_sum_value(&point->sum, out);
    case TILE_AGGREGATE_AVG:
        if (!oracle_sum_value(&point->sum, out)) {
            return false;
        }
        *out = (double)*out / (double)point->rows;
        return true;
    case TILE_AGGREGATE_MIN:
        *out = point->min;
        return true;
    case TILE_AGGREGATE_MAX:
        *out = point->max;
        return true;
    case TILE_AGGREGATE_LAST:
        *out = oracle_row_number(s->rows, point->last, s->tile);
        return true;
    }
    return false;
}

static void put_trend(const struct oracle_selection *s, wall_time at, struct buf *out)
{
    const int64_t step = s->tile->step_ms * US_PER_MS;
    const int64_t length = s->tile->length;
    const int64_t newest = oracle_values_slot(at.us, step);
    const int64_t oldest = newest - length + 1;
    struct point *points = x_calloc((size_t)length, sizeof *points);
    for (size_t i = 0; i < s->count; i++) {
        const int64_t bucket = oracle_values_slot(oracle_row_us(s->rows, s->picked[i]), step);
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
        long double value;
        if (points[i].rows != 0 && point_value(s, &points[i], &value)) {
            char start[32];
            snprintf(start, sizeof start, "%lld", (long long)((oldest + i) * s->tile->step_ms));
            mp_put_text(out, start);
            oracle_values_put(out, value);
            map.count++;
        }
    }
    mp_close_map(out, map);
    free(points);
}

const struct oracle_type oracle_trend = {.concerns = oracle_values_concern, .put_data = put_trend};
