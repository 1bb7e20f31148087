/* SPDX-License-Identifier: Apache-2.0 */
/*
 * count: how many rows match, ever, in a sliding window, or in a period of the calendar so far; or
 * the latest value of a metric.
 *
 * Saved as the window, as the number of rows, or as [value, timestamp, id] (nil when nothing was
 * measured yet).
 */
#include "ingestor/fold/types/list.h"
#include "ingestor/fold/types/matching.h"
#include "ingestor/fold/types/span.h"

/* Which members mean something depends on the definition: window with a window, those about a
 * metric with a metric, else ever. */
struct count {
    uint64_t ever; /* rows that matched */
    struct window window;
    bool measured;        /* True once the metric was measured. */
    struct number metric; /* The latest value. Meaningful only when `measured` is true. */
    struct rank latest;   /* Of its row. Meaningful only when `measured` is true. */
};

static void init(void *state, const struct tile_config *config, wall_time now)
{
    struct count *count = state;
    if (span_given(config)) {
        span_init(&count->window, config, TILE_AGGREGATE_COUNT, now);
    }
}

static void finish(void *state)
{
    struct count *count = state;
    window_finish(&count->window);
    rank_free(&count->latest);
}

/* Takes a measurement; false when a later one is known. */
static bool take_metric(struct count *count, const struct event *event, struct number value)
{
    if (count->measured && !rank_is_before(&count->latest, event)) {
        return false;
    }
    count->measured = true;
    count->metric = value;
    rank_set(&count->latest, event);
    return true;
}

static bool apply(void *state, const struct tile_config *config, int meaning, struct row *row,
                  struct number value, wall_time now)
{
    (void)meaning;
    struct count *count = state;
    if (config->metric != NULL) {
        return take_metric(count, row->event, value);
    }
    if (!span_given(config)) {
        count->ever++;
        return true;
    }
    const bool moved = window_advance(&count->window, now);
    return window_add(&count->window, row->event, value) || moved;
}

static bool advance(void *state, const struct tile_config *config, wall_time now)
{
    struct count *count = state;
    return span_given(config) && window_advance(&count->window, now);
}

static wall_time next(const void *state, const struct tile_config *config)
{
    const struct count *count = state;
    return span_given(config) ? window_next(&count->window) : WALL_NEVER;
}

static void write_data(const void *state, const struct tile_config *config, struct buf *out)
{
    const struct count *count = state;
    struct mp_open_map map = mp_open_map(out);
    if (config->metric == NULL) {
        mp_put_text(out, "value");
        mp_put_uint(out, span_given(config) ? count->window.total : count->ever);
        map.count++;
    } else if (count->measured) {
        mp_put_text(out, "value");
        number_put(out, count->metric);
        map.count++;
    }
    map.count += span_write(&count->window, config, out);
    mp_close_map(out, map);
}

static void save(const void *state, const struct tile_config *config, struct buf *out)
{
    const struct count *count = state;
    if (span_given(config)) {
        window_save(&count->window, out);
    } else if (config->metric == NULL) {
        mp_put_uint(out, count->ever);
    } else if (!count->measured) {
        mp_put_nil(out);
    } else {
        mp_put_array(out, 3);
        number_put(out, count->metric);
        rank_save(&count->latest, out);
    }
}

static bool load(void *state, const struct tile_config *config, const mp_value *value)
{
    struct count *count = state;
    if (span_given(config)) {
        return window_load(&count->window, value);
    }
    if (config->metric == NULL) {
        return mp_as_uint(value, &count->ever);
    }
    count->measured = !mp_is_nil(value);
    return !count->measured ||
           (number_get(mp_at(value, 0), &count->metric) && rank_load(&count->latest, value, 1));
}

const struct fold_type fold_type_count = {
    .size = sizeof(struct count),
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
