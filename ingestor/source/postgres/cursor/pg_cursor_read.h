/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What reading by `source.cursor` asks of a database, of PostgreSQL (cursor_row.h). Pages are
 * bounded in rows and in bytes, and rows at which the database fails are handed out as such: the
 * keys of the page are read without the rest, and halved.
 *
 * While a page is handed out, the database makes the next one:
 *
 *   database   ├ page 1 ┤├ page 2 ┤├ page 3 ┤
 *   here                 ├ page 1 ┤├ page 2 ┤├ page 3 ┤
 *
 * What is committed to a page after it was made is met as a row that is late.
 */
#ifndef INGESTOR_SOURCE_POSTGRES_CURSOR_PG_CURSOR_READ_H
#define INGESTOR_SOURCE_POSTGRES_CURSOR_PG_CURSOR_READ_H

#include "ingestor/source/cursor/cursor_row.h"
#include "ingestor/source/postgres/cursor/pg_cursor_key.h"
#include "ingestor/source/postgres/cursor/pg_cursor_table.h"

struct pg_cursor_reader {
    struct postgres_source *s;        /* borrowed; connected */
    struct pg_cursor_table table;     /* the statements and columns of the table */
    struct pg_cursor_scratch scratch; /* of the row in hand */
    struct error why;                 /* what the database says of a row that it fails at */
    bool bytes;                       /* texts are bytes, of any encoding (pg_take_bytes) */

    /* The page that was asked for, while `asked`: that behind this key. */
    bool asked;
    enum pg_cursor_shape asked_shape; /* how that page is bounded */
    struct buf asked_time;            /* the key's time */
    struct buf asked_id;              /* the key's id */

    /* The row in hand. */
    const PGresult *rows;
    int row; /* its number in `rows` */
};

void pg_cursor_reader_free(struct pg_cursor_reader *reader);

/* Drops what was asked for. The connection may be used for something else then. */
void pg_cursor_reader_settle(struct pg_cursor_reader *reader);

/* cursor_db.scan, find, newest and fill; arg is a reader. */
int pg_cursor_scan(void *arg, const struct cursor_range *range, cursor_take *take, void *take_arg,
                   bool *more, struct error *err);
int pg_cursor_find(void *arg, const struct cursor_key *keys, size_t count, cursor_take *take,
                   void *take_arg, struct error *err);
int pg_cursor_newest(void *arg, size_t behind, wall_time *time, bool *found, struct error *err);
enum unusable pg_cursor_fill(void *arg, struct batch *batch, struct event *event);

#endif
