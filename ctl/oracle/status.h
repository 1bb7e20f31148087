/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The status of a tile, as docs/tiles.md says. How long a condition has held cannot be told from
 * the rows: it depends on when a tile changed. But the tile says itself what waits to change its
 * status, and since when. So a status is right at a moment when
 *
 *   its conditions say the same, and nothing waits;  or
 *   they say otherwise, and that waits, for less than `for` or `clear_after`.
 *
 * Pure.
 */
#ifndef CTL_ORACLE_STATUS_H
#define CTL_ORACLE_STATUS_H

#include "common/base/time/clock.h"
#include "common/codec/mp.h"
#include "common/config/tiles.h"

/* What is known of the rows of a tile whose status is looked at. */
struct oracle_status_rows {
    bool known;       /* False when some are gone: conditions on them are not looked at. */
    wall_time latest; /* the greatest of their timestamps; INT64_MIN if there is none */
};

/* What is wrong with the status of the tile, a map whose `data` is taken as right, at that moment:
 * a sentence that the caller frees. NULL: nothing is. */
char *oracle_status_fault(const struct tile_config *config, const mp_value *tile, wall_time at,
                          const struct oracle_status_rows *rows);

#endif
