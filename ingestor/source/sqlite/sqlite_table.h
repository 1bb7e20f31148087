/* SPDX-License-Identifier: Apache-2.0 */
/* The events table in SQLite: its columns, and the statements that read it. */
#ifndef INGESTOR_SOURCE_SQLITE_SQLITE_TABLE_H
#define INGESTOR_SOURCE_SQLITE_SQLITE_TABLE_H

#include <stddef.h>

#include "common/base/event_fields.h"
#include "ingestor/source/sqlite/sqlite_state.h"

/* The database's message, behind what was being done. Returns STATUS_IO. */
int sqlite_table_error(const struct sqlite_source *s, const char *doing, struct error *err);

/*
 * Where what is selected has a column of columns.h. Id and timestamp stand behind the event's other
 * fields: asked for first, SQLite would take them out of the index by which it finds the row, and
 * only then go to the row, which has them, too. That takes a seventh more.
 */
enum { SQLITE_TABLE_ID = EVENT_FIELDS - EVENT_TYPE, SQLITE_TABLE_TIMESTAMP, SQLITE_TABLE_TYPE = 0 };
static inline size_t sqlite_table_place(size_t column)
{
    return column < EVENT_FIELDS ? (column + SQLITE_TABLE_ID) % EVENT_FIELDS : column;
}

/* Appends what is selected of each row: the columns of columns.h at their places, of the table `e`.
 * STATUS_NOT_FOUND: the table is missing, or a column that is needed, or `also`, which is one more
 * column that has to be there; err names it. STATUS_IO. */
int sqlite_table_select(struct sqlite_source *s, const char *also, struct buf *columns,
                        struct error *err);

/* The schema that the table is in. */
const char *sqlite_table_schema(const struct config_source *source);

#define SQLITE_TABLE_BAD_IDS_MAX 10000 /* rows; further ones are not even counted */

/*
 * Prepares all statements, for the table as it is now. STATUS_NOT_FOUND: the table is missing, or a
 * column that is needed, or that was read before; err names it. STATUS_INVALID: its ids are no
 * numbers; STATUS_IO.
 */
int sqlite_table_prepare(struct sqlite_source *s, struct error *err);
void sqlite_table_close(struct sqlite_source *s);

/* True when the schema has changed since sqlite_table_prepare, as far as reading rows has noticed.
 */
bool sqlite_table_changed(const struct sqlite_source *s);

/* STATUS_INVALID when the ids are no numbers, and what to do. Else *bad is how many rows have an id
 * that is none, or no number above 0. STATUS_IO. */
int sqlite_table_check_ids(const struct sqlite_source *s, uint64_t *bad, struct error *err);

/* Finds the first of the newest rows, as many as the event log holds, up to the position. *first is
 * 0 when there is none. STATUS_IO. */
int sqlite_table_find_history(const struct sqlite_source *s, int64_t *first, struct error *err);

#endif
