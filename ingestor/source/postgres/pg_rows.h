/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of PostgreSQL become events. Results have the columns of pg_table.columns, in binary. */
#ifndef INGESTOR_SOURCE_POSTGRES_PG_ROWS_H
#define INGESTOR_SOURCE_POSTGRES_PG_ROWS_H

#include "ingestor/source/batch.h"
#include "ingestor/source/postgres/pg_state.h"

/* The row's id; `row` is below PQntuples(rows), here and below. */
int64_t pg_row_id(const PGresult *rows, int row);

/* The row's timestamp. False when it has none that can be read. */
bool pg_row_time(const struct postgres_source *s, const PGresult *rows, int row, wall_time *out);

/* Fills an event, all but id, ordinal and arrival. Returns why the row cannot be used, or
 * UNUSABLE_KINDS. */
enum unusable pg_row_fill(const struct postgres_source *s, const PGresult *rows, int row,
                          struct batch *batch, struct event *event);

/* Appends the row as an event with that ordinal, or counts it as unusable. */
void pg_row_add(struct postgres_source *s, const PGresult *rows, int row, uint64_t ordinal,
                wall_time now, struct batch *batch);

/*
 * How the next page is read. Mostly rows are so short that `max_rows` of them cannot take
 * BATCH_BYTES_MAX, and the database need not add their lengths up. Where one is longer, it and the
 * pages behind it are read with the sum.
 */
enum pg_statement pg_page_statement(const struct postgres_source *s);

/* What that statement's last parameter has to be for a page of so many rows. */
size_t pg_page_bytes(const struct postgres_source *s, size_t max_rows);

/* Takes note of a page that was read so; `wide` is the column that says so of a row, if there is
 * one more. False: a row is too long, and the page has to be read again, for which there is another
 * statement now. */
bool pg_page_is_whole(struct postgres_source *s, const PGresult *rows, int wide);

/* True when the rows take so many bytes that there may be more of them than the statement gave. */
bool pg_rows_are_full(const PGresult *rows);

#endif
