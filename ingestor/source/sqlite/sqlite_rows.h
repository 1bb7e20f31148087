/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of SQLite become events. */
#ifndef INGESTOR_SOURCE_SQLITE_SQLITE_ROWS_H
#define INGESTOR_SOURCE_SQLITE_SQLITE_ROWS_H

#include "ingestor/source/batch.h"
#include "ingestor/source/sqlite/sqlite_state.h"

/*
 * Appends the rows with ids in (after, until], at most max_rows; those that cannot be used are
 * counted. Of s it moves the fraction alone. *last is the id of the last one, which is left alone
 * when there was none; *more says that there may be others. STATUS_IO.
 */
int sqlite_rows_read(struct sqlite_source *s, int64_t after, int64_t until, size_t max_rows,
                     struct batch *batch, int64_t *last, bool *more, struct error *err);

/* The newest row with an id up to `until`, as an anchor; its id is 0 when there is none. */
int sqlite_rows_tail(struct sqlite_source *s, int64_t until, struct anchor *out, struct error *err);

#endif
