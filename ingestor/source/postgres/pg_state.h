/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the parts of the PostgreSQL source share: source_postgres.c (what is delivered in which
 * order, and its state), pg_look.c (a look at the table), pg_rows.c (a row becomes an event),
 * pg_replay.c (after a crash: what was delivered before, again). Used by one thread.
 */
#ifndef INGESTOR_SOURCE_POSTGRES_PG_STATE_H
#define INGESTOR_SOURCE_POSTGRES_PG_STATE_H

#include <libpq-fe.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/error.h"
#include "common/config/config.h"
#include "ingestor/source/anchor.h"
#include "ingestor/source/batch.h"
#include "ingestor/source/postgres/holes.h"
#include "ingestor/source/postgres/order.h"
#include "ingestor/source/postgres/pg_journal.h"
#include "ingestor/source/postgres/pg_table.h"
#include "ingestor/source/rewind.h"
#include "ingestor/source/source.h"
#include "ingestor/source/unusable.h"

struct postgres_source {
    struct source base;
    const struct config *config;
    PGconn *db;
    struct pg_table table;
    uint64_t epoch;
    int64_t position;
    int64_t history_from; /* rows from this one to the position are read again as history; 0: none
                             are */
    uint64_t offset;
    uint64_t last_ordinal;
    uint64_t origin;
    struct holes holes;
    struct order order; /* of the rows that the event log holds */
    uint64_t xmin;      /* of the last snapshot */
    uint64_t xmax;
    int64_t newest; /* greatest id in the last snapshot */
    int64_t file; /* that the table is in; another after TRUNCATE. 0: a view, a partitioned table */
    bool replaced; /* the file was another one before the last look */
    struct rewind_watch rewind;
    struct anchor anchor;
    bool building; /* reading the table for the first time */
    bool looked; /* to the end of the table; until then a look gives a batch even if it is empty */
    bool started_over;
    bool forgot;       /* holes, in the last look: tell with a batch, even if it is empty */
    bool full;         /* the last look gave as many rows as were asked for */
    uint64_t ceiling;  /* ordinals up to it may be in use, as far as the journal knows */
    uint64_t floor;    /* late rows come above it */
    mono_time cold_at; /* when the holes whose fence has passed are looked at next */
    bool cold;         /* they were, in the look under way */
    uint64_t record;   /* number of the last journal record in the state */
    struct pg_look look;
    struct buf journal; /* of the batch under way; empty: none */
    struct pg_journal replay;
    struct buf first_ids; /* the ranges asked for, as array literals */
    struct buf last_ids;
    struct unusable_log unusable;
};

/* The batch's rows are in it: gives it the rest, with the state behind it. Returns the batch. */
struct batch *pg_finish_batch(struct postgres_source *s, struct batch *batch);

/* Remembers the place of the row delivered last, which came late; what follows comes behind it. */
void pg_place_late(struct postgres_source *s, int64_t id);

/* ---- pg_rows.c. A result has the columns of pg_table.columns, in binary ---- */

int64_t pg_row_id(const PGresult *rows, int row);

/* False: none that can be read. */
bool pg_row_time(const struct postgres_source *s, const PGresult *rows, int row, wall_time *out);

/* Appends the row as an event with that ordinal, or counts it as unusable. */
void pg_row_add(struct postgres_source *s, const PGresult *rows, int row, uint64_t ordinal,
                wall_time now, struct batch *batch);

/* The same for a row that this state had not delivered yet, with the last ordinal. */
void pg_row_deliver(struct postgres_source *s, const PGresult *rows, int row, wall_time now,
                    struct batch *batch);

/* ---- pg_look.c ---- */

/* What was seen in one snapshot. The caller clears both. */
struct pg_seen {
    PGresult *rows; /* behind the position */
    PGresult *late; /* in the holes; NULL: not asked for */
};

/* Prepares the statements; the table is described. */
int pg_look_prepare(struct postgres_source *s, struct error *err);

/* Also sets xmin, xmax, newest and cold. On failure the connection is useless: what the pipeline
 * still holds is not worth taking apart. */
int pg_look_take(struct postgres_source *s, size_t max_rows, struct pg_seen *seen,
                 struct error *err);

/* ---- pg_replay.c ---- */

/* Where to begin reading so that the event log is filled again. */
int pg_find_history(struct postgres_source *s, struct error *err);

/* The newest rows that were delivered before the state, in their places; in one batch, as many as
 * the event log holds. */
int pg_read_history(struct postgres_source *s, struct batch **out, struct error *err);

/* Is the table another one than before? By the anchor, after it was seen in another file. */
int pg_is_other(struct postgres_source *s, bool *other, struct error *err);

/* One batch of the past: the rows up to the next record, which had no holes then, or the record
 * itself. */
int pg_replay(struct postgres_source *s, const struct pg_record *record, size_t max_rows,
              struct batch **out, struct error *err);

#endif
