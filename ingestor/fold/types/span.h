/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rows that `window` of a definition lets count (docs/tiles.md), as the slots of a window.h:
 *
 *     window: 5m       a sliding window, in at most 300 slots of at least 100 ms
 *     window: today    one slot, which is the period
 *     none             two slots, which are all of the time before 1970 and all of it since
 */
#ifndef INGESTOR_FOLD_TYPES_SPAN_H
#define INGESTOR_FOLD_TYPES_SPAN_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/buf.h"
#include "ingestor/fold/types/window.h"

/* False when all rows count. */
bool span_given(const struct tile_config *config);

/* The slots of a sliding window. */
struct span_slots {
    int64_t width_us; /* of each */
    uint32_t count;   /* so many cover the window; the last one may reach beyond it */
};

/* window_ms is at least 1. */
struct span_slots span_slots(int64_t window_ms);

/* Makes an empty window of that span, which stands at now. */
void span_init(struct window *window, const struct tile_config *config,
               enum tile_aggregate aggregate, wall_time now);

/* The aggregate of all rows of the window, which has some. False when it is a sum that is beyond
 * all doubles. Takes time for each slot. */
bool span_value(const struct window *window, struct number *out);

/* The same of the slots behind one. False also when none of them has a row. */
bool span_value_after(const struct window *window, int64_t slot, struct number *out);

/* Appends the members of `data` that say what the window is; returns how many. */
uint32_t span_write(const struct window *window, const struct tile_config *config, struct buf *out);

#endif
