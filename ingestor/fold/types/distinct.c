/* SPDX-License-Identifier: Apache-2.0 */
/*
 * distinct: how many different values a field has, in all rows, or in those of a sliding window or
 * a period of the calendar. Its state is the window, with a census of each slot (census.h); what is
 * shown is all of them together.
 *
 * Whether it is exact depends on the rows alone: if there are more than CENSUS_EXACT_MAX values in
 * a slot, there are in the window.
 *
 * Memory: at most 301 censuses of 8 KB.
 */
#include <stdlib.h>

#include "ingestor/fold/match.h"
#include "ingestor/fold/types/list.h"
#include "ingestor/fold/types/matching.h"
#include "ingestor/fold/types/span.h"
#include "ingestor/fold/types/windowed.h"

static void init(void *state, const struct tile_config *config, wall_time now)
{
    span_init(state, config, TILE_AGGREGATE_DISTINCT, now);
}

/* Says the hash of the value. */
static bool concerns(const struct tile_config *config, int meaning, struct row *row,
                     struct number *says)
{
    char scratch[ROW_SCRATCH];
    struct str value;
    if (!matching_concerns(config, meaning, row, says) ||
        !row_text(row, &config->item, scratch, &value)) {
        return false;
    }
    *says = number_of_real((double)census_hash(value));
    return true;
}

static void write_data(const void *state, const struct tile_config *config, struct buf *out)
{
    const struct window *window = state;
    struct census *all = NULL;
    for (const struct bucket *bucket = window_after(window, INT64_MIN); bucket != NULL;
         bucket = window_after(window, bucket->slot)) {
        census_add_all(&all, bucket->census);
    }
    struct mp_open_map map = mp_open_map(out);
    mp_put_text(out, "value");
    mp_put_uint(out, census_count(all));
    mp_put_text(out, "estimate");
    mp_put_bool(out, census_estimates(all));
    map.count += 2;
    if (config->unit != NULL) {
        mp_put_text(out, "unit");
        mp_put_text(out, config->unit);
        map.count++;
    }
    map.count += span_write(window, config, out);
    mp_close_map(out, map);
    free(all);
}

const struct fold_type fold_type_distinct = {
    .size = sizeof(struct window),
    .init = init,
    .finish = windowed_finish,
    .examine = matching_examine,
    .concerns = concerns,
    .apply = windowed_apply,
    .advance = windowed_advance,
    .next = windowed_next,
    .write = write_data,
    .save = windowed_save,
    .load = windowed_load,
    .forgets = span_given,
};
