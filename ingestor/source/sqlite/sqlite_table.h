/* SPDX-License-Identifier: Apache-2.0 */
/* The events table in SQLite: its columns, and the statements that read it. */
#ifndef INGESTOR_SOURCE_SQLITE_SQLITE_TABLE_H
#define INGESTOR_SOURCE_SQLITE_SQLITE_TABLE_H

#include "ingestor/source/sqlite/sqlite_state.h"

/* The database's message, behind what was being done. Returns STATUS_IO. */
int sqlite_table_error(const struct sqlite_source *s, const char *doing, struct error *err);

/* Prepares s->select and s->newest. STATUS_NOT_FOUND: the table or a needed column is missing, and
 * err names it; STATUS_IO. */
int sqlite_table_prepare(struct sqlite_source *s, struct error *err);

/* Finds the first of the newest rows, as many as the event log holds, up to the position. *first is
 * 0 when there is none. STATUS_IO. */
int sqlite_table_find_history(const struct sqlite_source *s, int64_t *first, struct error *err);

#endif
