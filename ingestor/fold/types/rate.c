/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rate: how many rows there are in a second, a minute or an hour of a sliding window; or, with
 * `value` or a metric, by how much counters have grown in one (readings.h).
 *
 * Its state is a window, or the readings.
 */
#include <float.h>
#include <math.h>

#include "ingestor/fold/types/list.h"
#include "ingestor/fold/types/matching.h"
#include "ingestor/fold/types/readings.h"
#include "ingestor/fold/types/span.h"

/* Which of the two means something depends on the definition. */
struct rate {
    struct window window;     /* rows are counted */
    struct readings readings; /* rows say what counters are */
};

static bool reads_counters(const struct tile_config *config)
{
    return config->metric != NULL || config->value.kind != TILE_FIELD_NONE;
}

static void init(void *state, const struct tile_config *config, wall_time now)
{
    struct rate *rate = state;
    if (reads_counters(config)) {
        const struct span_slots slots = span_slots(config->window_ms);
        readings_init(&rate->readings, slots.width_us, slots.count, now);
    } else {
        span_init(&rate->window, config, TILE_AGGREGATE_COUNT, now);
    }
}

static void finish(void *state)
{
    struct rate *rate = state;
    window_finish(&rate->window);
    readings_finish(&rate->readings);
}

static bool apply_reading(struct readings *readings, const struct tile_config *config,
                          struct row *row, struct number value)
{
    char scratch[ROW_SCRATCH];
    struct str name = STR("");
    if (config->item.kind != TILE_FIELD_NONE && !row_text(row, &config->item, scratch, &name)) {
        name = STR("");
    }
    const enum readings_added added = readings_add(readings, name, row->event, value);
    row->counters->items_refused += added == READINGS_REFUSED;
    return added == READINGS_CHANGED;
}

static bool apply(void *state, const struct tile_config *config, int meaning, struct row *row,
                  struct number value, wall_time now)
{
    (void)meaning;
    struct rate *rate = state;
    if (reads_counters(config)) {
        const bool moved = readings_advance(&rate->readings, now);
        return apply_reading(&rate->readings, config, row, value) || moved;
    }
    const bool moved = window_advance(&rate->window, now);
    return window_add(&rate->window, row->event, value) || moved;
}

static bool advance(void *state, const struct tile_config *config, wall_time now)
{
    struct rate *rate = state;
    return reads_counters(config) ? readings_advance(&rate->readings, now)
                                  : window_advance(&rate->window, now);
}

static wall_time next(const void *state, const struct tile_config *config)
{
    const struct rate *rate = state;
    return reads_counters(config) ? readings_next(&rate->readings) : window_next(&rate->window);
}

/* Of so much in the window; beyond all doubles: the largest one. */
static void put_value(struct buf *out, double increase, const struct tile_config *config)
{
    const double value = increase * (double)tile_per_ms(config->per) / (double)config->window_ms;
    mp_put_text(out, "value");
    number_put(out, number_of_real(fmax(fmin(value, DBL_MAX), -DBL_MAX)));
}

static uint32_t write_growth(const struct readings *readings, const struct tile_config *config,
                             struct buf *out)
{
    const struct growth growth = readings_growth(readings);
    mp_put_text(out, "series");
    mp_put_uint(out, growth.series);
    if (!growth.known) {
        return 1;
    }
    mp_put_text(out, "increase");
    number_put(out, growth.increase);
    put_value(out, growth.increase.value, config);
    return 3;
}

static void write_data(const void *state, const struct tile_config *config, struct buf *out)
{
    const struct rate *rate = state;
    struct mp_open_map map = mp_open_map(out);
    if (reads_counters(config)) {
        map.count += write_growth(&rate->readings, config, out);
    } else {
        put_value(out, (double)rate->window.total, config);
        mp_put_text(out, "count");
        mp_put_uint(out, rate->window.total);
        map.count += 2;
    }
    mp_put_text(out, "per");
    mp_put_text(out, tile_per_name(config->per));
    map.count++;
    if (config->unit != NULL) {
        mp_put_text(out, "unit");
        mp_put_text(out, config->unit);
        map.count++;
    }
    map.count += span_write(&rate->window, config, out);
    mp_close_map(out, map);
}

static void save(const void *state, const struct tile_config *config, struct buf *out)
{
    const struct rate *rate = state;
    if (reads_counters(config)) {
        readings_save(&rate->readings, out);
    } else {
        window_save(&rate->window, out);
    }
}

static bool load(void *state, const struct tile_config *config, const mp_value *value)
{
    struct rate *rate = state;
    return reads_counters(config) ? readings_load(&rate->readings, value)
                                  : window_load(&rate->window, value);
}

const struct fold_type fold_type_rate = {
    .size = sizeof(struct rate),
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
