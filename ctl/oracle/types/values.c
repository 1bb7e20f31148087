/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/oracle/types/values.h"

#include <math.h>

#include "common/codec/mp.h"
#include "ctl/oracle/match.h"
#include "ctl/oracle/period.h"

bool oracle_values_concern(const struct oracle_rows *rows, size_t row,
                           const struct tile_config *tile)
{
    long double number;
    return oracle_matches(rows, row, &tile->match) &&
           (tile->value.kind == TILE_FIELD_NONE ||
            oracle_as_number(oracle_row_value(rows, row, &tile->value), &number));
}

int64_t oracle_values_slot(int64_t us, int64_t width)
{
    const int64_t slot = us / width;
    return slot * width > us ? slot - 1 : slot;
}

bool oracle_values_later(const struct oracle_rows *rows, size_t a, size_t b)
{
    const int64_t a_us = oracle_row_us(rows, a);
    const int64_t b_us = oracle_row_us(rows, b);
    return a_us > b_us || (a_us == b_us && oracle_row_id(rows, a) > oracle_row_id(rows, b));
}

bool oracle_values_latest(const struct oracle_selection *s, long double *out)
{
    if (s->count == 0) {
        return false;
    }
    size_t latest = s->picked[0];
    for (size_t i = 1; i < s->count; i++) {
        if (oracle_values_later(s->rows, s->picked[i], latest)) {
            latest = s->picked[i];
        }
    }
    *out = oracle_row_number(s->rows, latest, s->tile);
    return true;
}

int64_t oracle_values_window_begin(const struct tile_config *tile, wall_time at)
{
    if (tile->window_period != TILE_PERIOD_NONE) {
        return oracle_period_begin_us(tile->local, tile->window_period, at.us, 0);
    }
    if (tile->window_ms == 0) {
        return INT64_MIN;
    }
    const int64_t tenth_ms = tile->window_ms / 300 > 100 ? tile->window_ms / 300 : 100;
    const int64_t width = tenth_ms * US_PER_MS;
    const int64_t slots = (tile->window_ms + tenth_ms - 1) / tenth_ms;
    return (oracle_values_slot(at.us, width) - slots + 1) * width;
}

uint32_t oracle_values_put_window(const struct tile_config *tile, wall_time at, struct buf *out)
{
    char text[WALL_TEXT_SIZE];
    if (tile->window_period != TILE_PERIOD_NONE) {
        mp_put_text(out, "window");
        mp_put_text(out, tile_window_name(tile->window_period));
        mp_put_text(out, "begins_at");
        mp_put_text(out, wall_format((wall_time){oracle_values_window_begin(tile, at)}, text));
        mp_put_text(out, "time_zone");
        mp_put_text(out, tile->local->time_zone);
        return 3;
    }
    if (tile->window_ms != 0) {
        mp_put_text(out, "window_ms");
        mp_put_int(out, tile->window_ms);
        return 1;
    }
    return 0;
}

void oracle_values_put(struct buf *out, long double number)
{
    const double real = (double)number;
    if (fabsl(number - real) <= 0) {
        mp_put_number(out, real);
    } else {
        mp_put_int(out, (int64_t)number);
    }
}
