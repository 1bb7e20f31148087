/* SPDX-License-Identifier: Apache-2.0 */
/* count, as docs/tiles.md says: how many rows match, or the latest value of a metric. */
#include "common/codec/mp.h"
#include "ctl/oracle/types/values.h"

static uint64_t count_in_window(const struct oracle_selection *s, wall_time at)
{
    const int64_t tenth_ms = s->tile->window_ms / 300 > 100 ? s->tile->window_ms / 300 : 100;
    const int64_t width = tenth_ms * US_PER_MS;
    const int64_t slots = (s->tile->window_ms + tenth_ms - 1) / tenth_ms;
    const int64_t now = oracle_values_slot(at.us, width);
    uint64_t count = 0;
    for (size_t i = 0; i < s->count; i++) {
        const int64_t slot = oracle_values_slot(oracle_row_us(s->rows, s->picked[i]), width);
        count += slot > now - slots && slot <= now;
    }
    return count;
}

static void put_count(const struct oracle_selection *s, wall_time at, struct buf *out)
{
    struct mp_open_map map = mp_open_map(out);
    long double value;
    if (s->tile->metric == NULL) {
        mp_put_text(out, "value");
        mp_put_uint(out, s->tile->window_ms != 0 ? count_in_window(s, at) : s->count);
        map.count++;
    } else if (oracle_values_latest(s, &value)) {
        mp_put_text(out, "value");
        oracle_values_put(out, value);
        map.count++;
    }
    if (s->tile->window_ms != 0) {
        mp_put_text(out, "window_ms");
        mp_put_int(out, s->tile->window_ms);
        map.count++;
    }
    mp_close_map(out, map);
}

const struct oracle_type oracle_count = {.concerns = oracle_values_concern, .put_data = put_count};
