/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers for names that come and go, as a matcher wants them (matcher.h): small places, which are
 * given away again, each time with another `use`. An all-zero struct has given none.
 *
 *   take ─► {0,0}   take ─► {1,0}   give back {0,0}   take ─► {0,1}
 */
#ifndef COMMON_BASE_MATCH_NUMBERING_H
#define COMMON_BASE_MATCH_NUMBERING_H

#include <stddef.h>
#include <stdint.h>

#include "common/base/match/matcher.h"

struct numbering {
    uint32_t *uses;   /* By place: how often it was given back. Owned. */
    uint32_t *unused; /* The places that were given back; the last one is given away next. Owned. */
    size_t count;     /* The places that were given away so far. */
    size_t unused_count; /* How many places are in `unused`. */
    size_t cap;          /* The places that both arrays have memory for. */
};

struct name_number numbering_take(struct numbering *numbering);

/* Each number that was taken may be given back once. */
void numbering_give_back(struct numbering *numbering, struct name_number number);

void numbering_free(struct numbering *numbering);

#endif
