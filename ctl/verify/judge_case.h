/* SPDX-License-Identifier: Apache-2.0 */
/* What a tile is judged by, and what comes out. judge.h says how. */
#ifndef CTL_VERIFY_JUDGE_CASE_H
#define CTL_VERIFY_JUDGE_CASE_H

#include "ctl/oracle/oracle.h"
#include "ctl/peer/served.h"
#include "ctl/verify/deliveries.h"
#include "ctl/verify/verdict.h"

/* An unprovable tile as it was when it was sampled before: from there on its changes are proved.
 * Zeroed memory is no sample. */
struct judge_sample {
    bool taken;     /* There is a sample. */
    uint64_t begin; /* position of the first sample of all */
    uint64_t rows;  /* how many rows came since, all of which it shows rightly */
    bool followed;  /* True when it was sampled again since the first one, and rightly changed. */

    uint64_t position;   /* of the newest sample, as all that follows */
    wall_time as_of;     /* the moment that the value was true for */
    struct tally tally;  /* of the rows that were in the tile */
    unsigned generation; /* of the order that the position belongs to */
    struct buf value;    /* owned by who keeps the sample */
};

/* A tile, and what it is judged by. All of it is borrowed. */
struct judge_case {
    const struct oracle_members *members; /* the definition, and the rows of all of its tiles */
    const struct oracle_member *member;   /* the rows of this one */
    const struct served_tile *tile;       /* what is served */
    const struct delivery *delivery;      /* which rows had been delivered */
    wall_time snapshot_at;                /* the moment of the snapshot that the tile is of */
    wall_time began;             /* the moment for which tiles must have been brought up to date */
    int64_t patience_ms;         /* a tile that may hold changes back for so long need not be */
    bool allow_stale;            /* True when a stale tile may be right. */
    struct judge_sample *sample; /* of this tile; it is taken, or taken anew, if it is unprovable */
};

/* What comes out. The caller zeroes it before, and frees it with judge_free_judged. */
struct judged {
    enum verdict verdict; /* what the tile is */
    bool held;            /* It is right, but may hold newer changes back. */
    bool open;            /* It is unprovable, and another sample could say more. */
    uint64_t rows_left;   /* how many of the tile's rows are there */
    char *reason;         /* see struct verdict_finding */
    char *proved;         /* what was proved; see struct verdict_finding */
    struct buf expected;  /* what the rows that are there give */
    struct buf shown;     /* what a gateway shows, if that is what is wrong */
};

void judge_free_judged(struct judged *judged);

/* Sets the verdict; the reason, which may be NULL, is taken over. */
void judge_say(struct judged *out, enum verdict verdict, char *reason);

/* The tile's position as a number. */
uint64_t judge_position(const struct served_tile *tile);

static inline uint64_t judge_greater(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static inline wall_time judge_later(wall_time a, wall_time b)
{
    return a.us > b.us ? a : b;
}

/* Values that are compared, parsed. They live as long as the judge. */
struct judge_docs {
    struct mp_doc expected; /* what the rows give */
    struct mp_doc got;      /* what the tile shows */
    struct mp_doc before;   /* what it showed when it was sampled */
};

#endif
