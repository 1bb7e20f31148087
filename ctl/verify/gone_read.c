/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/verify/gone_read.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/str.h"
#include "common/codec/mp_patch.h"

const mp_value *gone_read_data(const mp_value *value)
{
    return mp_get(value, "data");
}

bool gone_read_number(const mp_value *value, long double *out)
{
    int64_t integer;
    double real;
    if (value == NULL) {
        return false;
    }
    if (mp_as_int(value, &integer)) {
        *out = integer;
        return true;
    }
    if (mp_as_number(value, &real)) {
        *out = real;
        return true;
    }
    return false;
}

bool gone_read_member_number(const mp_value *map, const char *name, long double *out)
{
    return gone_read_number(mp_get(map, name), out);
}

long double gone_read_count(const mp_value *map, const char *name)
{
    long double count = 0;
    (void)gone_read_member_number(map, name, &count);
    return count;
}

bool gone_read_windowed(const struct tile_config *tile)
{
    return tile->window_ms != 0 || tile->window_period != TILE_PERIOD_NONE;
}

bool gone_read_same(long double a, long double b)
{
    return fabsl(a - b) <= GONE_TOLERANCE * fmaxl(fabsl(a), fabsl(b));
}

const mp_value *gone_read_member(const mp_value *map, const mp_value *name)
{
    for (uint32_t i = 0; mp_is_map(map) && i < map->via.map.size; i++) {
        if (mp_equal(&map->via.map.ptr[i].key, name, 0)) {
            return &map->via.map.ptr[i].val;
        }
    }
    return NULL;
}

long double gone_read_sum(const mp_value *map)
{
    long double sum = 0;
    for (uint32_t i = 0; mp_is_map(map) && i < map->via.map.size; i++) {
        const mp_value *value = &map->via.map.ptr[i].val;
        long double one = 0;
        sum += mp_is_map(value) ? gone_read_sum(value) : gone_read_number(value, &one) ? one : 0;
    }
    return sum;
}

bool gone_read_counts_events(const struct tile_config *tile)
{
    return tile->metric == NULL && tile->value.kind == TILE_FIELD_NONE;
}

bool gone_read_is_rate(const struct tile_config *tile, const mp_value *data)
{
    const bool events = gone_read_counts_events(tile);
    long double amount = 0;
    long double value = 0;
    const bool has_amount = gone_read_member_number(data, events ? "count" : "increase", &amount);
    const bool has_value = gone_read_member_number(data, "value", &value);
    const long double share = (long double)tile_per_ms(tile->per) / (long double)tile->window_ms;
    return has_amount == has_value && (has_value || !events) &&
           gone_read_same(value, amount * share);
}

bool gone_read_bucket(const struct tile_config *tile, const mp_value *name, int64_t *start_ms)
{
    struct str text;
    char digits[32] = "";
    if (!mp_as_str(name, &text) || text.len == 0 || text.len >= sizeof digits) {
        return false;
    }
    memcpy(digits, text.p, text.len);
    const int64_t start = strtoll(digits, NULL, 10);
    if (start_ms != NULL) {
        *start_ms = start;
    }
    return start % tile->step_ms == 0;
}

bool gone_read_are_percentiles(const mp_value *data)
{
    static const char *const names[] = {"p50", "p90", "p95", "p99"};
    const bool some = gone_read_count(data, "count") > 0;
    long double before = -INFINITY;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        long double value = 0;
        if (gone_read_member_number(data, names[i], &value) != some || (some && value < before)) {
            return false;
        }
        before = value;
    }
    return true;
}

bool gone_read_is_estimate(const mp_value *data)
{
    bool is = false;
    return mp_as_bool(mp_get(data, "estimate"), &is) && is;
}

bool gone_read_is_duration(const mp_value *data)
{
    const bool some = gone_read_count(data, "count") > 0;
    long double avg = 0;
    long double p50 = 0;
    long double p95 = 0;
    return gone_read_member_number(data, "avg", &avg) == some &&
           gone_read_member_number(data, "p50", &p50) == some &&
           gone_read_member_number(data, "p95", &p95) == some && avg >= 0 && p50 >= 0 &&
           p95 >= p50 &&
           (gone_read_count(data, "running") > 0) == (mp_get(data, "oldest_at") != NULL);
}

bool gone_read_is_ratio(const mp_value *data)
{
    const long double whole = gone_read_count(data, "whole");
    long double value = 0;
    const bool has = gone_read_member_number(data, "value", &value);
    return whole > 0 ? has && gone_read_same(value, 100 * gone_read_count(data, "part") / whole)
                     : !has;
}

const mp_value *gone_read_hour(const mp_value *data, int hour)
{
    char name[16];
    snprintf(name, sizeof name, "%d", hour % 24);
    const char *day = config_weekday_name((enum config_weekday)(hour / 24));
    return mp_get(mp_get(mp_get(data, "cells"), day), name);
}

bool gone_read_is_heatmap(const mp_value *data)
{
    long double largest = 0;
    long double most = -INFINITY;
    const bool has = gone_read_member_number(data, "largest", &largest);
    for (int hour = 0; hour < GONE_HOURS; hour++) {
        long double value;
        if (gone_read_number(gone_read_hour(data, hour), &value) && value > most) {
            most = value;
        }
    }
    return has ? gone_read_same(most, largest) : isinf(most) != 0;
}

long double gone_read_open_items(const mp_value *value)
{
    const mp_value *data = gone_read_data(value);
    return gone_read_count(data, "ok") + gone_read_count(data, "at_risk") +
           gone_read_count(data, "breached") + gone_read_count(data, "paused");
}

bool gone_read_same_frame(const mp_value *a, const mp_value *b)
{
    const char *const names[] = {"type", "title", "refresh", "group"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const mp_value *x = mp_get(a, names[i]);
        const mp_value *y = mp_get(b, names[i]);
        if ((x == NULL) != (y == NULL) || (x != NULL && !mp_equal(x, y, 0))) {
            return false;
        }
    }
    return true;
}
