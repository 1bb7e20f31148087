/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which past a server has: whether what was read from it, or written to it, can have been lost
 * since. A standby that was promoted, or a backup that was restored, may lack the newest commits.
 *
 *   the same server, running on        nothing was lost
 *   the same, started again            nothing that had been committed, unless its files were
 *                                      restored from a backup
 *   another timeline or identifier     what came last may be missing
 *
 * Any role may ask for all of it. A hot standby has no timeline of its own.
 */
#ifndef COMMON_POSTGRES_PG_PAST_H
#define COMMON_POSTGRES_PG_PAST_H

#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/base/error.h"

struct pg_past {
    uint64_t system;   /* The identifier of the cluster, made by initdb; 0: unknown. */
    uint64_t timeline; /* Grows with each promotion and each restore to a point in time; 0:
                          unknown, or the server is a hot standby. */
    int64_t started;   /* When the server was started: µs since 1970; 0: unknown. */
    bool standby;      /* It is a hot standby. */
    uint64_t xmax;     /* Transactions from this one on have not begun yet. */
};

/* Asks the server. What it does not tell, some that are offered as a service say, is unknown.
 * STATUS_IO: it does not answer. */
int pg_past_read(PGconn *db, struct pg_past *out, struct error *err);

/* True when the server has run on since: nothing can have been lost. */
bool pg_past_runs_on(const struct pg_past *before, const struct pg_past *now);

/* True when timeline or identifier are known to be others. */
bool pg_past_is_other(const struct pg_past *before, const struct pg_past *now);

/* True when that is so, or when transactions that had begun are still to begin: something may have
 * been lost. */
bool pg_past_is_suspicious(const struct pg_past *before, const struct pg_past *now);

#endif
