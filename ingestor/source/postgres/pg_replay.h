/* SPDX-License-Identifier: Apache-2.0 */
/*
 * After a crash or a restart: what was delivered before, again and in the same places.
 *
 *   ids    …──────────┼───────────────────┼──────────┼──────────┼───────►
 *          history    │ rows without      │ record   │ record   │ the present
 *          (event log │ holes: no record  │ n        │ n + 1    │ (pg_poll.c)
 *          alone)     position of the state
 */
#ifndef INGESTOR_SOURCE_POSTGRES_PG_REPLAY_H
#define INGESTOR_SOURCE_POSTGRES_PG_REPLAY_H

#include "ingestor/source/batch.h"
#include "ingestor/source/postgres/pg_state.h"

/* Reads the rows with ids in (after, until], up to max_rows and max_bytes of them, but for those at
 * which the database fails, which `broken` tells of then. *out is the caller's, and may be NULL.
 * STATUS_IO. */
int pg_replay_query(struct postgres_source *s, struct pg_broken *broken, int64_t after,
                    int64_t until, size_t max_rows, size_t max_bytes, PGresult **out,
                    struct error *err);

/* The same of one page, up to max_rows and BATCH_BYTES_MAX; s->broken tells of those at which the
 * database fails. */
int pg_replay_page(struct postgres_source *s, int64_t after, int64_t until, size_t max_rows,
                   PGresult **out, struct error *err);

/* The same of all rows whose ids are in the ranges that begin and end with these, two array
 * literals; s->broken tells of those at which the database fails. */
int pg_replay_ranges(struct postgres_source *s, const char *first_ids, const char *last_ids,
                     int64_t until, PGresult **out, struct error *err);

/* Sets where to begin reading so that the event log is filled again. STATUS_IO. */
int pg_replay_find_history(struct postgres_source *s, struct error *err);

/* The newest rows that were delivered before the state, in their places; in one batch, as many as
 * the event log holds. STATUS_IO. */
int pg_replay_history(struct postgres_source *s, struct batch **out, struct error *err);

/* One batch of the past: the rows up to the next record, which had no holes then, or the record
 * itself. STATUS_IO. */
int pg_replay_record(struct postgres_source *s, const struct pg_record *record, size_t max_rows,
                     struct batch **out, struct error *err);

/* The table is in another file: finds out, by what stands at the ids that were read, whether it is
 * another one than before (pg_rewind.h). STATUS_IO. */
int pg_replay_is_other(struct postgres_source *s, bool *other, struct error *err);

/* Reads those of the listed rows that are still there, in the order of their ids. list: "{1,2,3",
 * an array literal that is not closed; it is freed. STATUS_IO. */
int pg_replay_listed(struct postgres_source *s, struct buf *list, PGresult **out,
                     struct error *err);

#endif
