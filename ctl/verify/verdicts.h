/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The verdicts on all tiles, over one look after the other: what is settled stays so, and what is
 * not is compared again with the next snapshot. judge.h says how one tile is judged.
 */
#ifndef CTL_VERIFY_VERDICTS_H
#define CTL_VERIFY_VERDICTS_H

#include "ctl/verify/judge_case.h"
#include "ctl/verify/shown.h"
#include "ctl/verify/verdict_list.h"

/* What is compared with what. All of it is borrowed. */
struct verdict_comparison {
    const struct oracle_source *source;  /* which the rows come from; NULL: it was read */
    const struct oracle_rows *rows;      /* the rows that the table has */
    const struct served *served;         /* the tiles that are served */
    const struct deliveries *deliveries; /* which rows had been delivered */
    struct shown *shown; /* what a gateway showed right behind the snapshot; NULL: none was asked */
    wall_time began;     /* the moment for which tiles must have been brought up to date */

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

/* How many findings are unprovable, those included that are being built; the others are wrong. */
size_t verdicts_unprovable(const struct verdicts *verdicts);

/* How many tiles are being built. */
size_t verdicts_building(const struct verdicts *verdicts);

/* How many of the unprovable ones another comparison could prove more of: they were not published
 * again since they were found. */
size_t verdicts_open(const struct verdicts *verdicts);

/* How many of the settled tiles hold newer changes back. */
size_t verdicts_held(const struct verdicts *verdicts);

/* The keys of the tiles that are served and that the gateway's client may not see, in no order.
 * Nothing is said of those. */
const char *const *verdicts_unseen(const struct verdicts *verdicts, size_t *count);

/* The definitions that could not be compared; see oracle_members.over_limit. */
const struct tile_config *const *verdicts_skipped(const struct verdicts *verdicts, size_t *count);

#endif
