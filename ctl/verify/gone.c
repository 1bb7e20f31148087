/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/verify/gone.h"

#include <math.h>

#include "ctl/verify/gone_latest.h"
#include "ctl/verify/gone_read.h"
#include "ctl/verify/gone_top.h"

/* How many are gone; infinite when it is not known. */
static long double gone(const struct gone_state *s)
{
    return s->tally.known ? (long double)s->tally.rows - (long double)s->rows_left : INFINITY;
}

static bool count_explained(const struct gone_state *s)
{
    long double left;
    long double got;
    const bool has_left = gone_read_member_number(gone_read_data(s->left), "value", &left);
    const bool has_got = gone_read_member_number(gone_read_data(s->got), "value", &got);
    if (s->tile->metric != NULL) {
        return has_got || !has_left;
    }
    if (!has_left || !has_got || got < left || got - left > gone(s)) {
        return false;
    }
    return gone_read_windowed(s->tile) || !s->tally.known ||
           gone_read_same(got, (long double)s->tally.rows);
}

/* Each row is of the part, of the whole, or of both. */
static bool ratio_explained(const struct gone_state *s)
{
    static const char *const names[] = {"part", "whole"};
    const mp_value *left = gone_read_data(s->left);
    const mp_value *got = gone_read_data(s->got);
    const long double rows = (long double)s->tally.rows;
    long double sides[2];
    for (size_t i = 0; i < 2; i++) {
        const long double was = gone_read_count(left, names[i]);
        sides[i] = gone_read_count(got, names[i]);
        if (sides[i] < was || sides[i] - was > gone(s)) {
            return false;
        }
    }
    return gone_read_is_ratio(got) &&
           (!s->tally.known || (sides[0] <= rows && sides[1] <= rows &&
                                (gone_read_windowed(s->tile) || sides[0] + sides[1] >= rows)));
}

static bool percentile_explained(const struct gone_state *s)
{
    const mp_value *got = gone_read_data(s->got);
    const long double left = gone_read_count(gone_read_data(s->left), "count");
    const long double count = gone_read_count(got, "count");
    return gone_read_are_percentiles(got) && count >= left && count - left <= gone(s) &&
           (gone_read_windowed(s->tile) || !s->tally.known ||
            gone_read_same(count, (long double)s->tally.rows));
}

static bool gauge_explained(const struct gone_state *s)
{
    const mp_value *left = gone_read_data(s->left);
    const mp_value *got = gone_read_data(s->got);
    long double value;
    long double min;
    long double max;
    long double left_min;
    long double left_max;
    if (!gone_read_member_number(got, "value", &value) ||
        !gone_read_member_number(got, "min", &min) || !gone_read_member_number(got, "max", &max)) {
        return mp_get(left, "value") == NULL && mp_get(got, "value") == NULL;
    }
    if (value < min || value > max) {
        return false;
    }
    return !gone_read_member_number(left, "min", &left_min) ||
           !gone_read_member_number(left, "max", &left_max) || (min <= left_min && max >= left_max);
}

/* A point of a trend, or a number, from rows of which some may be gone; either is NULL when there
 * is none. */
static bool point_explained(const struct gone_state *s, const mp_value *left, const mp_value *got)
{
    long double a = 0;
    long double b = 0;
    const bool has_left = gone_read_number(left, &a);
    const bool has_got = gone_read_number(got, &b);
    switch (s->tile->aggregate) {
    case TILE_AGGREGATE_COUNT:
        return b >= a;
    case TILE_AGGREGATE_MIN:
        return !has_left || (has_got && b <= a);
    case TILE_AGGREGATE_MAX:
        return !has_left || (has_got && b >= a);
    case TILE_AGGREGATE_LAST:
    case TILE_AGGREGATE_P50:
    case TILE_AGGREGATE_P90:
    case TILE_AGGREGATE_P95:
    case TILE_AGGREGATE_P99:
    case TILE_AGGREGATE_DISTINCT:
    case TILE_AGGREGATE_RANKING:
        return !has_left || has_got;
    case TILE_AGGREGATE_SUM:
    case TILE_AGGREGATE_AVG:
        break; /* A sum may be too large to be shown. */
    }
    return true;
}

static bool number_explained(const struct gone_state *s)
{
    return point_explained(s, mp_get(gone_read_data(s->left), "value"),
                           mp_get(gone_read_data(s->got), "value"));
}

static bool trend_explained(const struct gone_state *s)
{
    const mp_value *left = mp_get(gone_read_data(s->left), "points");
    const mp_value *got = mp_get(gone_read_data(s->got), "points");
    if (!mp_is_map(left) || !mp_is_map(got)) {
        return false;
    }
    for (uint32_t i = 0; i < left->via.map.size; i++) {
        const struct msgpack_object_kv *point = &left->via.map.ptr[i];
        if (!point_explained(s, &point->val, gone_read_member(got, &point->key))) {
            return false;
        }
    }
    for (uint32_t i = 0; i < got->via.map.size; i++) {
        const struct msgpack_object_kv *point = &got->via.map.ptr[i];
        if (!gone_read_bucket(s->tile, &point->key, NULL) ||
            !point_explained(s, gone_read_member(left, &point->key), &point->val)) {
            return false;
        }
    }
    return s->tile->aggregate != TILE_AGGREGATE_COUNT ||
           gone_read_sum(got) - gone_read_sum(left) <= gone(s);
}

/* True when no number in the one map is further from that in the other than rows are gone: each of
 * them concerns one item. */
static bool counts_near(const struct gone_state *s, const mp_value *left, const mp_value *got)
{
    for (uint32_t i = 0; mp_is_map(got) && i < got->via.map.size; i++) {
        long double a = 0;
        long double b = 0;
        (void)gone_read_number(gone_read_member(left, &got->via.map.ptr[i].key), &a);
        if (gone_read_number(&got->via.map.ptr[i].val, &b) && fabsl(a - b) > gone(s)) {
            return false;
        }
    }
    return mp_count(left) == mp_count(got);
}

static bool heatmap_explained(const struct gone_state *s)
{
    const mp_value *left = gone_read_data(s->left);
    const mp_value *got = gone_read_data(s->got);
    for (int hour = 0; hour < GONE_HOURS; hour++) {
        if (!point_explained(s, gone_read_hour(left, hour), gone_read_hour(got, hour))) {
            return false;
        }
    }
    return gone_read_is_heatmap(got) &&
           (s->tile->aggregate != TILE_AGGREGATE_COUNT ||
            gone_read_sum(mp_get(got, "cells")) - gone_read_sum(mp_get(left, "cells")) <= gone(s));
}

static bool backlog_explained(const struct gone_state *s)
{
    const mp_value *left = gone_read_data(s->left);
    const mp_value *got = gone_read_data(s->got);
    const long double total = gone_read_count(got, "total");
    const mp_value *breakdown = mp_get(got, "breakdown");
    return counts_near(s, mp_get(left, "buckets"), mp_get(got, "buckets")) &&
           gone_read_same(gone_read_sum(mp_get(got, "buckets")), total) &&
           (breakdown == NULL || gone_read_same(gone_read_sum(breakdown), total)) &&
           (!s->tally.known || total <= (long double)s->tally.rows) &&
           fabsl(total - gone_read_count(left, "total")) <= gone(s) &&
           (total > 0) == (mp_get(got, "oldest_at") != NULL);
}

static bool sla_risk_explained(const struct gone_state *s)
{
    static const char *const names[] = {"ok", "at_risk", "breached", "paused"};
    const long double open = gone_read_open_items(s->got);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (fabsl(gone_read_count(gone_read_data(s->got), names[i]) -
                  gone_read_count(gone_read_data(s->left), names[i])) > gone(s)) {
            return false;
        }
    }
    return fabsl(open - gone_read_open_items(s->left)) <= gone(s) &&
           (!s->tally.known || open <= (long double)s->tally.rows) &&
           (long double)mp_count(mp_get(gone_read_data(s->got), "worst")) <= open;
}

/* A row that is gone had one value. Of an estimate only that is known which says that there is one:
 * there were more rows than values that are counted exactly. */
static bool distinct_explained(const struct gone_state *s)
{
    const mp_value *left = gone_read_data(s->left);
    const mp_value *got = gone_read_data(s->got);
    long double values;
    if (!gone_read_member_number(got, "value", &values)) {
        return false;
    }
    if (gone_read_is_estimate(got)) {
        return !s->tally.known || s->tally.rows > DISTINCT_EXACT_MAX;
    }
    const long double more = values - gone_read_count(left, "value");
    return !gone_read_is_estimate(left) && values <= DISTINCT_EXACT_MAX && more >= 0 &&
           more <= gone(s);
}

/* What counters have grown by can be anything, but the rate is that of it. */
static bool rate_explained(const struct gone_state *s)
{
    const mp_value *left = gone_read_data(s->left);
    const mp_value *got = gone_read_data(s->got);
    const long double more = gone_read_count(got, "count") - gone_read_count(left, "count");
    return gone_read_is_rate(s->tile, got) &&
           (gone_read_counts_events(s->tile)
                ? more >= 0 && more <= gone(s)
                : gone_read_count(got, "series") >= gone_read_count(left, "series") &&
                      gone_read_count(got, "series") - gone_read_count(left, "series") <= gone(s));
}

static bool duration_explained(const struct gone_state *s)
{
    const mp_value *left = gone_read_data(s->left);
    const mp_value *got = gone_read_data(s->got);
    const long double count = gone_read_count(got, "count");
    const long double running = gone_read_count(got, "running");
    return gone_read_is_duration(got) && fabsl(count - gone_read_count(left, "count")) <= gone(s) &&
           fabsl(running - gone_read_count(left, "running")) <= gone(s) &&
           (!s->tally.known || 2 * count + running <= (long double)s->tally.rows);
}

/* A row that is gone can have moved the item that it was about, and no other. */
static bool presence_explained(const struct gone_state *s)
{
    static const char *const names[] = {"up", "late", "missing"};
    long double items = 0;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const long double count = gone_read_count(gone_read_data(s->got), names[i]);
        items += count;
        if (fabsl(count - gone_read_count(gone_read_data(s->left), names[i])) > gone(s)) {
            return false;
        }
    }
    return (!s->tally.known || items <= (long double)s->tally.rows) &&
           (long double)mp_count(mp_get(gone_read_data(s->got), "worst")) <= items;
}

bool gone_explains(const struct gone_state *state)
{
    if (!gone_read_same_frame(state->left, state->got)) {
        return false;
    }
    if (mp_get(state->got, "truncated") != NULL) {
        return true; /* What is left out cannot be looked at. */
    }
    switch (state->tile->type) {
    case TILE_COUNT:
        return count_explained(state);
    case TILE_NUMBER:
        return number_explained(state);
    case TILE_RATIO:
        return ratio_explained(state);
    case TILE_PERCENTILE:
        return percentile_explained(state);
    case TILE_TREND:
        return trend_explained(state);
    case TILE_HEATMAP:
        return heatmap_explained(state);
    case TILE_DISTINCT:
        return distinct_explained(state);
    case TILE_RATE:
        return rate_explained(state);
    case TILE_TOP:
        return gone_top_explains(state->tile, gone_read_data(state->left),
                                 gone_read_data(state->got), gone(state),
                                 state->tally.known ? (long double)state->tally.rows : INFINITY);
    case TILE_DURATION:
        return duration_explained(state);
    case TILE_PRESENCE:
        return presence_explained(state);
    case TILE_SLA_RISK:
        return sla_risk_explained(state);
    case TILE_BACKLOG:
        return backlog_explained(state);
    case TILE_GAUGE:
        return gauge_explained(state);
    case TILE_LATEST:
        return gone_latest_explains(mp_get(gone_read_data(state->left), "rows"),
                                    mp_get(gone_read_data(state->got), "rows"), state->tile->rows,
                                    gone(state));
    }
    return false;
}
