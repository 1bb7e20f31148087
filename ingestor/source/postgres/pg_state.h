/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the parts of the PostgreSQL source share, and its saved form. From the ground: pg_state.c,
 * pg_statements.c, pg_rows.c (a row becomes an event), pg_deliver.c (in which place), pg_poll.c
 * (asks the table), pg_replay.c (after a crash: what was delivered before, again),
 * source_postgres.c (what is delivered). Used by the reader's thread only.
 */
#ifndef INGESTOR_SOURCE_POSTGRES_PG_STATE_H
#define INGESTOR_SOURCE_POSTGRES_PG_STATE_H

#include <libpq-fe.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/config/config.h"
#include "common/postgres/pg_past.h"
#include "ingestor/source/anchor.h"
#include "ingestor/source/anchors.h"
#include "ingestor/source/postgres/holes.h"
#include "ingestor/source/postgres/order.h"
#include "ingestor/source/postgres/pg_broken.h"
#include "ingestor/source/postgres/pg_journal.h"
#include "ingestor/source/postgres/pg_listener.h"
#include "ingestor/source/postgres/pg_rewind.h"
#include "ingestor/source/postgres/pg_table.h"
#include "ingestor/source/source.h"
#include "ingestor/source/unusable.h"

enum pg_statement {
    PG_STATEMENT_SNAPSHOT, /* One row: xmin, xmax, the greatest id, the table's file, whether the
                              table is still the one that was described, and the server's time. $1:
                              the table's name. */
    PG_STATEMENT_ROWS,     /* The rows with ids in ($1, $2], in the order of their ids: at most $3,
                              and up to the one with which they take $4 bytes. */
    PG_STATEMENT_NARROW, /* The same rows, at most $3; but of one that takes more than $4 bytes come
                            no texts. One more column says whether it does. */
    PG_STATEMENT_LATE,   /* The rows with ids in the ranges that begin with $1 and end with $2, two
                            arrays; at most $3 and $4 bytes, in the order of their ids. */
    PG_STATEMENT_HISTORY, /* The smallest id of the newest $2 rows up to id $1, or of as many as
                             take 32 MiB; NULL when there is none. */
    PG_STATEMENTS,
};

/*
 * Where delivery stands.
 *
 *   ids        101 102 [103] 104 105 …          103 came late, when 104 was the newest
 *   ordinals   101 102  105  104 106 …          from 105 on: id + offset, which is 1 now
 */
struct pg_place {
    int64_t position;      /* Rows up to this id were delivered, or are in holes. */
    int64_t unplaced;      /* Rows of ids up to this one, which is 0 at most, were counted: they
                              are unusable and have no place. INT64_MIN: none were. */
    int64_t history_from;  /* Rows from this id to the position are read again as history; 0: none
                              are. */
    uint64_t offset;       /* What rows behind the position have as ordinal: id + offset. */
    uint64_t last_ordinal; /* The greatest ordinal that was given; 0: none was. */
    uint64_t origin;       /* The numbering that the ordinals belong to. */
};

/* What the snapshot of the last poll showed. */
struct pg_snapshot {
    uint64_t xmin;   /* Transactions below it have all ended. */
    uint64_t xmax;   /* Transactions from it on had not begun. */
    uint64_t before; /* The xmax of the poll before; 0: there was none. */
    int64_t newest;  /* The greatest id in the table; 0: it has none above 0. */
    int64_t file;    /* The file that the table is in, which TRUNCATE changes; 0: it is a view, or
                        partitioned. */
    bool replaced;   /* True when it was in another file at the poll before. */
};

/* Which holes are polled. */
struct pg_hole_poll {
    mono_time thorough_at; /* When those whose fence has passed are polled next. */
    bool thorough;         /* True when the poll under way asks for them, too. */
    struct buf first_ids;  /* The first id of each range asked for, as an array literal. */
    struct buf last_ids;   /* The last id of each of these ranges, as an array literal. */
};

/*
 * The journal of the order of delivery (pg_journal.h), and the ordinals that it leaves free.
 *
 *   delivered          … 900 901 902                       on disk: a record with ceiling 66438
 *   after a crash      … 900 901                           row 902 was deleted meanwhile
 *   a late row comes             66439                     above the floor, for 902 was in use
 */
struct pg_journaling {
    uint64_t record;       /* The number of the last record that is in the state. */
    uint64_t ceiling;      /* Ordinals up to it may be in use, as far as the journal knows. */
    uint64_t floor;        /* Late rows get ordinals above it: the ceiling that we opened with. */
    struct buf bytes;      /* The record of the batch under way; empty: it needs none. */
    struct pg_draft draft; /* What goes into that record. */
    struct pg_journal replay; /* The records to be gone through again. */
};

/* What the next batch reports, and whether one is sent although no rows came. */
struct pg_news {
    bool building;     /* The table is read for the first time. */
    bool caught_up;    /* The last poll came to the end of the table. Until one has, each poll gives
                          a batch, even if it is empty. */
    bool full;         /* The last poll gave as many rows as were asked for. */
    bool started_over; /* The table is another one, or its ids begin anew. */
    bool forgot;       /* The last poll forgot holes, so that fewer ids are pending. */
};

struct postgres_source {
    struct source base;              /* first: a struct source is one of these */
    const struct config *config;     /* Borrowed. */
    PGconn *db;                      /* the connection; NULL: away */
    bool pooled;                     /* The connection goes through a pooler. */
    struct pg_listener listener;     /* of source.listen_uri */
    char *statements[PG_STATEMENTS]; /* Their SQL. */
    struct pg_table table;           /* the table's columns, and what is known of it */
    struct pg_place at;              /* where delivery stands */
    struct holes holes;              /* Ids below the position that may still come. */
    struct order order;              /* Places of the rows that the event log holds. */
    struct pg_snapshot snapshot;     /* which transactions were over at the last poll */
    struct pg_hole_poll hole_poll;   /* when missing ids are asked for again */
    struct pg_broken broken;         /* Rows of the last poll at which the database fails. */
    unsigned wide_pages; /* So many pages are still read with PG_STATEMENT_ROWS (pg_rows.h). */
    struct pg_journaling journal; /* what is to be journaled, and what was */
    struct pg_news news;          /* what the next batch has to tell */
    int64_t first_id;        /* The first one that the table's sequence gave; 0: nobody knows. */
    struct pg_rewind rewind; /* what tells that the table has gone back in time */
    struct anchor anchor;    /* the row at the position, by which the table is known again */
    struct anchors anchors;  /* The newest rows that were delivered. */
    struct pg_past past;     /* Of the server that they were read from. */
    bool runs_on;            /* That server has run on since the state was saved. */
    struct unusable_log unusable; /* rows that were passed over, as far as the log has told */
    struct database_clock clock;  /* The server's. */
};

/* Appends the state: [format, position, offset, last ordinal, origin, table oid, holes, record,
 * order, ceiling, file, anchor, unplaced, xmax, system, timeline, started, standby, anchors]. */
void pg_state_save(const struct postgres_source *s, struct buf *out);

/* Continues from a saved state; *oid is the table's. False when it is not one of ours: call
 * pg_state_start_over then. */
bool pg_state_load(struct postgres_source *s, struct str state, int64_t *oid);

/* The table is another one, or was emptied and its ids begin anew: so does everything here. */
void pg_state_start_over(struct postgres_source *s);

/* Frees all but the connection that reads. */
void pg_state_free(struct postgres_source *s);

/* source_ops.state_is_newer */
bool pg_state_is_newer(struct str state);

#endif
