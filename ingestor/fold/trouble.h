/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether a tile is in trouble: `ok`, `warn` or `critical`, by the conditions of its definition.
 * Each level is a switch of its own, which follows its conditions late:
 *
 *   condition   ────┐        ┌──────────────────┐   ┌──┐        ┌─────
 *   holds           └─┐      │                  └───┘  └────────┘
 *                            │◄── for_ms ──►│              │◄ clear_ms ►│
 *   level is on                             ┌───────────────────────────┐
 *                     ──────────────────────┘                           └──
 *
 * What is critical is also above warn, so a status goes through all that is between. While a level
 * is on, its thresholds are `margin` easier.
 *
 * The status follows what the tile showed while somebody looked: it is no function of the rows, and
 * is saved with the tile. All its times are whole milliseconds, as they are served.
 */
#ifndef INGESTOR_FOLD_TROUBLE_H
#define INGESTOR_FOLD_TROUBLE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/buf.h"
#include "common/base/time/clock.h"
#include "common/codec/mp.h"
#include "common/config/tiles.h"

/* One level of a tile. */
struct trouble_switch {
    bool on;            /* the status is of this level at least */
    int64_t differs_us; /* since when the conditions say otherwise; 0: they do not */
};

/* Zeroed, it is that of a tile which was never looked at. */
struct trouble {
    bool known;                                  /* It was looked at. */
    struct trouble_switch switches[TILE_LEVELS]; /* by enum tile_level; critical implies warn */
    int64_t since_us;                            /* since when it is as it is */
    int64_t next_us; /* when time alone may change it; INT64_MAX: never. It is not saved. */
};

/* What the tile shows, as its status needs it. */
struct trouble_view {
    /* The figure that the limit is about. False: the tile has none now. */
    bool (*figure)(void *arg, const struct tile_limit *limit, double *out);
    void *arg;        /* of figure */
    wall_time latest; /* the greatest timestamp of its rows */
    wall_time next;   /* when its figures may change without a row; WALL_NEVER: never */
};

enum trouble_change {
    TROUBLE_SAME,   /* nothing that is shown has changed */
    TROUBLE_WAITS,  /* the status is the same; what waits to change it is not */
    TROUBLE_CHANGED /* the status is another */
};

/* Brings the status up to now. */
enum trouble_change trouble_update(struct trouble *trouble,
                                   const struct tile_thresholds *thresholds,
                                   const struct trouble_view *view, wall_time now);

/* The level that the tile is at; -1: all is well. */
int trouble_level(const struct trouble *trouble, const struct tile_thresholds *thresholds);

/* Appends `status`, `status_since` and, while something waits to change it, `status_pending`.
 * Returns the number of members appended. */
size_t trouble_write(const struct trouble *trouble, const struct tile_thresholds *thresholds,
                     struct buf *out);

/* Appends [warn, warn_differs_us, critical, critical_differs_us, since_us], or nil when it was
 * never looked at. */
void trouble_save(const struct trouble *trouble, struct buf *out);

/* Loads what trouble_save wrote; anything else is as if it had never been looked at. */
struct trouble trouble_load(const mp_value *value);

#endif
