/* SPDX-License-Identifier: Apache-2.0 */
/*
 * percentile: the values below which 50, 90, 95 and 99 percent of all are, or of those in a sliding
 * window or a period of the calendar; and how many there are. Its state is the window, with all of
 * its values in one sketch (sketch.h).
 *
 * Memory: at most 302 sketches, of 8 bytes for each part in which there are values; 23,041 parts.
 */
#include "ingestor/fold/types/list.h"
#include "ingestor/fold/types/matching.h"
#include "ingestor/fold/types/span.h"
#include "ingestor/fold/types/windowed.h"

static void init(void *state, const struct tile_config *config, wall_time now)
{
    span_init(state, config, TILE_AGGREGATE_P95, now); /* all percentiles keep the same */
    window_keep_whole(state);
}

static void write_data(const void *state, const struct tile_config *config, struct buf *out)
{
    static const struct {
        const char *name;
        unsigned percent;
    } shown[] = {{"p50", 50}, {"p90", 90}, {"p95", 95}, {"p99", 99}};
    const struct window *window = state;
    struct mp_open_map map = mp_open_map(out);
    for (size_t i = 0; i < sizeof shown / sizeof *shown && window->total != 0; i++) {
        const uint64_t place = sketch_place(window->total, shown[i].percent);
        mp_put_text(out, shown[i].name);
        mp_put_number(out, sketch_at(window->whole, place));
        map.count++;
    }
    mp_put_text(out, "count");
    mp_put_uint(out, window->total);
    map.count++;
    if (config->unit != NULL) {
        mp_put_text(out, "unit");
        mp_put_text(out, config->unit);
        map.count++;
    }
    map.count += span_write(window, config, out);
    mp_close_map(out, map);
}

const struct fold_type fold_type_percentile = {
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
