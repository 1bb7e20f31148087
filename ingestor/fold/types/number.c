/* SPDX-License-Identifier: Apache-2.0 */
/*
 * number: the sum, average, smallest, largest or latest of the values of all rows, or of those in a
 * sliding window or a period of the calendar. Its state is the window, and nothing else.
 *
 * Memory: at most 301 slots of 24 to 48 bytes; those of a sum or an average may have 288 more each.
 */
#include "ingestor/fold/types/list.h"
#include "ingestor/fold/types/matching.h"
#include "ingestor/fold/types/span.h"
#include "ingestor/fold/types/windowed.h"

static void init(void *state, const struct tile_config *config, wall_time now)
{
    span_init(state, config, config->aggregate, now);
}

static void write_data(const void *state, const struct tile_config *config, struct buf *out)
{
    const struct window *window = state;
    struct mp_open_map map = mp_open_map(out);
    struct number value = number_of_real(0); /* the sum of no rows */
    if (window->total != 0 ? span_value(window, &value) : config->aggregate == TILE_AGGREGATE_SUM) {
        mp_put_text(out, "value");
        number_put(out, value);
        map.count++;
    }
    mp_put_text(out, "aggregate");
    mp_put_text(out, tile_aggregate_name(config->aggregate));
    map.count++;
    if (config->unit != NULL) {
        mp_put_text(out, "unit");
        mp_put_text(out, config->unit);
        map.count++;
    }
    map.count += span_write(window, config, out);
    mp_close_map(out, map);
}

const struct fold_type fold_type_number = {
    .size = sizeof(struct window),
    .init = init,
    .finish = windowed_finish,
    .examine = matching_examine,
    .concerns = matching_concerns,
    .apply = windowed_apply,
    .advance = windowed_advance,
    .next = windowed_next,
    .write = write_data,
    .save = windowed_save,
    .load = windowed_load,
    .forgets = span_given,
};
