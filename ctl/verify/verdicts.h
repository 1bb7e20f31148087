/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Comparing what is served with what the oracle says. Pure: snapshots and rows in, verdicts out.
 *
 * A tile is settled when
 *   1. it is what the rows up to its own position give at its own moment (its `as_of`), and
 *   2. it is still that for all rows up to the target (the newest row when verifying began), at the
 *      moment of the snapshot: nothing that it should show by now is missing in it.
 * The second may be untrue for a moment (a tile is published at most each min_interval), the first
 * while a snapshot and the rows move; so what is not settled is compared again with the next
 * snapshot, and what is settled stays so. A tile that is missing, or too many, is settled when the
 * rows and the snapshot agree on that.
 */
#ifndef CTL_VERIFY_VERDICTS_H
#define CTL_VERIFY_VERDICTS_H

#include "ctl/oracle/oracle.h"
#include "ctl/peer/served.h"

enum verdict {
    VERDICT_EQUAL,
    VERDICT_DIFFERS, /* The tile is not what it has to be as of its own position and time. */
    VERDICT_BEHIND,  /* It was right then, but lacks newer rows, or what time has changed since. */
    VERDICT_MISSING, /* The tile is not served. */
    VERDICT_SURPLUS, /* It is served, but no definition or row explains it. */
    VERDICT_STALE,   /* It is right, but marked as stale. */
};

const char *verdict_name(enum verdict verdict);

/* A tile that is not settled. Owned by the verdicts. */
struct verdict_finding {
    char *key;
    enum verdict verdict;

    /* The tile's position, or the snapshot's when the tile is missing. */
    char position[SERVED_POSITION_SIZE];

    /* The tile's time, or the snapshot's when the tile is missing. */
    wall_time as_of;

    struct buf expected; /* The value that is right; empty for VERDICT_SURPLUS and VERDICT_STALE. */
    struct buf got;      /* The value that is served; empty for VERDICT_MISSING. */
};

/* What is compared with what. All of it is borrowed. */
struct verdict_comparison {
    const struct oracle_rows *rows;
    const struct served *served;
    int64_t target;  /* id of the row up to which tiles must have been brought */
    uint64_t offset; /* position of a tile minus the id of its last row; 0 when both are the same */

    /* For how long comparing goes on. A tile that may hold changes back for longer, by its
     * min_interval, need not be up to date. */
    int64_t patience_ms;
    bool allow_stale; /* True when a stale tile may be settled. */
};

/* What was found out about each tile, over all comparisons. */
struct verdicts;

struct verdicts *verdicts_create(void);
void verdicts_destroy(struct verdicts **verdicts);

/* Compares all tiles that are not settled yet. Returns how many still are not. Each call is for the
 * same configuration. */
size_t verdicts_compare(struct verdicts *verdicts, const struct verdict_comparison *comparison);

/* The tiles that the last comparison has not settled, sorted by key. Valid until the next one. */
const struct verdict_finding *verdicts_findings(const struct verdicts *verdicts, size_t *count);

/* How many tiles are settled and served. */
size_t verdicts_equal(const struct verdicts *verdicts);

/* How many of these hold newer changes back. */
size_t verdicts_held(const struct verdicts *verdicts);

/* The definitions that could not be compared; see oracle_members.over_limit. */
const struct tile_config *const *verdicts_skipped(const struct verdicts *verdicts, size_t *count);

/* By how much, relative to their size, numbers may differ that were added up in another order. */
#define VERIFY_TOLERANCE 1e-9

#endif
