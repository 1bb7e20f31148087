/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of SQLite become events. */
#ifndef INGESTOR_SOURCE_SQLITE_SQLITE_ROWS_H
#define INGESTOR_SOURCE_SQLITE_SQLITE_ROWS_H

#include "ingestor/source/batch.h"
#include "ingestor/source/sqlite/sqlite_state.h"

/* Appends the rows with ids in (after, until], at most max_rows; those that cannot be used are
 * counted. Moves nothing in s. Returns how many rows there were, and the id of the last one in
 * *last, which is left alone when there was none; -1 on failure. */
int64_t sqlite_rows_read(struct sqlite_source *s, int64_t after, int64_t until, size_t max_rows,
                         struct batch *batch, int64_t *last);

#endif
