/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of SQLite become events. */
#ifndef INGESTOR_SOURCE_SQLITE_SQLITE_ROWS_H
#define INGESTOR_SOURCE_SQLITE_SQLITE_ROWS_H

#include "ingestor/source/batch.h"
#include "ingestor/source/sqlite/sqlite_state.h"

/* A column of the statement as a moment; false when it is none. */
bool sqlite_rows_time(sqlite3_stmt *row, int column, const struct zone *zone, wall_time *out);

/* Fills an event, all but id, ordinal and arrival, from a row of the columns that are selected.
 * Returns why the row cannot be used, or UNUSABLE_KINDS. */
enum unusable sqlite_rows_fill(const struct sqlite_source *s, sqlite3_stmt *row,
                               struct batch *batch, struct event *event);

/*
 * Appends the rows with ids in (after, until], at most max_rows; those that cannot be used are
 * counted. Of s it moves the fraction alone. *last is the id of the last one, which is left alone
 * when there was none; *more says that there may be others. STATUS_IO.
 */
int sqlite_rows_read(struct sqlite_source *s, int64_t after, int64_t until, size_t max_rows,
                     struct batch *batch, int64_t *last, bool *more, struct error *err);

/* The newest row with an id up to `until`, as an anchor; its id is 0 when there is none. */
int sqlite_rows_tail(struct sqlite_source *s, int64_t until, struct anchor *out, struct error *err);

/* For the first rows of the table: true when others were there before them, for SQLite gives out
 * ids from 1 on. An empty batch tells nothing, unless rows up to `known` were read before. */
bool sqlite_rows_older_gone(const struct batch *batch, int64_t known);

#endif
