/* SPDX-License-Identifier: Apache-2.0 */
/* number, as docs/tiles.md says: an aggregate of the rows, or of those in the window. */
#include "common/codec/mp.h"
#include "ctl/oracle/types/point.h"
#include "ctl/oracle/types/values.h"

static void put_number(const struct oracle_selection *s, wall_time at, struct buf *out)
{
    const int64_t begin_us = oracle_values_window_begin(s->tile, at);
    struct oracle_point point = {0};
    struct mp_open_map map = mp_open_map(out);
    long double value = 0;
    for (size_t i = 0; i < s->count; i++) {
        if (oracle_row_us(s->rows, s->picked[i]) >= begin_us) {
            oracle_point_add(s, &point, s->picked[i]);
        }
    }
    if (point.rows != 0 ? oracle_point_value(s, &point, &value)
                        : s->tile->aggregate == TILE_AGGREGATE_SUM) {
        mp_put_text(out, "value");
        oracle_values_put(out, value);
        map.count++;
    }
    mp_put_text(out, "aggregate");
    mp_put_text(out, tile_aggregate_name(s->tile->aggregate));
    map.count++;
    if (s->tile->unit != NULL) {
        mp_put_text(out, "unit");
        mp_put_text(out, s->tile->unit);
        map.count++;
    }
    map.count += oracle_values_put_window(s->tile, at, out);
    mp_close_map(out, map);
}

const struct oracle_type oracle_number = {.concerns = oracle_values_concern,
                                          .put_data = put_number};
