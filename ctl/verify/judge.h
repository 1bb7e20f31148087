/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Judging one tile: comparing what is served with what the oracle says. Pure.
 *
 * A tile says for which position and moment it is true, and which rows are in it (tally.h). So the
 * oracle is asked for exactly these: the rows that had been delivered by that position, and whose
 * timestamps had come at that moment. Nothing has to stand still for that. A tile is settled when
 *   1. it is what these rows give, and
 *   2. it is still that for all rows that were in the table when verifying began, at that moment:
 *      nothing that it should show by now is missing in it. A tile that has been published since
 *      for a later position and moment is.
 * The second may be untrue for a moment (a tile is published at most each min_interval), the first
 * when a row has been committed between two looks; so what is not settled is compared again with
 * the next snapshot, and what is settled stays so.
 *
 * When the tally of the rows that are there is not that of the tile:
 *
 *   the tile has fewer rows, or as many others    it lacks rows that are there: wrong
 *   it has more, and shows what is left           equal
 *   it has more, and shows something else         some are gone: unprovable, unless even these
 *                                                 could not explain it (gone.h): wrong
 */
#ifndef CTL_VERIFY_JUDGE_H
#define CTL_VERIFY_JUDGE_H

#include "ctl/oracle/oracle.h"
#include "ctl/peer/served.h"
#include "ctl/verify/deliveries.h"

/* By how much, relative to their size, numbers may differ that were added up in another order. */
#define VERIFY_TOLERANCE 1e-9

enum verdict {
    VERDICT_EQUAL,
    VERDICT_DIFFERS, /* The tile is not what it has to be as of its own position and time. */
    VERDICT_LACKS,   /* It was not made of all rows that are there. */
    VERDICT_BEHIND,  /* It was right then, but lacks newer rows, or what time has changed since. */
    VERDICT_MISSING, /* The tile is not served. */
    VERDICT_SURPLUS, /* It is served, but no definition or row explains it. */
    VERDICT_STALE,   /* It is right, but marked as stale. */
    VERDICT_UNPROVABLE, /* Nothing about it is wrong, but rows that it was made of are gone. */
    VERDICT_BUILDING,   /* It is being built, so that nothing can be said. */

    /* What shown.h finds. */
    VERDICT_SHOWN_OTHERWISE, /* A gateway shows it in another way than it is served. */
    VERDICT_SHOWN_LATE,      /* A gateway shows another version of it than is served. */
    VERDICT_NOT_SHOWN,       /* It may be seen, and is not shown. */
    VERDICT_EXPOSED,         /* It may not be seen, and is shown. */
};

const char *judge_verdict_name(enum verdict verdict);

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

struct judge;

/* What judging needs besides: memory that is used again. */
struct judge *judge_create(void);
void judge_destroy(struct judge **judge);

void judge_tile(struct judge *judge, const struct judge_case *c, struct judged *out);

#endif
