/* SPDX-License-Identifier: Apache-2.0 */
/*
 * heatmap: an aggregate of the rows of each hour of each day of the week, ever or in so many weeks.
 *
 * Its state is 168 windows, one for each hour of the week, from the day on that weeks begin with.
 * With `window`, their slots are weeks of the calendar. Of an hour that has begun this week the
 * newest `weeks` slots are shown, and of one that has not the `weeks` before this one, so that each
 * hour came equally often. With 2 weeks, on a Tuesday at noon:
 *
 *     slot            now - 2   now - 1   now
 *     Monday, 9:00       ·         ▓       ▓
 *     Friday, 9:00       ▓         ▓       ·
 *
 * So a window has a slot more than weeks, and what is shown depends on the rows and the time alone.
 *
 * Memory: 22 KB; and 16 to 32 bytes for each hour that has rows and each of the slots, or 2 of
 * them without `window`. A slot of a sum may have 288 bytes more (exact.h).
 *
 * Saved as [[hour of the week, window], …], without those that have no rows.
 */
#include <stdio.h>

#include "common/base/time/civil.h"
#include "common/base/time/zone.h"
#include "ingestor/fold/types/list.h"
#include "ingestor/fold/types/matching.h"
#include "ingestor/fold/types/span.h"

#define DAYS 7
#define HOURS 24
#define CELLS ((size_t)DAYS * HOURS)
#define US_PER_HOUR (INT64_C(3600) * US_PER_S)
#define WEEK_MS INT64_C(604800000)
#define THURSDAY 3 /* 1970-01-01 */

/* The offset of a zone from UTC changes at multiples of that, at all times to come. */
#define QUARTER_US (INT64_C(900) * US_PER_S)

struct heatmap {
    struct window cells[CELLS]; /* from the first hour of a week on */
    size_t now;      /* with window: the hour of the week that the last advance reached */
    wall_time until; /* when an advance has something to do: the next hour begins, or earlier */
};

static int64_t weeks_of(const struct tile_config *config)
{
    return config->window_ms / WEEK_MS;
}

/* The hour of the week that the clock of the source's zone shows. */
static size_t hour_of(const struct tile_config *config, int64_t us)
{
    const int64_t local_us = zone_local_us(config->local->zone, us);
    const int64_t date = civil_floor_div(local_us, US_PER_DAY);
    const int64_t since = date + THURSDAY - (int64_t)config->local->week_starts;
    const int64_t day = since - DAYS * civil_floor_div(since, DAYS);
    return (size_t)(day * HOURS + (local_us - date * US_PER_DAY) / US_PER_HOUR);
}

static void stand_at(struct heatmap *heatmap, const struct tile_config *config, wall_time now)
{
    if (config->window_ms == 0) {
        heatmap->until.us = heatmap->cells[0].ends_us;
        return;
    }
    const int64_t local_us = zone_local_us(config->local->zone, now.us);
    const int64_t hour_us =
        now.us - local_us + (civil_floor_div(local_us, US_PER_HOUR) + 1) * US_PER_HOUR;
    const int64_t quarter_us = (civil_floor_div(now.us, QUARTER_US) + 1) * QUARTER_US;
    const int64_t week_us = heatmap->cells[0].ends_us;
    heatmap->now = hour_of(config, now.us);
    heatmap->until.us = hour_us < quarter_us ? hour_us : quarter_us;
    if (week_us > now.us && week_us < heatmap->until.us) {
        heatmap->until.us = week_us;
    }
}

static void init(void *state, const struct tile_config *config, wall_time now)
{
    struct heatmap *heatmap = state;
    if (config->window_ms != 0) {
        const struct calendar weeks = {TILE_PERIOD_WEEK, config->local};
        window_init_calendar(&heatmap->cells[0], weeks, (uint32_t)weeks_of(config) + 1,
                             config->aggregate, now);
    } else {
        span_init(&heatmap->cells[0], config, config->aggregate, now);
    }
    for (size_t i = 1; i < CELLS; i++) {
        heatmap->cells[i] = heatmap->cells[0]; /* which is empty, and owns nothing */
    }
    stand_at(heatmap, config, now);
}

static void finish(void *state)
{
    struct heatmap *heatmap = state;
    for (size_t i = 0; i < CELLS; i++) {
        window_finish(&heatmap->cells[i]);
    }
}

static bool advance(void *state, const struct tile_config *config, wall_time now)
{
    struct heatmap *heatmap = state;
    const size_t before = heatmap->now;
    bool moved = false;
    if (now.us < heatmap->until.us) {
        return false;
    }
    for (size_t i = 0; i < CELLS; i++) {
        moved |= window_advance(&heatmap->cells[i], now);
    }
    stand_at(heatmap, config, now);
    return moved || heatmap->now != before;
}

static wall_time next(const void *state, const struct tile_config *config)
{
    (void)config;
    return ((const struct heatmap *)state)->until;
}

static bool apply(void *state, const struct tile_config *config, int meaning, struct row *row,
                  struct number value, wall_time now)
{
    (void)meaning;
    struct heatmap *heatmap = state;
    const bool moved = advance(heatmap, config, now);
    const size_t hour = hour_of(config, row->event->timestamp.us);
    return window_add(&heatmap->cells[hour], row->event, value) || moved;
}

/* ---- What is shown ---- */

/* False when nothing is shown for that hour. */
static bool value_of(const struct heatmap *heatmap, const struct tile_config *config, size_t hour,
                     struct number *out)
{
    const struct window *cell = &heatmap->cells[hour];
    int64_t after = INT64_MIN;
    if (config->window_ms != 0) {
        after = cell->now - weeks_of(config) - (hour > heatmap->now);
    }
    return span_value_after(cell, after, out);
}

/* What has been written so far. */
struct writing {
    struct buf *out;       /* where to */
    bool any;              /* Some hour has a value. */
    struct number largest; /* of all values; means something with `any` */
};

/* Appends the hours of a day, with its name; returns false when none has a value. */
static bool write_day(const struct heatmap *heatmap, const struct tile_config *config, size_t day,
                      struct writing *w)
{
    const size_t name = ((size_t)config->local->week_starts + day) % DAYS;
    const size_t begin = w->out->len;
    mp_put_text(w->out, config_weekday_name((enum config_weekday)name));
    struct mp_open_map hours = mp_open_map(w->out);
    for (size_t hour = 0; hour < HOURS; hour++) {
        struct number value;
        if (value_of(heatmap, config, day * HOURS + hour, &value)) {
            char text[8];
            snprintf(text, sizeof text, "%u", (unsigned)hour);
            mp_put_text(w->out, text);
            number_put(w->out, value);
            hours.count++;
            w->largest = !w->any || number_less(w->largest, value) ? value : w->largest;
            w->any = true;
        }
    }
    mp_close_map(w->out, hours);
    if (hours.count == 0) {
        w->out->len = begin;
    }
    return hours.count != 0;
}

static void write_data(const void *state, const struct tile_config *config, struct buf *out)
{
    const struct heatmap *heatmap = state;
    struct writing w = {.out = out};
    struct mp_open_map map = mp_open_map(out);
    mp_put_text(out, "aggregate");
    mp_put_text(out, tile_aggregate_name(config->aggregate));
    mp_put_text(out, "time_zone");
    mp_put_text(out, config->local->time_zone);
    mp_put_text(out, "week_starts");
    mp_put_text(out, config_weekday_name(config->local->week_starts));
    mp_put_text(out, "cells");
    map.count += 4;
    struct mp_open_map cells = mp_open_map(out);
    for (size_t day = 0; day < DAYS; day++) {
        cells.count += write_day(heatmap, config, day, &w);
    }
    mp_close_map(out, cells);
    if (w.any) {
        mp_put_text(out, "largest");
        number_put(out, w.largest);
        map.count++;
    }
    if (config->unit != NULL) {
        mp_put_text(out, "unit");
        mp_put_text(out, config->unit);
        map.count++;
    }
    map.count += span_write(&heatmap->cells[0], config, out);
    mp_close_map(out, map);
}

/* ---- Saving and loading ---- */

static bool has_rows(const struct window *cell)
{
    return cell->total != 0 || cell->future_count != 0;
}

static void save(const void *state, const struct tile_config *config, struct buf *out)
{
    (void)config;
    const struct heatmap *heatmap = state;
    size_t count = 0;
    for (size_t i = 0; i < CELLS; i++) {
        count += has_rows(&heatmap->cells[i]);
    }
    mp_put_array(out, count);
    for (size_t i = 0; i < CELLS; i++) {
        if (has_rows(&heatmap->cells[i])) {
            mp_put_array(out, 2);
            mp_put_uint(out, i);
            window_save(&heatmap->cells[i], out);
        }
    }
}

static bool load(void *state, const struct tile_config *config, const mp_value *value)
{
    (void)config;
    struct heatmap *heatmap = state;
    if (!mp_is_array(value)) {
        return false;
    }
    for (size_t i = 0; i < mp_count(value); i++) {
        const mp_value *one = mp_at(value, i);
        const mp_value *window = mp_at(one, 1);
        uint64_t hour;
        if (!mp_as_uint(mp_at(one, 0), &hour) || hour >= CELLS || window == NULL ||
            has_rows(&heatmap->cells[hour]) || !window_load(&heatmap->cells[hour], window)) {
            return false;
        }
    }
    heatmap->until.us = INT64_MIN; /* They may stand in an earlier week. */
    return true;
}

const struct fold_type fold_type_heatmap = {
    .size = sizeof(struct heatmap),
    .init = init,
    .finish = finish,
    .examine = matching_examine,
    .concerns = matching_concerns,
    .apply = apply,
    .advance = advance,
    .next = next,
    .write = write_data,
    .save = save,
    .load = load,
    .forgets = span_given,
};
