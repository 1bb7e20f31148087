/* SPDX-License-Identifier: Apache-2.0 */
/* gauge, as docs/tiles.md says: the latest value, with the smallest and the largest. */
#include <math.h>

#include "common/codec/mp.h"
#include "ctl/oracle/match.h"
#include "ctl/oracle/types/values.h"

static void put_gauge(const struct oracle_selection *s, wall_time at, struct buf *out)
{
    (void)at;
    struct mp_open_map map = mp_open_map(out);
    long double value;
    if (oracle_values_latest(s, &value)) {
        long double min = INFINITY;
        long double max = -INFINITY;
        for (size_t i = 0; i < s->count; i++) {
            const long double one = oracle_row_number(s->rows, s->picked[i], s->tile);
            min = one < min ? one : min;
            max = one > max ? one : max;
        }
        mp_put_text(out, "value");
        oracle_values_put(out, value);
        mp_put_text(out, "min");
        oracle_values_put(out, min);
        mp_put_text(out, "max");
        oracle_values_put(out, max);
        map.count += 3;
    }
    if (s->tile->unit != NULL) {
        mp_put_text(out, "unit");
        mp_put_text(out, s->tile->unit);
        map.count++;
    }
    mp_close_map(out, map);
}

const struct oracle_type oracle_gauge = {.concerns = oracle_values_concern, .put_data = put_gauge};
