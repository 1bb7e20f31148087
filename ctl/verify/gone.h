/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What can be proved of a tile of whose rows some are gone from the table.
 *
 *   first   A tile whose difference no rows could make, or not so few as are gone, is wrong: a
 *           count below the rows that are left, a bucket that has more than are missing, a minimum
 *           above a value that is there, …
 *   second  The tile as it was found first is taken as given. From there on it has to change as the
 *           rows say that were delivered since, if these are there (gone_change.h).
 *
 * The rules of each type follow from docs/tiles.md. Pure.
 */
#ifndef CTL_VERIFY_GONE_H
#define CTL_VERIFY_GONE_H

#include "common/base/time/clock.h"
#include "common/codec/mp.h"
#include "common/config/tiles.h"
#include "common/wire/tally.h"

/* A tile and what is left of its rows. All of it is borrowed; the values are whole ones. */
struct gone_state {
    const struct tile_config *tile; /* the definition; borrowed */
    const mp_value *left;           /* what the rows that are left give */
    const mp_value *got;            /* what the tile shows */
    uint64_t rows_left;             /* how many rows are left */
    struct tally tally; /* of the tile; when it is not known, any number of rows may be gone */
};

/* True when rows that are gone could make the tile what it is. */
bool gone_explains(const struct gone_state *state);

#endif
