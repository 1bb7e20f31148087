/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/oracle/types/point.h"

#include <stdlib.h>

#include "common/base/xalloc.h"
#include "ctl/oracle/match.h"
#include "ctl/oracle/types/quantile.h"
#include "ctl/oracle/types/values.h"

/* Adds it to all values, for which there is twice as much room whenever it is used up. */
static void keep_value(struct oracle_point *point, double value)
{
    if ((point->rows & (point->rows - 1)) == 0) {
        point->values = x_reallocarray(point->values, 2 * point->rows + 1, sizeof *point->values);
    }
    point->values[point->rows] = value;
}

void oracle_point_finish(struct oracle_point *point)
{
    free(point->values);
}

void oracle_point_add(const struct oracle_selection *s, struct oracle_point *point, size_t row)
{
    const long double value = oracle_row_number(s->rows, row, s->tile);
    oracle_sum_add(&point->sum, value);
    point->min = point->rows == 0 || value < point->min ? value : point->min;
    point->max = point->rows == 0 || value > point->max ? value : point->max;
    point->last =
        point->rows == 0 || oracle_values_later(s->rows, row, point->last) ? row : point->last;
    if (tile_aggregate_percent(s->tile->aggregate) != 0) {
        keep_value(point, (double)value);
    }
    point->rows++;
}

bool oracle_point_value(const struct oracle_selection *s, const struct oracle_point *point,
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
    case TILE_AGGREGATE_P50:
    case TILE_AGGREGATE_P90:
    case TILE_AGGREGATE_P95:
    case TILE_AGGREGATE_P99:
        *out =
            oracle_quantile(point->values, point->rows, tile_aggregate_percent(s->tile->aggregate));
        return true;
    case TILE_AGGREGATE_DISTINCT:
    case TILE_AGGREGATE_RANKING:
        break; /* Types of their own. */
    }
    return false;
}
