/* SPDX-License-Identifier: Apache-2.0 */
/* The statements that read SQLite by `source.cursor`. The caller frees them with sqlite3_free. */
#ifndef INGESTOR_SOURCE_SQLITE_SQLITE_CURSOR_SQL_H
#define INGESTOR_SOURCE_SQLITE_SQLITE_CURSOR_SQL_H

#include <stdbool.h>

#include "common/config/config.h"

/* What is selected of a row. */
enum { SQLITE_CURSOR_WHOLE, SQLITE_CURSOR_KEYS, SQLITE_CURSOR_SHAPES };

/* Where rows begin. Those of one time that have no id come first, and cannot be gone on from. Those
 * behind a key are those of its time and then all later ones: asked for at once, SQLite would
 * compare each of them with the key once more, though it found them by the index. */
enum {
    SQLITE_CURSOR_FIRST,
    SQLITE_CURSOR_BEHIND_KEY,  /* for a table without an index */
    SQLITE_CURSOR_BEHIND_TIME, /* of that time and later, with an id */
    SQLITE_CURSOR_OF_TIME,     /* of the key's time alone */
    SQLITE_CURSOR_LATER,       /* than the key's time */
    SQLITE_CURSOR_STARTS
};

/* What a shape selects: all columns, or the id alone; and the cursor's column behind them, unless
 * it is among them. */
char *sqlite_cursor_columns(const struct config_source *source, int shape, const char *columns);

/* Rows in their order. ?1 and ?2: the key that they are behind; ?3 and ?4: up to which, with
 * `until`; ?5: how many. */
char *sqlite_cursor_range(const struct config_source *source, const char *columns, int start,
                          bool until);

#endif
