/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a tile of whose rows some are gone has changed as those rows say that came since; the
 * second half of gone.h. Pure. */
#ifndef CTL_VERIFY_GONE_CHANGE_H
#define CTL_VERIFY_GONE_CHANGE_H

#include "common/base/time/clock.h"
#include "common/codec/mp.h"
#include "common/config/tiles.h"

/* A tile at two moments, and the rows that came in between, all of which are there. All of it is
 * borrowed; the values are whole ones. */
struct gone_change {
    const struct tile_config *tile; /* the definition; borrowed */
    const mp_value *before;         /* what the tile showed at the first moment */
    const mp_value *after;          /* what it shows at the second moment */
    const mp_value *came; /* what the rows that came in between give alone, at the second moment */
    uint64_t rows;        /* how many came */
    wall_time before_at;  /* the first moment: no row that was in the tile then is later */
    wall_time after_at;   /* the second moment */
    wall_time latest;     /* the greatest timestamp of the rows that came */
};

/* True when these rows make, or could make, the second of the first. */
bool gone_change_is_right(const struct gone_change *change);

#endif
