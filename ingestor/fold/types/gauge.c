/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gauge: the latest value of a metric, and the smallest and the largest ever.
 *
 * Saved as [value, min, max, latest_us, latest_id], or nil when nothing was measured yet.
 */
#include "ingestor/fold/rank.h"
#include "ingestor/fold/types/list.h"
#include "ingestor/fold/types/matching.h"

struct gauge {
    bool measured;       /* the metric was measured: what is below means something */
    struct number value; /* the latest value, by (timestamp, id) */
    struct number min;   /* the smallest ever */
    struct number max;   /* the largest ever */
    struct rank latest;  /* of the row that value comes from */
};

static void finish(void *state)
{
    struct gauge *gauge = state;
    rank_free(&gauge->latest);
}

static bool apply(void *state, const struct tile_config *config, int meaning, struct row *row,
                  struct number value, wall_time now)
{
    (void)config;
    (void)meaning;
    (void)now;
    struct gauge *gauge = state;
    const struct event *event = row->event;
    if (!gauge->measured) {
        *gauge = (struct gauge){true, value, value, value, RANK_NONE};
        rank_set(&gauge->latest, event);
        return true;
    }
    const bool lower = number_less(value, gauge->min);
    const bool higher = number_less(gauge->max, value);
    gauge->min = lower ? value : gauge->min;
    gauge->max = higher ? value : gauge->max;
    if (!rank_is_before(&gauge->latest, event)) {
        return lower || higher;
    }
    gauge->value = value;
    rank_set(&gauge->latest, event);
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
    rank_save(&gauge->latest, out);
}

static bool load(void *state, const struct tile_config *config, const mp_value *value)
{
    (void)config;
    struct gauge *gauge = state;
    gauge->measured = !mp_is_nil(value);
    return !gauge->measured ||
           (number_get(mp_at(value, 0), &gauge->value) &&
            number_get(mp_at(value, 1), &gauge->min) && number_get(mp_at(value, 2), &gauge->max) &&
            rank_load(&gauge->latest, value, 3));
}

const struct fold_type fold_type_gauge = {
    .size = sizeof(struct gauge),
    .finish = finish,
    .examine = matching_examine,
    .concerns = matching_concerns,
    .apply = apply,
    .write = write_data,
    .save = save,
    .load = load,
};
