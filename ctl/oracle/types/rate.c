/* SPDX-License-Identifier: Apache-2.0 */
/* rate, as docs/tiles.md says: rows of the window, or what counters have grown by from reading to
 * reading, the last one of each slot. */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/xalloc.h"
#include "common/codec/mp.h"
#include "ctl/oracle/match.h"
#include "ctl/oracle/types/sum.h"
#include "ctl/oracle/types/values.h"

#define SERIES_MAX 10000

/* A row that says what a counter was. */
struct reading {
    struct str series;
    int64_t us;
    int64_t id;
    long double value;
};

static bool is_of_counters(const struct tile_config *tile)
{
    return tile->metric != NULL || tile->value.kind != TILE_FIELD_NONE;
}

static int compare_series(struct str a, struct str b)
{
    const size_t both = a.len < b.len ? a.len : b.len;
    const int order = both != 0 ? memcmp(a.p, b.p, both) : 0;
    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

static int by_series_and_time(const void *a_p, const void *b_p)
{
    const struct reading *a = a_p;
    const struct reading *b = b_p;
    const int order = compare_series(a->series, b->series);
    if (order != 0) {
        return order;
    }
    if (a->us != b->us) {
        return a->us < b->us ? -1 : 1;
    }
    return (a->id > b->id) - (a->id < b->id);
}

/* All readings, sorted. The caller frees them. */
static struct reading *read_all(const struct oracle_selection *s)
{
    struct reading *all = x_calloc(s->count + 1, sizeof *all);
    for (size_t i = 0; i < s->count; i++) {
        const uint32_t row = s->picked[i];
        struct str series = STR("");
        if (s->tile->item.kind != TILE_FIELD_NONE) {
            const struct oracle_value *item = oracle_row_value(s->rows, row, &s->tile->item);
            series = item->kind != ORACLE_ABSENT ? item->text : series;
        }
        series.len = series.len < 1024 ? series.len : 1024;
        all[i] = (struct reading){series, oracle_row_us(s->rows, row), oracle_row_id(s->rows, row),
                                  oracle_row_number(s->rows, row, s->tile)};
    }
    qsort(all, s->count, sizeof *all, by_series_and_time);
    return all;
}

/* What the counters have grown by. */
struct grown {
    struct oracle_sum sum;
    size_t pairs;  /* of readings */
    size_t series; /* that have a reading in the window */
};

static struct grown grow(const struct oracle_selection *s, wall_time at)
{
    const struct tile_config *tile = s->tile;
    const int64_t width_us = (tile->window_ms >= 30000 ? tile->window_ms / 300 : 100) * US_PER_MS;
    const int64_t slots = (tile->window_ms * US_PER_MS + width_us - 1) / width_us;
    const int64_t begin = oracle_values_slot(at.us, width_us) - slots + 1;
    struct reading *all = read_all(s);
    struct grown grown = {.pairs = 0};
    const struct reading *before = NULL; /* the reading before, of the same series */
    const struct reading *counted = NULL;
    for (size_t i = 0; i < s->count; i++) {
        const struct reading *this = &all[i];
        const int64_t slot = oracle_values_slot(this->us, width_us);
        const bool more = i + 1 < s->count && compare_series(this->series, this[1].series) == 0;
        if ((more && oracle_values_slot(this[1].us, width_us) == slot) ||
            slot <= begin - slots - 1) {
            continue; /* Not the last one of its slot, or forgotten. */
        }
        if (before != NULL && compare_series(before->series, this->series) != 0) {
            before = NULL;
        }
        if (slot >= begin) {
            grown.series += counted == NULL || compare_series(counted->series, this->series) != 0;
            counted = this;
        }
        if (slot >= begin && before != NULL) {
            grown.pairs++;
            oracle_sum_add(&grown.sum, this->value);
            if (this->value >= before->value) {
                oracle_sum_add(&grown.sum, -before->value);
            }
        }
        before = this;
    }
    free(all);
    return grown;
}

static long double per_second(const struct tile_config *tile)
{
    return tile->per == TILE_PER_HOUR ? 3600 : tile->per == TILE_PER_MINUTE ? 60 : 1;
}

/* A growth whose product with the time is beyond all doubles is shown as the largest. */
static void put_value(const struct tile_config *tile, long double increase, struct buf *out)
{
    const long double thousandfold = increase * 1000 * per_second(tile);
    mp_put_text(out, "value");
    if (fabsl(thousandfold) > DBL_MAX) {
        oracle_values_put(out, copysignl(DBL_MAX, increase));
    } else {
        oracle_values_put(out, (double)(thousandfold / tile->window_ms));
    }
}

static uint32_t put_growth(const struct oracle_selection *s, wall_time at, struct buf *out)
{
    const struct grown grown = grow(s, at);
    mp_put_text(out, "series");
    mp_put_uint(out, grown.series);
    if (grown.pairs == 0) {
        return 1;
    }
    long double increase;
    if (!oracle_sum_value(&grown.sum, &increase)) {
        increase = copysignl(DBL_MAX, increase);
    }
    mp_put_text(out, "increase");
    oracle_values_put(out, increase);
    put_value(s->tile, increase, out);
    return 3;
}

static void put_rate(const struct oracle_selection *s, wall_time at, struct buf *out)
{
    struct mp_open_map map = mp_open_map(out);
    if (is_of_counters(s->tile)) {
        map.count += put_growth(s, at, out);
    } else {
        const int64_t begin_us = oracle_values_window_begin(s->tile, at);
        uint64_t count = 0;
        for (size_t i = 0; i < s->count; i++) {
            count += oracle_row_us(s->rows, s->picked[i]) >= begin_us;
        }
        mp_put_text(out, "count");
        mp_put_uint(out, count);
        put_value(s->tile, (long double)count, out);
        map.count += 2;
    }
    mp_put_text(out, "per");
    mp_put_text(out, s->tile->per == TILE_PER_HOUR     ? "hour"
                     : s->tile->per == TILE_PER_MINUTE ? "minute"
                                                       : "second");
    map.count++;
    if (s->tile->unit != NULL) {
        mp_put_text(out, "unit");
        mp_put_text(out, s->tile->unit);
        map.count++;
    }
    map.count += oracle_values_put_window(s->tile, at, out);
    mp_close_map(out, map);
}

/* Which series are refused depends on when they came. */
static bool has_too_many(const struct oracle_selection *s)
{
    if (!is_of_counters(s->tile) || s->count <= SERIES_MAX) {
        return false;
    }
    struct reading *all = read_all(s);
    size_t series = 1;
    for (size_t i = 1; i < s->count; i++) {
        series += compare_series(all[i].series, all[i - 1].series) != 0;
    }
    free(all);
    return series > SERIES_MAX;
}

const struct oracle_type oracle_rate = {
    .concerns = oracle_values_concern, .put_data = put_rate, .is_undetermined = has_too_many};
