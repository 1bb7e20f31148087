/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/oracle/types/point.h"

#include "ctl/oracle/match.h"
#include "ctl/oracle/types/values.h"

void oracle_point_add(const struct oracle_selection *s, struct oracle_point *point, size_t row)
{
    const long double value = oracle_row_number(s->rows, row, s->tile);
    oracle_sum_add(&point->sum, value);
    point->min = point->rows == 0 || value < point->min ? value : point->min;
    point->max = point->rows == 0 || value > point->max ? value : point->max;
    point->last =
        point->rows == 0 || oracle_values_later(s->rows, row, point->last) ? row : point->last;
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
    }
    return false;
}
