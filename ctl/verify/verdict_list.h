/* SPDX-License-Identifier: Apache-2.0 */
/* The tiles that a look has not settled, and how many of them are of which kind. */
#ifndef CTL_VERIFY_VERDICT_LIST_H
#define CTL_VERIFY_VERDICT_LIST_H

#include "ctl/verify/judge_case.h"

/* A tile that is not settled. */
struct verdict_finding {
    char *key;            /* of the tile; owned */
    enum verdict verdict; /* what it is */

    /* The tile's position, or the snapshot's when the tile is missing. */
    char position[SERVED_POSITION_SIZE];

    /* The tile's time, or the snapshot's when the tile is missing. */
    wall_time as_of;

    struct tally tally; /* of the tile */
    uint64_t rows_left; /* how many of its rows are there */
    char *reason;       /* Why: the end of a sentence. NULL when the verdict says it all. */
    char *proved;       /* What was proved of an unprovable one, a sentence; NULL: nothing. */

    struct buf expected; /* The value that is right, or that the rows that are there give; empty for
                            VERDICT_SURPLUS and VERDICT_STALE. */
    struct buf got;      /* The value that is served; empty for VERDICT_MISSING. */
};

/* Zeroed memory is empty. */
struct verdict_list {
    struct verdict_finding *findings; /* owned */
    size_t count;                     /* of findings */
    size_t unprovable; /* how many of them are, those included that are being built */
    size_t building;   /* how many are being built */
    size_t open;       /* how many of the unprovable ones another sample could say more of */
};

/* Notes a finding. tile is NULL when it is not served; the position and the time are the snapshot's
 * then. The reason and what was proved are taken over from judged. */
void verdict_list_add(struct verdict_list *list, const char *key, const struct served *served,
                      const struct served_tile *tile, struct judged *judged);

void verdict_list_sort(struct verdict_list *list); /* by key */

void verdict_list_clear(struct verdict_list *list);
void verdict_list_free(struct verdict_list *list);

#endif
