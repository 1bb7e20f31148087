/* SPDX-License-Identifier: Apache-2.0 */
/* count, as docs/tiles.md says: how many rows match, or the latest value of a metric. */
#include "common/codec/mp.h"
#include "ctl/oracle/types/values.h"

static uint64_t count_since(const struct oracle_selection *s, int64_t begin_us)
{
    uint64_t count = 0;
    for (size_t i = 0; i < s->count; i++) {
        count += oracle_row_us(s->rows, s->picked[i]) >= begin_us;
    }
    return count;
}

static void put_count(const struct oracle_selection *s, wall_time at, struct buf *out)
{
    struct mp_open_map map = mp_open_map(out);
    long double value;
    if (s->tile->metric == NULL) {
        mp_put_text(out, "value");
        mp_put_uint(out, count_since(s, oracle_values_window_begin(s->tile, at)));
        map.count++;
    } else if (oracle_values_latest(s, &value)) {
        mp_put_text(out, "value");
        oracle_values_put(out, value);
        map.count++;
    }
    map.count += oracle_values_put_window(s->tile, at, out);
    mp_close_map(out, map);
}

const struct oracle_type oracle_count = {.concerns = oracle_values_concern, .put_data = put_count};
