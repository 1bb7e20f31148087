/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/verify/gone.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/str.h"
#include "common/codec/mp_patch.h"

#define TOLERANCE 1e-9L /* relative: what two roundings of a sum may make */

/* ---- Reading ---- */

static const mp_value *data_of(const mp_value *value)
{
    return mp_get(value, "data");
}

/* A number, exact if it is an integer. False when there is none. */
static bool as_number(const mp_value *value, long double *out)
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

static bool number(const mp_value *map, const char *name, long double *out)
{
    return as_number(mp_get(map, name), out);
}

/* A member that is a number of rows or items; 0 when it is not there. */
static long double count_of(const mp_value *map, const char *name)
{
    long double count = 0;
    (void)number(map, name, &count);
    return count;
}

static bool same(long double a, long double b)
{
    return fabsl(a - b) <= TOLERANCE * fmaxl(fabsl(a), fabsl(b));
}

/* The member of that name, or NULL. */
static const mp_value *member(const mp_value *map, const mp_value *name)
{
    for (uint32_t i = 0; mp_is_map(map) && i < map->via.map.size; i++) {
        if (mp_equal(&map->via.map.ptr[i].key, name, 0)) {
            return &map->via.map.ptr[i].val;
        }
    }
    return NULL;
}

/* The sum of all numbers in a map, and in the maps in it. */
static long double sum_of(const mp_value *map)
{
    long double sum = 0;
    for (uint32_t i = 0; mp_is_map(map) && i < map->via.map.size; i++) {
        const mp_value *value = &map->via.map.ptr[i].val;
        long double one = 0;
        sum += mp_is_map(value) ? sum_of(value) : as_number(value, &one) ? one : 0;
    }
    return sum;
}

/* False when that is not the name of one of the tile's buckets; start_ms may be NULL. */
static bool as_bucket(const struct tile_config *tile, const mp_value *name, int64_t *start_ms)
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

/* ---- What rows that are gone could make ---- */

/* How many are gone; infinite when it is not known. */
static long double gone(const struct gone_state *s)
{
    return s->tally.known ? (long double)s->tally.rows - (long double)s->rows_left : INFINITY;
}

static bool count_explained(const struct gone_state *s)
{
    long double left;
    long double got;
    const bool has_left = number(data_of(s->left), "value", &left);
    const bool has_got = number(data_of(s->got), "value", &got);
    if (s->tile->metric != NULL) {
        return has_got || !has_left;
    }
    if (!has_left || !has_got || got < left || got - left > gone(s)) {
        return false;
    }
    return s->tile->window_ms != 0 || !s->tally.known || same(got, (long double)s->tally.rows);
}

static bool gauge_explained(const struct gone_state *s)
{
    const mp_value *left = data_of(s->left);
    const mp_value *got = data_of(s->got);
    long double value;
    long double min;
    long double max;
    long double left_min;
    long double left_max;
    if (!number(got, "value", &value) || !number(got, "min", &min) || !number(got, "max", &max)) {
        return mp_get(left, "value") == NULL && mp_get(got, "value") == NULL;
    }
    if (value < min || value > max) {
        return false;
    }
    return !number(left, "min", &left_min) || !number(left, "max", &left_max) ||
           (min <= left_min && max >= left_max);
}

/* A point of a trend, from rows of which some may be gone; either is NULL when there is none. */
static bool point_explained(const struct gone_state *s, const mp_value *left, const mp_value *got)
{
    long double a = 0;
    long double b = 0;
    const bool has_left = as_number(left, &a);
    const bool has_got = as_number(got, &b);
    switch (s->tile->aggregate) {
    case TILE_AGGREGATE_COUNT:
        return b >= a;
    case TILE_AGGREGATE_MIN:
        return !has_left || (has_got && b <= a);
    case TILE_AGGREGATE_MAX:
        return !has_left || (has_got && b >= a);
    case TILE_AGGREGATE_LAST:
        return !has_left || has_got;
    case TILE_AGGREGATE_SUM:
    case TILE_AGGREGATE_AVG:
        break; /* A sum may be too large to be shown. */
    }
    return true;
}

static bool trend_explained(const struct gone_state *s)
{
    const mp_value *left = mp_get(data_of(s->left), "points");
    const mp_value *got = mp_get(data_of(s->got), "points");
    if (!mp_is_map(left) || !mp_is_map(got)) {
        return false;
    }
    for (uint32_t i = 0; i < left->via.map.size; i++) {
        const struct msgpack_object_kv *point = &left->via.map.ptr[i];
        if (!point_explained(s, &point->val, member(got, &point->key))) {
            return false;
        }
    }
    for (uint32_t i = 0; i < got->via.map.size; i++) {
        const struct msgpack_object_kv *point = &got->via.map.ptr[i];
        if (!as_bucket(s->tile, &point->key, NULL) ||
            !point_explained(s, member(left, &point->key), &point->val)) {
            return false;
        }
    }
    return s->tile->aggregate != TILE_AGGREGATE_COUNT || sum_of(got) - sum_of(left) <= gone(s);
}

/* True when no number in the one map is further from that in the other than rows are gone: each of
 * them concerns one item. */
static bool counts_near(const struct gone_state *s, const mp_value *left, const mp_value *got)
{
    for (uint32_t i = 0; mp_is_map(got) && i < got->via.map.size; i++) {
        long double a = 0;
        long double b = 0;
        (void)as_number(member(left, &got->via.map.ptr[i].key), &a);
        if (as_number(&got->via.map.ptr[i].val, &b) && fabsl(a - b) > gone(s)) {
            return false;
        }
    }
    return mp_count(left) == mp_count(got);
}

static bool backlog_explained(const struct gone_state *s)
{
    const mp_value *left = data_of(s->left);
    const mp_value *got = data_of(s->got);
    const long double total = count_of(got, "total");
    const mp_value *breakdown = mp_get(got, "breakdown");
    return counts_near(s, mp_get(left, "buckets"), mp_get(got, "buckets")) &&
           same(sum_of(mp_get(got, "buckets")), total) &&
           (breakdown == NULL || same(sum_of(breakdown), total)) &&
           (!s->tally.known || total <= (long double)s->tally.rows) &&
           fabsl(total - count_of(left, "total")) <= gone(s) &&
           (total > 0) == (mp_get(got, "oldest_at") != NULL);
}

static long double open_items(const mp_value *value)
{
    const mp_value *data = data_of(value);
    return count_of(data, "ok") + count_of(data, "at_risk") + count_of(data, "breached");
}

static bool sla_risk_explained(const struct gone_state *s)
{
    static const char *const names[] = {"ok", "at_risk", "breached"};
    const long double open = open_items(s->got);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (fabsl(count_of(data_of(s->got), names[i]) - count_of(data_of(s->left), names[i])) >
            gone(s)) {
            return false;
        }
    }
    return fabsl(open - open_items(s->left)) <= gone(s) &&
           (!s->tally.known || open <= (long double)s->tally.rows) &&
           (long double)mp_count(mp_get(data_of(s->got), "worst")) <= open;
}

/* True when the two differ in their data alone. */
static bool same_frame(const mp_value *a, const mp_value *b)
{
    static const char *const names[] = {"type", "title", "refresh", "group"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const mp_value *x = mp_get(a, names[i]);
        const mp_value *y = mp_get(b, names[i]);
        if ((x == NULL) != (y == NULL) || (x != NULL && !mp_equal(x, y, 0))) {
            return false;
        }
    }
    return true;
}

bool gone_explains(const struct gone_state *state)
{
    if (!same_frame(state->left, state->got)) {
        return false;
    }
    if (mp_get(state->got, "truncated") != NULL) {
        return true; /* What is left out cannot be looked at. */
    }
    switch (state->tile->type) {
    case TILE_COUNT:
        return count_explained(state);
    case TILE_TREND:
        return trend_explained(state);
    case TILE_SLA_RISK:
        return sla_risk_explained(state);
    case TILE_BACKLOG:
        return backlog_explained(state);
    case TILE_GAUGE:
        return gauge_explained(state);
    }
    return false;
}

/* ---- What rows that came could make of it ---- */

/* A value that is the latest row's, after rows have come: it is the same as before, or that of the
 * latest row that came; and that for sure if this row is later than all before. */
static bool latest_followed(bool sure, const mp_value *before, const mp_value *came,
                            const mp_value *after)
{
    long double was = 0;
    long double new = 0;
    long double is = 0;
    const bool had = as_number(before, &was);
    const bool has = as_number(after, &is);
    if (!as_number(came, &new)) {
        return had == has && same(was, is);
    }
    return has && (same(is, new) || (had && !sure && same(is, was)));
}

/* A smallest (sign 1) or largest (sign -1) value, after rows have come. */
static bool extreme_followed(const mp_value *before, const mp_value *came, const mp_value *after,
                             int sign)
{
    long double was = 0;
    long double new = 0;
    long double is = 0;
    const bool had = as_number(before, &was);
    const bool has_come = as_number(came, &new);
    if (!as_number(after, &is)) {
        return !had && !has_come;
    }
    const long double least = !had ? new : !has_come || sign *was < sign *new ? was : new;
    return (had || has_come) && same(is, least);
}

static bool count_followed(const struct gone_change *c)
{
    const mp_value *before = mp_get(data_of(c->before), "value");
    const mp_value *came = mp_get(data_of(c->came), "value");
    const mp_value *after = mp_get(data_of(c->after), "value");
    long double was = 0;
    long double new = 0;
    long double is = 0;
    if (c->tile->metric != NULL) {
        return latest_followed(c->latest.us > c->before_at.us, before, came, after);
    }
    if (!as_number(before, &was) || !as_number(came, &new) || !as_number(after, &is)) {
        return false;
    }
    /* A window forgets rows meanwhile, and these are not known. */
    return c->tile->window_ms != 0 ? is >= new &&is <= was + new : same(is, was + new);
}

static bool gauge_followed(const struct gone_change *c)
{
    const mp_value *before = data_of(c->before);
    const mp_value *came = data_of(c->came);
    const mp_value *after = data_of(c->after);
    return latest_followed(c->latest.us > c->before_at.us, mp_get(before, "value"),
                           mp_get(came, "value"), mp_get(after, "value")) &&
           extreme_followed(mp_get(before, "min"), mp_get(came, "min"), mp_get(after, "min"), 1) &&
           extreme_followed(mp_get(before, "max"), mp_get(came, "max"), mp_get(after, "max"), -1);
}

static bool average_followed(const mp_value *before, const mp_value *came, const mp_value *after)
{
    long double was = 0;
    long double new = 0;
    long double is = 0;
    const bool had = as_number(before, &was);
    const bool has_come = as_number(came, &new);
    if (!as_number(after, &is)) {
        return !had && !has_come;
    }
    was = had ? was : new;
    new = has_come ? new : was;
    const long double low = was < new ? was : new;
    const long double high = was < new ? new : was;
    return (had || has_come) && ((is >= low && is <= high) || same(is, low) || same(is, high));
}

static bool sum_followed(const mp_value *before, const mp_value *came, const mp_value *after)
{
    long double was = 0;
    long double new = 0;
    long double is = 0;
    const bool had = as_number(before, &was);
    const bool has_come = as_number(came, &new);
    if (!as_number(after, &is)) {
        return !had && !has_come;
    }
    const long double size = fmaxl(fabsl(was), fabsl(new));
    return (had || has_come) && fabsl(is - (was + new)) <= TOLERANCE * fmaxl(size, fabsl(is));
}

static bool point_followed(const struct gone_change *c, const mp_value *before,
                           const mp_value *came, const mp_value *after)
{
    switch (c->tile->aggregate) {
    case TILE_AGGREGATE_COUNT:
    case TILE_AGGREGATE_SUM:
        return sum_followed(before, came, after);
    case TILE_AGGREGATE_AVG:
        return average_followed(before, came, after);
    case TILE_AGGREGATE_MIN:
        return extreme_followed(before, came, after, 1);
    case TILE_AGGREGATE_MAX:
        return extreme_followed(before, came, after, -1);
    case TILE_AGGREGATE_LAST:
        /* Which bucket the latest row that came is in is not said. */
        return latest_followed(false, before, came, after);
    }
    return false;
}

/* Each bucket that is shown now: the first look had it, or it begins later than all rows of then.
 */
static bool trend_followed(const struct gone_change *c)
{
    const mp_value *before = mp_get(data_of(c->before), "points");
    const mp_value *came = mp_get(data_of(c->came), "points");
    const mp_value *after = mp_get(data_of(c->after), "points");
    const mp_value *const both[] = {after, came};
    for (size_t k = 0; k < 2; k++) {
        for (uint32_t i = 0; mp_is_map(both[k]) && i < both[k]->via.map.size; i++) {
            const mp_value *name = &both[k]->via.map.ptr[i].key;
            if (!point_followed(c, member(before, name), member(came, name), member(after, name))) {
                return false;
            }
        }
    }
    /* What was there must be there, as long as it is shown. */
    const int64_t oldest_ms =
        (c->after_at.us / US_PER_MS / c->tile->step_ms - c->tile->length + 1) * c->tile->step_ms;
    for (uint32_t i = 0; mp_is_map(before) && i < before->via.map.size; i++) {
        const mp_value *name = &before->via.map.ptr[i].key;
        int64_t start_ms;
        if (as_bucket(c->tile, name, &start_ms) && start_ms >= oldest_ms &&
            member(after, name) == NULL && c->tile->aggregate != TILE_AGGREGATE_SUM &&
            c->tile->aggregate != TILE_AGGREGATE_AVG) {
            return false;
        }
    }
    return mp_is_map(after);
}

/* Each row changes the state of one item at most. */
static bool backlog_followed(const struct gone_change *c)
{
    const mp_value *before = mp_get(data_of(c->before), "buckets");
    const mp_value *came = mp_get(data_of(c->came), "buckets");
    const mp_value *after = mp_get(data_of(c->after), "buckets");
    const long double rows = (long double)c->rows;
    const long double total = count_of(data_of(c->after), "total");
    for (uint32_t i = 0; mp_is_map(after) && i < after->via.map.size; i++) {
        const mp_value *name = &after->via.map.ptr[i].key;
        long double was = 0;
        long double new = 0;
        long double is = 0;
        (void)as_number(member(before, name), &was);
        (void)as_number(member(came, name), &new);
        if (!as_number(&after->via.map.ptr[i].val, &is) || fabsl(is - was) > rows ||
            is > was + new) {
            return false;
        }
    }
    return mp_is_map(after) && same(sum_of(after), total) &&
           fabsl(total - count_of(data_of(c->before), "total")) <= rows;
}

/* Time alone moves items from ok to at_risk and on to breached. */
static bool sla_risk_followed(const struct gone_change *c)
{
    const long double rows = (long double)c->rows;
    const mp_value *before = data_of(c->before);
    const mp_value *after = data_of(c->after);
    return fabsl(open_items(c->after) - open_items(c->before)) <= rows &&
           count_of(after, "ok") <= count_of(before, "ok") + rows &&
           count_of(after, "breached") >= count_of(before, "breached") - rows;
}

bool gone_change_is_right(const struct gone_change *change)
{
    if (!same_frame(change->before, change->after)) {
        return false;
    }
    if (mp_get(change->before, "truncated") != NULL || mp_get(change->after, "truncated") != NULL) {
        return true; /* What is left out cannot be looked at. */
    }
    switch (change->tile->type) {
    case TILE_COUNT:
        return count_followed(change);
    case TILE_TREND:
        return trend_followed(change);
    case TILE_SLA_RISK:
        return sla_risk_followed(change);
    case TILE_BACKLOG:
        return backlog_followed(change);
    case TILE_GAUGE:
        return gauge_followed(change);
    }
    return false;
}
