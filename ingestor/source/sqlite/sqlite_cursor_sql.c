/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/source/sqlite/sqlite_cursor_sql.h"

#include <sqlite3.h>

#include "ingestor/source/columns.h"
#include "ingestor/source/sqlite/sqlite_table.h"

char *sqlite_cursor_columns(const struct config_source *source, int shape, const char *columns)
{
    if (shape == SQLITE_CURSOR_WHOLE && columns_time_is_known(source)) {
        return sqlite3_mprintf("%s", columns);
    }
    char *id = sqlite3_mprintf("e.\"%w\"", source->columns[EVENT_ID].name);
    char *all = sqlite3_mprintf("%s, e.\"%w\"", shape == SQLITE_CURSOR_WHOLE ? columns : id,
                                source->cursor);
    sqlite3_free(id);
    return all;
}

/* A condition for where rows begin. */
static char *begin(int start, const char *time, const char *id)
{
    switch (start) {
    case SQLITE_CURSOR_BEHIND_KEY:
        return sqlite3_mprintf("(e.\"%w\", e.\"%w\") > (?1, ?2)", time, id);
    case SQLITE_CURSOR_BEHIND_TIME:
        return sqlite3_mprintf("e.\"%w\" >= ?1 AND (e.\"%w\" > ?1 OR e.\"%w\" IS NOT NULL)", time,
                               time, id);
    case SQLITE_CURSOR_OF_TIME:
        return sqlite3_mprintf("e.\"%w\" = ?1 AND e.\"%w\" > ?2", time, id);
    case SQLITE_CURSOR_LATER:
        return sqlite3_mprintf("e.\"%w\" > ?1", time);
    default:
        return sqlite3_mprintf("e.\"%w\" IS NOT NULL", time);
    }
}

char *sqlite_cursor_range(const struct config_source *source, const char *columns, int start,
                          bool until)
{
    const char *time = source->cursor;
    const char *id = source->columns[EVENT_ID].name;
    char *from = begin(start, time, id);
    char *to = until ? sqlite3_mprintf(" AND (e.\"%w\", e.\"%w\") <= (?3, ?4)", time, id)
                     : sqlite3_mprintf("");
    char *sql =
        sqlite3_mprintf("SELECT %s FROM \"%w\".\"%w\" AS e WHERE %s%s ORDER BY "
                        "e.\"%w\", e.\"%w\" LIMIT ?5",
                        columns, sqlite_table_schema(source), source->table, from, to, time, id);
    sqlite3_free(from);
    sqlite3_free(to);
    return sql;
}
