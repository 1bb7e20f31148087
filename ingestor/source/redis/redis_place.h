/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a stream tells of itself, against what was read of it: whether reading can go on where it
 * stands, and if not, from where.
 *
 *   position 9-0, and 120 entries had been added up to there
 *
 *   the stream says                           so
 *   last 9-0, added 120                       nothing is new
 *   last 15-0, added 126, 6 are there         6 are unread, and all of them are there
 *   last 15-0, added 126, first 12-0, 4 there 2 were trimmed before they were read
 *   last 7-0                                  it has lost entries that were read, or is another one
 *   last 15-0, added 5                        it is another one
 *
 * Pure.
 */
#ifndef INGESTOR_SOURCE_REDIS_REDIS_PLACE_H
#define INGESTOR_SOURCE_REDIS_REDIS_PLACE_H

#include "ingestor/source/redis/redis_state.h"

/* What XINFO STREAM says, and what stands where the entry that was verified last stood. */
struct redis_info {
    uint64_t length;       /* entries that are there */
    struct redis_id first; /* zero when there is no entry */
    struct redis_id last;  /* the greatest id that the stream ever had */
    int64_t added;         /* entries ever added; REDIS_ADDED_UNKNOWN before Redis 7 */
    bool any_verified;     /* An entry stands there, */
    uint64_t digest;       /* and it is known by this. */
};

enum redis_verdict {
    REDIS_GO_ON,
    REDIS_MISSED,  /* Entries are gone that were not read: *missed of them. */
    REDIS_COMPARE, /* What was read has to be looked for. */
};

/* Judges, and brings state->added up to date where it can be known. */
enum redis_verdict redis_place_judge(struct redis_state *state, const struct redis_info *info,
                                     uint64_t *missed);

/* ---- Comparing ---- */

/* What of the entries that were read, and verified, is still there. Zero-initialised: nothing was
 * found yet. */
struct redis_found {
    size_t same;                   /* of the anchors, before the first foreign one */
    bool foreign;                  /* Up to the position are entries that were not read. */
    struct redis_id first_foreign; /* the first of them */
    bool older_same;               /* An older entry is there as it was. */
};

/* The least id of the anchors: what is compared begins there. */
struct redis_id redis_place_first(const struct redis_state *state);

/* Takes in an entry that stands between that and the greatest id that was read. They
 * come in the order of their ids. */
void redis_place_find(const struct redis_state *state, struct redis_anchor entry,
                      struct redis_found *found);

enum redis_fate {
    REDIS_SAME,    /* It is the stream that was read. */
    REDIS_SHORTER, /* It is, without the newest entries that were read. */
    REDIS_ANEW,    /* It is another one. */
};

/* Says what the stream is, and behind which id to go on. */
enum redis_fate redis_place_fate(const struct redis_state *state, const struct redis_info *info,
                                 const struct redis_found *found, struct redis_id *position);

#endif
