/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gauge: the latest value of a metric, and the smallest and the largest ever.
 *
 * Saved as [value, min, max, latest_us, latest_id], or nil when nothing was measured yet.
 */
#include "ingestor/fold/types/list.h"
#include "ingestor/fold/types/matching.h"

struct gauge {
    bool measured;       /* the metric was measured: what is below means something */
    struct number value; /* the latest value, by (timestamp, id) */
    struct number min;   /* the smallest ever */
    struct number max;   /* the largest ever */
    int64_t latest_us;   /* timestamp of the row that value comes from */
    int64_t latest_id;   /* id of that row */
};

static bool apply(void *state, const struct tile_config *config, int meaning, struct row *row,
                  struct number value, wall_time now)
{
    (void)config;
    (void)meaning;
    (void)now;
    struct gauge *gauge = state;
    const struct event *event = row->event;
    const int64_t us = event->timestamp.us;
    if (!gauge->measured) {
        *gauge = (struct gauge){true, value, value, value, us, event->id};
        return true;
    }
    const bool lower = number_less(value, gauge->min);
    const bool higher = number_less(gauge->max, value);
    gauge->min = lower ? value : gauge->min;
    gauge->max = higher ? value : gauge->max;
    if (us < gauge->latest_us || (us == gauge->latest_us && event->id <= gauge->latest_id)) {
        return lower || higher;
    }
    gauge->value = value;
    gauge->latest_us = us;
    gauge->latest_id = event->id;
    return true;
}

static void write_data(const void *state, const struct tile_config *config, struct buf *out)
{
    const struct gauge *gauge = state;
    mp_put_map(out, (gauge->measured ? 3U : 0U) + (config->unit != NULL));
    if (gauge->measured) {
        mp_put_text(out, "value");
        number_put(out, gauge->value);
        mp_put_text(out, "min");
        number_put(out, gauge->min);
        mp_put_text(out, "max");
        number_put(out, gauge->max);
    }
    if (config->unit != NULL) {
        mp_put_text(out, "unit");
        mp_put_text(out, config->unit);
    }
}

static void save(const void *state, const struct tile_config *config, struct buf *out)
{
    (void)config;
    const struct gauge *gauge = state;
    if (!gauge->measured) {
        mp_put_nil(out);
        return;
    }
    mp_put_array(out, 5);
    number_put(out, gauge->value);
    number_put(out, gauge->min);
    number_put(out, gauge->max);
    mp_put_int(out, gauge->latest_us);
    mp_put_int(out, gauge->latest_id);
}

static bool load(void *state, const struct tile_config *config, const mp_value *value)
{
    (void)config;
    struct gauge *gauge = state;
    gauge->measured = !mp_is_nil(value);
    return !gauge->measured ||
           (number_get(mp_at(value, 0), &gauge->value) &&
            number_get(mp_at(value, 1), &gauge->min) && number_get(mp_at(value, 2), &gauge->max) &&
            mp_as_int(mp_at(value, 3), &gauge->latest_us) &&
            mp_as_int(mp_at(value, 4), &gauge->latest_id));
}

const struct fold_type fold_type_gauge = {
    .size = sizeof(struct gauge),
    .examine = matching_examine,
    .concerns = matching_concerns,
    .apply = apply,
    .write = write_data,
    .save = save,
    .load = load,
};
