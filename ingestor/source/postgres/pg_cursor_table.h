/* SPDX-License-Identifier: Apache-2.0 */
/* The events table as it is read by `source.cursor`: the statements for it. */
#ifndef INGESTOR_SOURCE_POSTGRES_PG_CURSOR_TABLE_H
#define INGESTOR_SOURCE_POSTGRES_PG_CURSOR_TABLE_H

#include "ingestor/source/postgres/pg_state.h"

/* Rows have the columns of pg_table.columns, or the id's text alone, and behind them the two values
 * of the cursor as texts. */
struct pg_cursor_table {
    /* By shape (0: whole rows, 1: keys alone), and whether there is an end at either side: $1 and
     * $2 is the key that they are behind, $3 and $4 that up to which, $5 how many. */
    char *ranges[2][2][2];
    char *one; /* the row with the key $1, $2 */
};

/* Describes the table of a source that is connected, and makes the statements; says so when there
 * is no index. STATUS_NOT_FOUND: a column is missing; STATUS_INVALID: one cannot be read, or has no
 * order; STATUS_IO. pg_cursor_table_free works after a failure, too. */
int pg_cursor_table_describe(struct pg_cursor_table *table, struct postgres_source *s,
                             struct error *err);
void pg_cursor_table_free(struct pg_cursor_table *table);

/* STATUS_IO when another table has the name now. */
int pg_cursor_table_check(struct postgres_source *s, struct error *err);

#endif
