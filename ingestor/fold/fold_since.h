/* SPDX-License-Identifier: Apache-2.0 */
/* The point since which a tile counts: what it says of itself beside its data (docs/tiles.md). */
#ifndef INGESTOR_FOLD_FOLD_SINCE_H
#define INGESTOR_FOLD_FOLD_SINCE_H

#include <stdbool.h>

#include "common/base/time/clock.h"
#include "common/store/event.h"

#define FOLD_POSITION_SIZE 256 /* with the NUL; a longer id is cut */

struct fold_since {
    bool known;                        /* False: a version that did not note it made the tile. */
    char position[FOLD_POSITION_SIZE]; /* the id of the first row; "0": there was none */
    wall_time time;                    /* its timestamp; or when there was none */
};

/* Since that row. */
struct fold_since fold_since_row(const struct event *event);

#endif
