/* SPDX-License-Identifier: Apache-2.0 */
/* trend, as docs/tiles.md says: one point for each bucket of time. */
#include <stdio.h>
#include <stdlib.h>

#include "common/base/xalloc.h"
#include "common/codec/mp.h"
#include "ctl/oracle/match.h"
#include "ctl/oracle/types/values.h"

struct point {
    size_t rows; /* how many; the rest means something when there is one */
    double sum;
    double min;
    double max;
    size_t last; /* index of the latest row */
};

static void add_to_point(const struct oracle_selection *s, struct point *point, size_t row)
{
    const double value = oracle_row_number(s->rows, row, s->tile);
    point->sum += value;
    point->min = point->rows == 0 || value < point->min ? value : point->min;
    point->max = point->rows == 0 || value > point->max ? value : point->max;
    point->last =
        point->rows == 0 || oracle_values_later(s->rows, row, point->last) ? row : point->last;
    point->rows++;
}

static double point_value(const struct oracle_selection *s, const struct point *point)
{
    switch (s->tile->aggregate) {
    case TILE_AGGREGATE_COUNT:
        return (double)point->rows;
    case TILE_AGGREGATE_SUM:
        return point->sum;
    case TILE_AGGREGATE_AVG:
        return point->sum / (double)point->rows;
    case TILE_AGGREGATE_MIN:
        return point->min;
    case TILE_AGGREGATE_MAX:
        return point->max;
    case TILE_AGGREGATE_LAST:
        return oracle_row_number(s->rows, point->last, s->tile);
    }
    return 0;
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

const struct oracle_type oracle_trend = {.concerns = oracle_values_concern, .put_data = put_trend};
