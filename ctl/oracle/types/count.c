/* SPDX-License-Identifier: Apache-2.0 */
/* count, as docs/tiles.md says: how many rows match, or the latest value of a metric. */
#include "common/codec/mp.h"
#include "ctl/oracle/period.h"
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

static uint64_t count_since(const struct oracle_selection *s, int64_t begin_us)
{
    uint64_t count = 0;
    for (size_t i = 0; i < s->count; i++) {
        count += oracle_row_us(s->rows, s->picked[i]) >= begin_us;
    }
    return count;
}

/* A window that is a day, a week or a month so far. */
static void put_period(const struct oracle_selection *s, wall_time at, struct buf *out)
{
    const struct config_local_time *local = s->tile->local;
    const int64_t begin_us = oracle_period_begin_us(local, s->tile->window_period, at.us, 0);
    char text[WALL_TEXT_SIZE];
    mp_put_map(out, 4);
    mp_put_text(out, "value");
    mp_put_uint(out, count_since(s, begin_us));
    mp_put_text(out, "window");
    mp_put_text(out, tile_window_name(s->tile->window_period));
    mp_put_text(out, "begins_at");
    mp_put_text(out, wall_format((wall_time){begin_us}, text));
    mp_put_text(out, "time_zone");
    mp_put_text(out, local->time_zone);
}

static void put_count(const struct oracle_selection *s, wall_time at, struct buf *out)
{
    if (s->tile->window_period != TILE_PERIOD_NONE) {
        put_period(s, at, out);
        return;
    }
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
