/* SPDX-License-Identifier: Apache-2.0 */
/* heatmap, as docs/tiles.md says: an aggregate for each hour of the week that a clock shows. */
#include <stdio.h>
#include <time.h>

#include "common/codec/mp.h"
#include "ctl/oracle/period.h"
#include "ctl/oracle/types/point.h"
#include "ctl/oracle/types/values.h"
#include "ctl/oracle/zone.h"

#define WEEK_MS INT64_C(604800000)

/* What the clock shows: a day, counted from the first of the week, and an hour. */
struct shown {
    int day;
    int hour;
};

static struct shown shown_at(const struct config_local_time *local, int64_t us)
{
    const int64_t second = oracle_values_slot(us, US_PER_S);
    const time_t shown = oracle_zone_shown(local->time_zone, second);
    struct tm tm;
    (void)gmtime_r(&shown, &tm);
    const int from_monday = tm.tm_wday == 0 ? 6 : tm.tm_wday - 1;
    return (struct shown){(from_monday + 7 - (int)local->week_starts) % 7, tm.tm_hour};
}

/* True when a is no later in the week than b. */
static bool is_reached(struct shown a, struct shown b)
{
    return a.day < b.day || (a.day == b.day && a.hour <= b.hour);
}

/* Adds the rows of the tile's weeks to the points of their hours. */
static void add_rows(const struct oracle_selection *s, wall_time at,
                     struct oracle_point points[7][24])
{
    const struct config_local_time *local = s->tile->local;
    const struct shown now = shown_at(local, at.us);
    const int weeks = (int)(s->tile->window_ms / WEEK_MS);
    int64_t reached = INT64_MIN; /* where the weeks of an hour that has come this week begin */
    int64_t ahead = INT64_MIN;   /* and those of one that has not */
    if (weeks != 0) {
        reached = oracle_period_begin_us(local, TILE_PERIOD_WEEK, at.us, 1 - weeks);
        ahead = oracle_period_begin_us(local, TILE_PERIOD_WEEK, at.us, -weeks);
    }
    for (size_t i = 0; i < s->count; i++) {
        const int64_t us = oracle_row_us(s->rows, s->picked[i]);
        const struct shown of = shown_at(local, us);
        if (us >= (is_reached(of, now) ? reached : ahead)) {
            oracle_point_add(s, &points[of.day][of.hour], s->picked[i]);
        }
    }
}

/* Appends the values of a day by their hours; returns how many there are. */
static size_t put_hours(const struct oracle_selection *s, const struct oracle_point points[24],
                        long double *largest, bool *any, struct buf *out)
{
    struct mp_open_map map = mp_open_map(out);
    for (int hour = 0; hour < 24; hour++) {
        long double value;
        if (points[hour].rows != 0 && oracle_point_value(s, &points[hour], &value)) {
            char name[16];
            snprintf(name, sizeof name, "%d", hour);
            mp_put_text(out, name);
            oracle_values_put(out, value);
            map.count++;
            *largest = !*any || value > *largest ? value : *largest;
            *any = true;
        }
    }
    mp_close_map(out, map);
    return map.count;
}

static void put_heatmap(const struct oracle_selection *s, wall_time at, struct buf *out)
{
    const struct config_local_time *local = s->tile->local;
    struct oracle_point points[7][24] = {0};
    long double largest = 0;
    bool any = false;
    add_rows(s, at, points);
    struct mp_open_map map = mp_open_map(out);
    mp_put_text(out, "week_starts");
    mp_put_text(out, config_weekday_name(local->week_starts));
    mp_put_text(out, "time_zone");
    mp_put_text(out, local->time_zone);
    mp_put_text(out, "aggregate");
    mp_put_text(out, tile_aggregate_name(s->tile->aggregate));
    mp_put_text(out, "cells");
    map.count += 4;
    struct mp_open_map cells = mp_open_map(out);
    for (int day = 0; day < 7; day++) {
        struct buf hours = {0};
        if (put_hours(s, points[day], &largest, &any, &hours) != 0) {
            mp_put_text(out, config_weekday_name(
                                 (enum config_weekday)((day + (int)local->week_starts) % 7)));
            buf_append_str(out, buf_str(&hours));
            cells.count++;
        }
        buf_free(&hours);
    }
    mp_close_map(out, cells);
    if (any) {
        mp_put_text(out, "largest");
        oracle_values_put(out, largest);
        map.count++;
    }
    if (s->tile->unit != NULL) {
        mp_put_text(out, "unit");
        mp_put_text(out, s->tile->unit);
        map.count++;
    }
    if (s->tile->window_ms != 0) {
        mp_put_text(out, "window_ms");
        mp_put_int(out, s->tile->window_ms);
        map.count++;
    }
    mp_close_map(out, map);
}

const struct oracle_type oracle_heatmap = {.concerns = oracle_values_concern,
                                           .put_data = put_heatmap};
