/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether PostgreSQL's table went back in time. Rows that go are no new table, however many they
 * are: an outbox is empty each time that its rows were processed, and its sequence goes on. Ids
 * that are used again are one.
 *
 *   polls   newest  position
 *             104     104
 *               0     104      the rows were deleted: what was read stays a fact
 *             105     104      the ids go on: the same table
 *               3     104      anew, when it was 0 at the poll before and nobody waits for id 3
 *
 * A table in another file was emptied by TRUNCATE, or rewritten (VACUUM FULL). A row that is older
 * than the last poll cannot have come through a TRUNCATE, so it proves a rewrite. Rows up to the
 * position that are all younger prove that the ids were used again. No row proves nothing.
 *
 * Pure, but for the logging.
 */
#ifndef INGESTOR_SOURCE_POSTGRES_PG_REWIND_H
#define INGESTOR_SOURCE_POSTGRES_PG_REWIND_H

#include <stdbool.h>
#include <stdint.h>

#include "ingestor/source/rewind.h"

/* Zero-initialised: nothing seen yet. */
struct pg_rewind {
    int64_t newest;   /* The greatest id at the last poll. */
    int64_t position; /* The position then: with another one the two polls cannot be compared. */
    bool shorter;     /* True when the greatest id was below the position then. */
    bool told_empty;  /* True when the log has said that the table is empty. */
};

/* A poll found `newest` as the greatest id (0: there is no row). waited_for: that id is one of
 * those that are missing. Never REWIND_OTHER. */
enum rewind pg_rewind_seen(struct pg_rewind *watch, int64_t position, int64_t newest,
                           bool waited_for);

/* Logs it, if it is worth a line: for an outbox only the first time that it is empty. */
void pg_rewind_log(struct pg_rewind *watch, enum rewind rewind, const char *table, int64_t position,
                   int64_t newest);

/* True when a row with that xmin was written by a transaction that had begun when a snapshot with
 * that xmax was taken. 0 as xmax: no snapshot is known, so no row is. */
bool pg_rewind_is_older(uint32_t row_xmin, uint64_t snapshot_xmax);

#endif
