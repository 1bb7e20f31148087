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
#ifndef CTL_VERIFY_VERDICT_H
#define CTL_VERIFY_VERDICT_H

#include "ctl/oracle/oracle.h"
#include "ctl/peer/served.h"

enum verdict {
    VERDICT_EQUAL,
    VERDICT_DIFFERS, /* from what it has to be as of its own position and time */
    VERDICT_BEHIND,  /* right as of then, but newer rows or the time since have not changed it */
    VERDICT_MISSING, /* not served */
    VERDICT_SURPLUS, /* served, but no definition or row explains it */
    VERDICT_STALE,
};

const char *verdict_name(enum verdict verdict);

struct verdict_finding {
    char *key;
    enum verdict verdict;
    char position[64];
    wall_time as_of;
    struct buf expected; /* MessagePack; empty for VERDICT_SURPLUS and VERDICT_STALE */
    struct buf got;      /* empty for VERDICT_MISSING */
};

struct verdict_comparison {
    const struct oracle_rows *rows;
    const struct served *served;
    int64_t target;      /* id of the row up to which tiles must have been brought */
    uint64_t offset;     /* position of a tile minus id of its last row (PostgreSQL; else 0) */
    int64_t patience_ms; /* for how long comparing goes on: a tile that may hold changes back for
                            longer (its min_interval) need not be up to date */
    bool allow_stale;
};

struct verdicts;

struct verdicts *verdicts_create(void);
void verdicts_destroy(struct verdicts **verdicts);

/* Compares all that is not settled yet. Returns how many tiles are still not. */
size_t verdicts_compare(struct verdicts *verdicts, const struct verdict_comparison *comparison);

/* Of the last comparison: what is not settled, sorted by key. */
const struct verdict_finding *verdicts_findings(const struct verdicts *verdicts, size_t *count);

size_t verdicts_equal(const struct verdicts *verdicts); /* tiles settled and served */
size_t verdicts_held(const struct verdicts *verdicts);  /* of these, with newer changes held back */

/* Definitions that could not be compared: see oracle_members.over_limit. */
const struct tile_config *const *verdicts_skipped(const struct verdicts *verdicts, size_t *count);

#define VERIFY_TOLERANCE 1e-9

#endif
