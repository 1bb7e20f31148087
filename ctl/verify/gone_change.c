/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/verify/gone_change.h"

#include <math.h>

#include "ctl/verify/gone_latest.h"
#include "ctl/verify/gone_read.h"
#include "ctl/verify/gone_top.h"

/* A value that is the latest row's, after rows have come: it is the same as before, or that of the
 * latest row that came; and that for sure if this row is later than all before. */
static bool latest_followed(bool sure, const mp_value *before, const mp_value *came,
                            const mp_value *after)
{
    long double was = 0;
    long double new = 0;
    long double is = 0;
    const bool had = gone_read_number(before, &was);
    const bool has = gone_read_number(after, &is);
    if (!gone_read_number(came, &new)) {
        return had == has && gone_read_same(was, is);
    }
    return has && (gone_read_same(is, new) || (had && !sure && gone_read_same(is, was)));
}

/* A smallest (sign 1) or largest (sign -1) value, after rows have come. */
static bool extreme_followed(const mp_value *before, const mp_value *came, const mp_value *after,
                             int sign)
{
    long double was = 0;
    long double new = 0;
    long double is = 0;
    const bool had = gone_read_number(before, &was);
    const bool has_come = gone_read_number(came, &new);
    if (!gone_read_number(after, &is)) {
        return !had && !has_come;
    }
    const long double least = !had ? new : !has_come || sign *was < sign *new ? was : new;
    return (had || has_come) && gone_read_same(is, least);
}

/* A number of rows, after rows have come. A window forgets rows meanwhile, and these are not known.
 */
static bool rows_followed(const struct gone_change *c, long double was, long double new,
                          long double is)
{
    return gone_read_windowed(c->tile) ? is >= new &&is <= was + new
                                       : gone_read_same(is, was + new);
}

static bool ratio_followed(const struct gone_change *c)
{
    static const char *const names[] = {"part", "whole"};
    for (size_t i = 0; i < 2; i++) {
        if (!rows_followed(c, gone_read_count(gone_read_data(c->before), names[i]),
                           gone_read_count(gone_read_data(c->came), names[i]),
                           gone_read_count(gone_read_data(c->after), names[i]))) {
            return false;
        }
    }
    return gone_read_is_ratio(gone_read_data(c->after));
}

static bool count_followed(const struct gone_change *c)
{
    const mp_value *before = mp_get(gone_read_data(c->before), "value");
    const mp_value *came = mp_get(gone_read_data(c->came), "value");
    const mp_value *after = mp_get(gone_read_data(c->after), "value");
    long double was = 0;
    long double new = 0;
    long double is = 0;
    if (c->tile->metric != NULL) {
        return latest_followed(c->latest.us > c->before_at.us, before, came, after);
    }
    if (!gone_read_number(before, &was) || !gone_read_number(came, &new) ||
        !gone_read_number(after, &is)) {
        return false;
    }
    return rows_followed(c, was, new, is);
}

static bool gauge_followed(const struct gone_change *c)
{
    const mp_value *before = gone_read_data(c->before);
    const mp_value *came = gone_read_data(c->came);
    const mp_value *after = gone_read_data(c->after);
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
    const bool had = gone_read_number(before, &was);
    const bool has_come = gone_read_number(came, &new);
    if (!gone_read_number(after, &is)) {
        return !had && !has_come;
    }
    was = had ? was : new;
    new = has_come ? new : was;
    const long double low = was < new ? was : new;
    const long double high = was < new ? new : was;
    return (had || has_come) &&
           ((is >= low && is <= high) || gone_read_same(is, low) || gone_read_same(is, high));
}

static bool sum_followed(const mp_value *before, const mp_value *came, const mp_value *after)
{
    long double was = 0;
    long double new = 0;
    long double is = 0;
    const bool had = gone_read_number(before, &was);
    const bool has_come = gone_read_number(came, &new);
    if (!gone_read_number(after, &is)) {
        return !had && !has_come;
    }
    const long double size = fmaxl(fabsl(was), fabsl(new));
    return (had || has_come) && fabsl(is - (was + new)) <= GONE_TOLERANCE * fmaxl(size, fabsl(is));
}

static bool point_followed(const struct gone_change *c, const mp_value *before,
                           const mp_value *came, const mp_value *after)
{
    switch (c->tile->aggregate) {
    case TILE_AGGREGATE_COUNT:
    case TILE_AGGREGATE_SUM:
        return sum_followed(before, came, after);
    case TILE_AGGREGATE_AVG:
    case TILE_AGGREGATE_P50:
    case TILE_AGGREGATE_P90:
    case TILE_AGGREGATE_P95:
    case TILE_AGGREGATE_P99:
    case TILE_AGGREGATE_DISTINCT:
    case TILE_AGGREGATE_RANKING:
        /* Of all, it is between that of the ones and that of the others. */
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

/* What a window that forgets rows can show: these are not known, but those that came are in it. */
static bool window_followed(const struct gone_change *c, const mp_value *before,
                            const mp_value *came, const mp_value *after)
{
    long double was = 0;
    long double new = 0;
    long double is = 0;
    const bool had = gone_read_number(before, &was);
    const bool has = gone_read_number(after, &is);
    if (!gone_read_number(came, &new)) {
        return had || !has;
    }
    switch (c->tile->aggregate) {
    case TILE_AGGREGATE_MIN:
        return has && is <= new && (!had || is >= (was < new ? was : new));
    case TILE_AGGREGATE_MAX:
        return has && is >= new && (!had || is <= (was > new ? was : new));
    case TILE_AGGREGATE_LAST:
        return latest_followed(c->latest.us > c->before_at.us, before, came, after);
    case TILE_AGGREGATE_COUNT:
    case TILE_AGGREGATE_SUM:
    case TILE_AGGREGATE_AVG:
    case TILE_AGGREGATE_P50:
    case TILE_AGGREGATE_P90:
    case TILE_AGGREGATE_P95:
    case TILE_AGGREGATE_P99:
    case TILE_AGGREGATE_DISTINCT:
    case TILE_AGGREGATE_RANKING:
        break;
    }
    return true;
}

/* Of all rows, a percentile is between that of the ones and that of the others. A window forgets
 * rows meanwhile, and what these had is not known. */
static bool percentile_followed(const struct gone_change *c)
{
    static const char *const names[] = {"p50", "p90", "p95", "p99"};
    const mp_value *before = gone_read_data(c->before);
    const mp_value *came = gone_read_data(c->came);
    const mp_value *after = gone_read_data(c->after);
    for (size_t i = 0; i < 4 && !gone_read_windowed(c->tile); i++) {
        if (!average_followed(mp_get(before, names[i]), mp_get(came, names[i]),
                              mp_get(after, names[i]))) {
            return false;
        }
    }
    return gone_read_are_percentiles(after) &&
           rows_followed(c, gone_read_count(before, "count"), gone_read_count(came, "count"),
                         gone_read_count(after, "count"));
}

static bool number_followed(const struct gone_change *c)
{
    const mp_value *before = mp_get(gone_read_data(c->before), "value");
    const mp_value *came = mp_get(gone_read_data(c->came), "value");
    const mp_value *after = mp_get(gone_read_data(c->after), "value");
    if (gone_read_windowed(c->tile)) {
        return window_followed(c, before, came, after);
    }
    if (c->tile->aggregate == TILE_AGGREGATE_LAST) {
        return latest_followed(c->latest.us > c->before_at.us, before, came, after);
    }
    return point_followed(c, before, came, after);
}

/* Each bucket that is shown now: the first look had it, or it begins later than all rows of then.
 */
static bool trend_followed(const struct gone_change *c)
{
    const mp_value *before = mp_get(gone_read_data(c->before), "points");
    const mp_value *came = mp_get(gone_read_data(c->came), "points");
    const mp_value *after = mp_get(gone_read_data(c->after), "points");
    const mp_value *const both[] = {after, came};
    for (size_t k = 0; k < 2; k++) {
        for (uint32_t i = 0; mp_is_map(both[k]) && i < both[k]->via.map.size; i++) {
            const mp_value *name = &both[k]->via.map.ptr[i].key;
            if (!point_followed(c, gone_read_member(before, name), gone_read_member(came, name),
                                gone_read_member(after, name))) {
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
        if (gone_read_bucket(c->tile, name, &start_ms) && start_ms >= oldest_ms &&
            gone_read_member(after, name) == NULL && c->tile->aggregate != TILE_AGGREGATE_SUM &&
            c->tile->aggregate != TILE_AGGREGATE_AVG) {
            return false;
        }
    }
    return mp_is_map(after);
}

/* An hour of a window that has come again forgets its oldest week. */
static bool heatmap_followed(const struct gone_change *c)
{
    for (int hour = 0; hour < GONE_HOURS; hour++) {
        const mp_value *before = gone_read_hour(gone_read_data(c->before), hour);
        const mp_value *came = gone_read_hour(gone_read_data(c->came), hour);
        const mp_value *after = gone_read_hour(gone_read_data(c->after), hour);
        long double was = 0;
        long double new = 0;
        long double is = 0;
        (void)gone_read_number(before, &was);
        (void)gone_read_number(came, &new);
        (void)gone_read_number(after, &is);
        if (c->tile->aggregate == TILE_AGGREGATE_COUNT ? !rows_followed(c, was, new, is)
            : gone_read_windowed(c->tile)              ? !window_followed(c, before, came, after)
                                                       : !point_followed(c, before, came, after)) {
            return false;
        }
    }
    return gone_read_is_heatmap(gone_read_data(c->after));
}

/* Each row changes the state of one item at most. */
static bool backlog_followed(const struct gone_change *c)
{
    const mp_value *before = mp_get(gone_read_data(c->before), "buckets");
    const mp_value *came = mp_get(gone_read_data(c->came), "buckets");
    const mp_value *after = mp_get(gone_read_data(c->after), "buckets");
    const long double rows = (long double)c->rows;
    const long double total = gone_read_count(gone_read_data(c->after), "total");
    for (uint32_t i = 0; mp_is_map(after) && i < after->via.map.size; i++) {
        const mp_value *name = &after->via.map.ptr[i].key;
        long double was = 0;
        long double new = 0;
        long double is = 0;
        (void)gone_read_number(gone_read_member(before, name), &was);
        (void)gone_read_number(gone_read_member(came, name), &new);
        if (!gone_read_number(&after->via.map.ptr[i].val, &is) || fabsl(is - was) > rows ||
            is > was + new) {
            return false;
        }
    }
    return mp_is_map(after) && gone_read_same(gone_read_sum(after), total) &&
           fabsl(total - gone_read_count(gone_read_data(c->before), "total")) <= rows;
}

/* Time alone moves items from ok to at_risk and on to breached. */
static bool sla_risk_followed(const struct gone_change *c)
{
    const long double rows = (long double)c->rows;
    const mp_value *before = gone_read_data(c->before);
    const mp_value *after = gone_read_data(c->after);
    return fabsl(gone_read_open_items(c->after) - gone_read_open_items(c->before)) <= rows &&
           gone_read_count(after, "ok") <= gone_read_count(before, "ok") + rows &&
           gone_read_count(after, "breached") >= gone_read_count(before, "breached") - rows;
}

/* Each row has one value, and those that came are there. Without a window, no value is forgotten.
 */
static bool distinct_followed(const struct gone_change *c)
{
    const mp_value *before = gone_read_data(c->before);
    const mp_value *came = gone_read_data(c->came);
    const mp_value *after = gone_read_data(c->after);
    const bool keeps = !gone_read_windowed(c->tile);
    const long double was = gone_read_count(before, "value");
    const long double fresh = gone_read_count(came, "value");
    const long double is = gone_read_count(after, "value");
    if (gone_read_is_estimate(after)) {
        return gone_read_is_estimate(before) || gone_read_is_estimate(came) ||
               was + fresh > DISTINCT_EXACT_MAX;
    }
    if (gone_read_is_estimate(came) || (keeps && gone_read_is_estimate(before))) {
        return false;
    }
    return is >= fresh && is <= DISTINCT_EXACT_MAX && (!keeps || is >= was) &&
           (gone_read_is_estimate(before) || is <= was + fresh);
}

/* Those that came are in the window; of the others it forgets some. */
static bool rate_followed(const struct gone_change *c)
{
    const mp_value *after = gone_read_data(c->after);
    const char *what = gone_read_counts_events(c->tile) ? "count" : "series";
    return gone_read_is_rate(c->tile, after) &&
           rows_followed(c, gone_read_count(gone_read_data(c->before), what),
                         gone_read_count(gone_read_data(c->came), what),
                         gone_read_count(after, what));
}

/* Each row begins or ends one item at most. An item leaves the window with time. */
static bool duration_followed(const struct gone_change *c)
{
    const long double rows = (long double)c->rows;
    const mp_value *before = gone_read_data(c->before);
    const mp_value *after = gone_read_data(c->after);
    return gone_read_is_duration(after) &&
           gone_read_count(after, "count") <= gone_read_count(before, "count") + rows &&
           fabsl(gone_read_count(after, "running") - gone_read_count(before, "running")) <= rows;
}

/* Time alone takes items from up to late, to missing, and away; and one that is late may be
 * returning. So each row adds one item at most. */
static bool presence_followed(const struct gone_change *c)
{
    const mp_value *before = gone_read_data(c->before);
    const mp_value *after = gone_read_data(c->after);
    const long double were = gone_read_count(before, "up") + gone_read_count(before, "late");
    const long double are = gone_read_count(after, "up") + gone_read_count(after, "late");
    return are <= were + (long double)c->rows &&
           are + gone_read_count(after, "missing") <=
               were + gone_read_count(before, "missing") + (long double)c->rows;
}

bool gone_change_is_right(const struct gone_change *change)
{
    if (!gone_read_same_frame(change->before, change->after)) {
        return false;
    }
    if (mp_get(change->before, "truncated") != NULL || mp_get(change->after, "truncated") != NULL) {
        return true; /* What is left out cannot be looked at. */
    }
    switch (change->tile->type) {
    case TILE_COUNT:
        return count_followed(change);
    case TILE_NUMBER:
        return number_followed(change);
    case TILE_RATIO:
        return ratio_followed(change);
    case TILE_PERCENTILE:
        return percentile_followed(change);
    case TILE_TREND:
        return trend_followed(change);
    case TILE_HEATMAP:
        return heatmap_followed(change);
    case TILE_DISTINCT:
        return distinct_followed(change);
    case TILE_RATE:
        return rate_followed(change);
    case TILE_TOP:
        return gone_top_follows(change->tile, gone_read_data(change->before),
                                gone_read_data(change->came), gone_read_data(change->after));
    case TILE_DURATION:
        return duration_followed(change);
    case TILE_PRESENCE:
        return presence_followed(change);
    case TILE_SLA_RISK:
        return sla_risk_followed(change);
    case TILE_BACKLOG:
        return backlog_followed(change);
    case TILE_GAUGE:
        return gauge_followed(change);
    case TILE_LATEST:
        return gone_latest_follows(mp_get(gone_read_data(change->before), "rows"),
                                   mp_get(gone_read_data(change->came), "rows"),
                                   mp_get(gone_read_data(change->after), "rows"),
                                   change->tile->rows);
    }
    return false;
}
