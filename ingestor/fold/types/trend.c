/* SPDX-License-Identifier: Apache-2.0 */
/* trend: an aggregate for each of the last `length` buckets of time. Its state is the window, and
 * nothing else. */
#include <stdio.h>

#include "ingestor/fold/types/list.h"
#include "ingestor/fold/types/matching.h"
#include "ingestor/fold/types/window.h"
#include "ingestor/fold/types/windowed.h"

static void init(void *state, const struct tile_config *config, wall_time now)
{
    if (config->step_period != TILE_PERIOD_NONE) {
        const struct calendar calendar = {config->step_period, config->local};
        window_init_calendar(state, calendar, config->length, config->aggregate, now);
    } else {
        window_init(state, config->step_ms * US_PER_MS, config->length, config->aggregate, now);
    }
}

/* What is said of periods, which are not equally long: three members. */
static void write_period(const struct window *window, const struct tile_config *config,
                         struct buf *out)
{
    mp_put_text(out, "step");
    mp_put_text(out, tile_step_name(config->step_period));
    mp_put_text(out, "time_zone");
    mp_put_text(out, config->local->time_zone);
    mp_put_text(out, "starts");
    mp_put_array(out, config->length);
    for (int64_t slot = window->now - config->length + 1; slot <= window->now; slot++) {
        mp_put_int(out, civil_floor_div(window_begin_us(window, slot), US_PER_MS));
    }
}

static void write_data(const void *state, const struct tile_config *config, struct buf *out)
{
    const struct window *window = state;
    const bool period = config->step_period != TILE_PERIOD_NONE;
    mp_put_map(out, period ? 6 : 3);
    mp_put_text(out, "step_ms");
    mp_put_int(out, config->step_ms);
    if (period) {
        write_period(window, config, out);
    }
    mp_put_text(out, "aggregate");
    mp_put_text(out, tile_aggregate_name(config->aggregate));
    mp_put_text(out, "points");
    struct mp_open_map points = mp_open_map(out);
    const struct bucket *bucket = NULL;
    while ((bucket = window_after(window, bucket != NULL ? bucket->slot : INT64_MIN)) != NULL) {
        struct number value;
        if (!window_value(window, bucket, &value)) {
            continue; /* JSON has no number for it */
        }
        char start[32];
        const int64_t begin_us = window_begin_us(window, bucket->slot);
        const int len =
            snprintf(start, sizeof start, "%lld", (long long)civil_floor_div(begin_us, US_PER_MS));
        mp_put_str(out, (struct str){start, (size_t)len});
        number_put(out, value);
        points.count++;
    }
    mp_close_map(out, points);
}

/* Of the last bucket that is over. One without rows counts as 0 where rows are counted or summed.
 */
static bool figure(const void *state, const struct tile_config *config, struct number *out)
{
    const struct window *window = state;
    const struct bucket *bucket = window_after(window, window->now - 2);
    if (bucket != NULL && bucket->slot == window->now - 1 && window_value(window, bucket, out)) {
        return true;
    }
    *out = number_of_real(0);
    return config->aggregate == TILE_AGGREGATE_COUNT || config->aggregate == TILE_AGGREGATE_SUM;
}

static wall_time figure_until(const void *state, const struct tile_config *config)
{
    (void)config;
    const struct window *window = state;
    return (wall_time){window_begin_us(window, window->now + 1)};
}

static bool forgets(const struct tile_config *config)
{
    (void)config;
    return true;
}

const struct fold_type fold_type_trend = {
    .size = sizeof(struct window),
    .init = init,
    .finish = windowed_finish,
    .examine = matching_examine,
    .concerns = matching_concerns,
    .apply = windowed_apply,
    .advance = windowed_advance,
    .next = windowed_next,
    .write = write_data,
    .figure = figure,
    .figure_until = figure_until,
    .save = windowed_save,
    .load = windowed_load,
    .forgets = forgets,
};
