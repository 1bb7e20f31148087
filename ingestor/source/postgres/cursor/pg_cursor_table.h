/* SPDX-License-Identifier: Apache-2.0 */
/* The events table as it is read by `source.cursor`: the statements for it. */
#ifndef INGESTOR_SOURCE_POSTGRES_CURSOR_PG_CURSOR_TABLE_H
#define INGESTOR_SOURCE_POSTGRES_CURSOR_PG_CURSOR_TABLE_H

#include "ingestor/source/postgres/pg_state.h"

/* What comes of each row: the columns of pg_table.columns, or the id alone, and behind them the
 * value of the cursor's column (pg_cursor_key.h). */
enum pg_cursor_shape {
    PG_CURSOR_WHOLE,  /* all columns; as many rows as take $6 bytes */
    PG_CURSOR_NARROW, /* all columns, but no texts of rows that take more than $6 bytes; one more
                         column says whether it does */
    PG_CURSOR_KEYS,
    PG_CURSOR_ESCAPED, /* The same, but texts beyond ASCII are their bytes in the database, behind
                          PG_CURSOR_ESCAPE: also those that cannot be converted to UTF-8. */
    PG_CURSOR_SHAPES
};

/* What a part of a key begins with that is no text, but the bytes of one: no text in UTF-8 does. */
#define PG_CURSOR_ESCAPE '\xff'

/* Where the rows begin. Those of one time that have no id come last, and cannot be gone on from. */
enum pg_cursor_start {
    PG_CURSOR_FIRST,
    PG_CURSOR_BEHIND_KEY,
    PG_CURSOR_BEHIND_TIME,
    PG_CURSOR_STARTS
};

struct pg_cursor_statement {
    char *sql;      /* its text; owned */
    char name[24];  /* in the session */
    int parameters; /* how many parameters it has */
    bool prepared;  /* the session knows it by `name` */
};

struct pg_cursor_table {
    /* The rows in their order, by shape and start, and whether there is an end: $1 and $2 is the
     * key that they are behind, $3 and $4 that up to which, $5 how many. */
    struct pg_cursor_statement ranges[PG_CURSOR_SHAPES][PG_CURSOR_STARTS][2];

    /* The whole rows of the keys that the arrays of texts $1 and $2 list, as many as take $3 bytes;
     * one more column says of which key, counted from 1. */
    struct pg_cursor_statement keys;

    /* The key of the row that $1 others are behind, of those that have one. */
    struct pg_cursor_statement newest;

    bool time_escapes; /* Times are texts that UTF-8 may lack characters of, for the database is of
                          another encoding. */
    bool id_escapes;   /* Ids are such texts. */
};

/* Describes the table of a source that is connected, and makes the statements; says so when there
 * is no index. STATUS_NOT_FOUND: a column is missing; STATUS_INVALID: one cannot be read, or has no
 * order; STATUS_IO. pg_cursor_table_free works after a failure, too. */
int pg_cursor_table_describe(struct pg_cursor_table *table, struct postgres_source *s,
                             struct error *err);
void pg_cursor_table_free(struct pg_cursor_table *table);

/* Writes a part of a key as the statements' parameters have it. escapes: whether it may be escaped,
 * as above. */
void pg_cursor_table_parameter(struct buf *out, struct str part, bool escapes);

/* Runs one of the statements; the result is the caller's. */
PGresult *pg_cursor_table_run(struct postgres_source *s, struct pg_cursor_statement *statement,
                              const char *const *parameters);

/* The same in two steps, for a source that is not pooled. Between them the connection is for
 * nothing else. False when it cannot be sent. */
bool pg_cursor_table_send(struct postgres_source *s, struct pg_cursor_statement *statement,
                          const char *const *parameters);
PGresult *pg_cursor_table_receive(struct postgres_source *s);

/* STATUS_IO when another table has the name now. */
int pg_cursor_table_check(struct postgres_source *s, struct error *err);

#endif
