/* SPDX-License-Identifier: Apache-2.0 */
/*
 * top: the largest groups by how many rows they have or by the sum of a field, in all rows, or in
 * those of a sliding window or a period of the calendar; and what all others have together. Its
 * state is the window, with a ranking of each slot (ranking.h); what is shown is all of them
 * together.
 *
 * Where a slot has no counter for a group, what is right of it lies between 0 and the slot's error,
 * and is taken as 0: so all groups and `other` together are exact, and each group is off by at most
 * the errors of all slots together.
 */
#include <stdlib.h>

#include "common/base/xalloc.h"
#include "ingestor/fold/types/list.h"
#include "ingestor/fold/types/matching.h"
#include "ingestor/fold/types/ranking.h"
#include "ingestor/fold/types/span.h"
#include "ingestor/fold/types/windowed.h"

static void init(void *state, const struct tile_config *config, wall_time now)
{
    span_init(state, config, TILE_AGGREGATE_RANKING, now);
}

static bool sums(const struct tile_config *config)
{
    return config->aggregate == TILE_AGGREGATE_SUM;
}

static bool concerns(const struct tile_config *config, int meaning, struct row *row,
                     struct number *value)
{
    char scratch[ROW_SCRATCH];
    struct str group;
    return matching_concerns(config, meaning, row, value) &&
           row_text(row, &config->item, scratch, &group);
}

static bool apply(void *state, const struct tile_config *config, int meaning, struct row *row,
                  struct number value, wall_time now)
{
    (void)meaning;
    char scratch[ROW_SCRATCH];
    struct str group;
    const bool moved = window_advance(state, now);
    struct bucket *bucket = row_text(row, &config->item, scratch, &group)
                                ? window_enter(state, row->event->timestamp)
                                : NULL;
    if (bucket == NULL) {
        return moved;
    }
    if (bucket->ranking == NULL) {
        bucket->ranking = ranking_create(sums(config));
    }
    ranking_add(bucket->ranking, group, value);
    return true;
}

/* Appends what the ranking says; returns how many members that are. */
static uint32_t write_ranking(const struct ranking *all, const struct tile_config *config,
                              struct buf *out)
{
    struct ranking_group *best = x_calloc(config->rows, sizeof *best);
    struct number other;
    const size_t count = ranking_best(all, config->rows, best, &other);
    uint32_t members = 3;
    mp_put_text(out, "top");
    mp_put_map(out, count);
    for (size_t i = 0; i < count; i++) {
        mp_put_str(out, best[i].name);
        number_put(out, best[i].value);
    }
    mp_put_text(out, "other");
    number_put(out, other);
    mp_put_text(out, "approximate");
    mp_put_bool(out, ranking_approximates(all));
    if (count != 0) {
        mp_put_text(out, "largest");
        number_put(out, best[0].value);
        members++;
    }
    if (ranking_approximates(all)) {
        mp_put_text(out, "error");
        number_put(out, number_of_real(ranking_error(all)));
    } else {
        mp_put_text(out, "groups");
        mp_put_uint(out, ranking_count(all));
    }
    free(best);
    return members + 1;
}

static void write_data(const void *state, const struct tile_config *config, struct buf *out)
{
    const struct window *window = state;
    struct ranking *all = ranking_create(sums(config));
    for (const struct bucket *bucket = window_after(window, INT64_MIN); bucket != NULL;
         bucket = window_after(window, bucket->slot)) {
        ranking_add_all(all, bucket->ranking);
    }
    struct mp_open_map map = mp_open_map(out);
    mp_put_text(out, "aggregate");
    mp_put_text(out, tile_aggregate_name(config->aggregate));
    map.count += 1 + write_ranking(all, config, out);
    if (config->unit != NULL) {
        mp_put_text(out, "unit");
        mp_put_text(out, config->unit);
        map.count++;
    }
    map.count += span_write(window, config, out);
    mp_close_map(out, map);
    ranking_destroy(&all);
}

static bool load(void *state, const struct tile_config *config, const mp_value *value)
{
    const struct window *window = state;
    bool fits = windowed_load(state, config, value) && window->future_count == 0;
    for (const struct bucket *bucket = fits ? window_after(window, INT64_MIN) : NULL;
         bucket != NULL; bucket = window_after(window, bucket->slot)) {
        fits = fits && ranking_sums(bucket->ranking) == sums(config);
    }
    return fits;
}

const struct fold_type fold_type_top = {
    .size = sizeof(struct window),
    .init = init,
    .finish = windowed_finish,
    .examine = matching_examine,
    .concerns = concerns,
    .apply = apply,
    .advance = windowed_advance,
    .next = windowed_next,
    .write = write_data,
    .save = windowed_save,
    .load = load,
    .forgets = span_given,
};
