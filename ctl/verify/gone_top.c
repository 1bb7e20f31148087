/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/verify/gone_top.h"

#include <math.h>

#include "ctl/verify/gone_read.h"

#define TOP_EXACT_MAX 1024 /* groups beyond which a tile may approximate */

/* What a group may have: between these. */
struct range {
    long double low;
    long double high;
};

static bool counts(const struct tile_config *tile)
{
    return tile->aggregate == TILE_AGGREGATE_COUNT;
}

static bool is_approximate(const mp_value *data)
{
    bool approximate = false;
    return mp_as_bool(mp_get(data, "approximate"), &approximate) && approximate;
}

static size_t shown_of(const mp_value *data)
{
    const mp_value *top = mp_get(data, "top");
    return mp_is_map(top) ? mp_count(top) : 0;
}

static const struct msgpack_object_kv *shown_at(const mp_value *data, size_t i)
{
    return &mp_get(data, "top")->via.map.ptr[i];
}

/* The least, or the largest (sign -1), of the numbers shown; 0 when there are none. */
static long double extreme(const mp_value *data, int sign)
{
    long double found = 0;
    for (size_t i = 0; i < shown_of(data); i++) {
        long double value = 0;
        (void)gone_read_number(&shown_at(data, i)->val, &value);
        found = i == 0 || sign * value < sign * found ? value : found;
    }
    return found;
}

/* How many rows all groups have together, of a tile that counts. */
static long double total(const mp_value *data)
{
    return gone_read_sum(mp_get(data, "top")) + gone_read_count(data, "other");
}

/* False when what is said does not fit together, whatever the rows are. */
static bool is_top(const struct tile_config *tile, const mp_value *data)
{
    long double largest = 0;
    const size_t shown = shown_of(data);
    const bool has_largest = gone_read_member_number(data, "largest", &largest);
    const long double groups = gone_read_count(data, "groups");
    if (!mp_is_map(mp_get(data, "top")) || shown > tile->rows || has_largest != (shown != 0) ||
        (shown != 0 && !gone_read_same(largest, extreme(data, -1)))) {
        return false;
    }
    if (is_approximate(data)) {
        return shown == tile->rows;
    }
    return groups >= (long double)shown && (groups <= (long double)shown || shown == tile->rows) &&
           (!counts(tile) || shown == 0 || extreme(data, 1) >= 1);
}

/* What a group has by exact data: what is shown, or not more than the least that is. */
static struct range range_of(const struct tile_config *tile, const mp_value *data,
                             const mp_value *name)
{
    long double value;
    if (gone_read_number(gone_read_member(mp_get(data, "top"), name), &value)) {
        return (struct range){value, value};
    }
    const long double least = shown_of(data) == tile->rows ? extreme(data, 1) : 0;
    const bool others = gone_read_count(data, "groups") > (long double)shown_of(data);
    if (!others) {
        return (struct range){0, 0};
    }
    return counts(tile) ? (struct range){0, least} : (struct range){-INFINITY, fmaxl(least, 0)};
}

bool gone_top_explains(const struct tile_config *tile, const mp_value *left, const mp_value *got,
                       long double gone, long double rows)
{
    if (!is_top(tile, got) || (is_approximate(got) && rows <= TOP_EXACT_MAX)) {
        return false;
    }
    if (!counts(tile)) {
        return true; /* A row that is gone may have had any value. */
    }
    const long double more = total(got) - total(left);
    if (more < 0 || more > gone ||
        (!gone_read_windowed(tile) && isfinite(rows) && !gone_read_same(total(got), rows))) {
        return false;
    }
    for (size_t i = 0; i < shown_of(got) && !is_approximate(got); i++) {
        const struct range were = range_of(tile, left, &shown_at(got, i)->key);
        long double is = 0;
        (void)gone_read_number(&shown_at(got, i)->val, &is);
        if (is < were.low || is > were.high + gone) {
            return false;
        }
    }
    for (size_t i = 0; i < shown_of(left) && !is_approximate(got); i++) {
        long double was = 0;
        (void)gone_read_number(&shown_at(left, i)->val, &was);
        if (range_of(tile, got, &shown_at(left, i)->key).high < was) {
            return false;
        }
    }
    return true;
}

bool gone_top_follows(const struct tile_config *tile, const mp_value *before, const mp_value *came,
                      const mp_value *after)
{
    const bool windowed = gone_read_windowed(tile);
    if (!is_top(tile, after) || (is_approximate(before) && !windowed && !is_approximate(after))) {
        return false;
    }
    const long double were = total(before);
    const long double new = total(came);
    const long double are = total(after);
    const bool together =
        windowed ? are >= new &&are <= were + new : gone_read_same(are, were + new);
    if (counts(tile) && !together) {
        return false;
    }
    if (is_approximate(before) || is_approximate(after) || (windowed && !counts(tile))) {
        return true; /* Only all of them together are exact; or what left the window is not known.
                      */
    }
    for (size_t i = 0; i < shown_of(after); i++) {
        const mp_value *name = &shown_at(after, i)->key;
        const struct range a = range_of(tile, before, name);
        const struct range b = range_of(tile, came, name);
        const long double size = fmaxl(fabsl(a.high), fabsl(b.high));
        long double is = 0;
        (void)gone_read_number(&shown_at(after, i)->val, &is);
        const long double rounding = counts(tile) ? 0 : GONE_TOLERANCE * fmaxl(size, fabsl(is));
        if (is < (windowed ? b.low : a.low + b.low) - rounding || is > a.high + b.high + rounding) {
            return false;
        }
    }
    return true;
}
