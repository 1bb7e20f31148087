/* SPDX-License-Identifier: Apache-2.0 */
/* The events table as PostgreSQL describes it, and the SELECT lists that read it. */
#ifndef INGESTOR_SOURCE_POSTGRES_PG_TABLE_H
#define INGESTOR_SOURCE_POSTGRES_PG_TABLE_H

#include <libpq-fe.h>
#include <stdbool.h>

#include "common/base/buf.h"
#include "common/base/error.h"
#include "common/config/config.h"

#define PG_ROW_BYTES 64 /* what a row is taken to be besides its texts */

struct pg_table {
    struct buf name;      /* quoted */
    struct buf id;        /* quoted name of the id column */
    struct buf id_column; /* with source.cursor: the id of the SELECT, see pg_cursor_key.h */
    struct buf
        columns; /* of the SELECT: id as bigint (with source.cursor id_column), timestamp (with
                    source.cursor NULL, if that is its column), texts as text, extras */
    struct buf places;     /* of the same columns in a subquery: c1, c2 ... */
    struct buf bytes;      /* of a row, of places: PG_ROW_BYTES and the lengths of its texts */
    struct buf plain;      /* as columns, for statements that look at a row's length themselves */
    struct buf narrow;     /* places of a subquery that has `wide` too: no texts of wide rows */
    bool timestamp_binary; /* the timestamp comes as PostgreSQL's µs since 2000; else as text */
    bool timestamp_local;  /* these are local time: the column is `timestamp` without time zone */
    bool id_bytes;         /* with source.cursor: the id is bytea */
    int oid;               /* of the table: it changes when the table is made anew */
};

/* Asks the database for the table. STATUS_NOT_FOUND: the table or a needed column is missing, and
 * err names it. STATUS_INVALID: a needed column may not be read, or the ids are no numbers; err
 * says what to do. STATUS_IO. pg_table_free works after a failure, too. */
int pg_table_describe(PGconn *db, const struct config_source *source, struct pg_table *out,
                      struct error *err);
void pg_table_free(struct pg_table *table);

#endif
