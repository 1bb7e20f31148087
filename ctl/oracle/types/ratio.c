/* SPDX-License-Identifier: Apache-2.0 */
/* ratio, as docs/tiles.md says: the rows that match, in percent of those that match `of`. */
#include "common/codec/mp.h"
#include "ctl/oracle/match.h"
#include "ctl/oracle/types/values.h"

static bool concerns(const struct oracle_rows *rows, size_t row, const struct tile_config *tile)
{
    return oracle_matches(rows, row, &tile->match) || oracle_matches(rows, row, &tile->of);
}

static uint64_t count_rows(const struct oracle_selection *s, wall_time at,
                           const struct tile_match *match)
{
    const int64_t begin_us = oracle_values_window_begin(s->tile, at);
    uint64_t count = 0;
    for (size_t i = 0; i < s->count; i++) {
        if (oracle_row_us(s->rows, s->picked[i]) >= begin_us) {
            count += oracle_matches(s->rows, s->picked[i], match);
        }
    }
    return count;
}

static void put_ratio(const struct oracle_selection *s, wall_time at, struct buf *out)
{
    const uint64_t part = count_rows(s, at, &s->tile->match);
    const uint64_t whole = count_rows(s, at, &s->tile->of);
    struct mp_open_map map = mp_open_map(out);
    mp_put_text(out, "whole");
    mp_put_uint(out, whole);
    mp_put_text(out, "part");
    mp_put_uint(out, part);
    mp_put_text(out, "unit");
    mp_put_text(out, "%");
    map.count += 3;
    if (whole > 0) {
        mp_put_text(out, "value");
        mp_put_number(out, (double)(part * 100) / (double)whole);
        map.count++;
    }
    map.count += oracle_values_put_window(s->tile, at, out);
    mp_close_map(out, map);
}

const struct oracle_type oracle_ratio = {.concerns = concerns, .put_data = put_ratio};
