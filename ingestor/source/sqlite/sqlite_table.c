/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/source/sqlite/sqlite_table.h"

#include <string.h>
#include <strings.h>

#include "ingestor/source/columns.h"

int sqlite_table_error(const struct sqlite_source *s, const char *doing, struct error *err)
{
    return error_set(err, STATUS_IO, "%s: %s: %s", s->config->source.path, doing,
                     sqlite3_errmsg(s->db));
}

static const char *schema_of(const struct config_source *source)
{
    return source->table_schema != NULL ? source->table_schema : "main";
}

/* Appends the names of the table's columns: "a, b, c". */
static int list_columns(const struct sqlite_source *s, struct buf *names, struct error *err)
{
    const struct config_source *source = &s->config->source;
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v2(s->db, "SELECT name FROM pragma_table_info(?1, ?2)", -1, &statement,
                           NULL) != SQLITE_OK) {
        return sqlite_table_error(s, "cannot read the list of columns", err);
    }
    sqlite3_bind_text(statement, 1, source->table, -1, SQLITE_STATIC);
    sqlite3_bind_text(statement, 2, schema_of(source), -1, SQLITE_STATIC);
    int step;
    while ((step = sqlite3_step(statement)) == SQLITE_ROW) {
        buf_printf(names, "%s%s", names->len != 0 ? ", " : "",
                   (const char *)sqlite3_column_text(statement, 0));
    }
    sqlite3_finalize(statement);
    if (step != SQLITE_DONE) {
        return sqlite_table_error(s, "cannot read the list of columns", err);
    }
    if (names->len == 0) {
        return error_set(err, STATUS_NOT_FOUND,
                         "%s has no table \"%s\"; create it, or set source.table to the name of "
                         "your events table",
                         source->path, source->table);
    }
    return STATUS_OK;
}

/* True when the column is in that list. SQLite's names are the same in either case. */
static bool has_column(struct buf *names, const char *column)
{
    const size_t len = strlen(column);
    for (const char *p = buf_cstr(names); p != NULL; p = strchr(p, ',')) {
        p += p[0] == ',' ? 2 : 0;
        if (strncasecmp(p, column, len) == 0 && (p[len] == ',' || p[len] == '\0')) {
            return true;
        }
    }
    return false;
}

/* Appends the column to the SELECT; NULL in its place when it may be missing and is. */
static int add_column(const struct sqlite_source *s, struct buf *names,
                      const struct columns_entry *column, struct buf *sql, struct error *err)
{
    const bool there = column->name != NULL && has_column(names, column->name);
    if (!there && column->needed) {
        return columns_missing(&s->config->source, column, buf_cstr(names), err);
    }
    if (sql->len != 0) {
        buf_append_text(sql, ", ");
    }
    if (!there) {
        buf_append_text(sql, "NULL");
        return STATUS_OK;
    }
    char *quoted = sqlite3_mprintf("\"%w\"", column->name);
    buf_append_text(sql, quoted);
    sqlite3_free(quoted);
    return STATUS_OK;
}

static int list_selected(const struct sqlite_source *s, struct buf *names, struct buf *columns,
                         struct error *err)
{
    const struct config_source *source = &s->config->source;
    int status = STATUS_OK;
    for (size_t i = 0; i < columns_count(source) && status == STATUS_OK; i++) {
        const struct columns_entry column = columns_at(source, i);
        status = add_column(s, names, &column, columns, err);
    }
    return status;
}

int sqlite_table_prepare(struct sqlite_source *s, struct error *err)
{
    const struct config_source *source = &s->config->source;
    struct buf names = {0};
    struct buf columns = {0};
    int status = list_columns(s, &names, err);
    if (status == STATUS_OK) {
        status = list_selected(s, &names, &columns, err);
    }
    if (status == STATUS_OK) {
        const char *schema = schema_of(source);
        char *select =
            sqlite3_mprintf("SELECT %s FROM \"%w\".\"%w\" WHERE \"%w\" > ?1 ORDER BY "
                            "\"%w\" LIMIT ?2",
                            buf_cstr(&columns), schema, source->table,
                            source->columns[EVENT_ID].name, source->columns[EVENT_ID].name);
        char *newest = sqlite3_mprintf("SELECT max(\"%w\") FROM \"%w\".\"%w\"",
                                       source->columns[EVENT_ID].name, schema, source->table);
        if (sqlite3_prepare_v2(s->db, select, -1, &s->select, NULL) != SQLITE_OK ||
            sqlite3_prepare_v2(s->db, newest, -1, &s->newest, NULL) != SQLITE_OK) {
            status = sqlite_table_error(s, "cannot read the table", err);
        }
        sqlite3_free(select);
        sqlite3_free(newest);
    }
    buf_free(&names);
    buf_free(&columns);
    return status;
}

int sqlite_table_find_history(const struct sqlite_source *s, int64_t *first, struct error *err)
{
    const struct config_source *source = &s->config->source;
    char *sql = sqlite3_mprintf("SELECT min(i) FROM (SELECT \"%w\" AS i FROM \"%w\".\"%w\" WHERE "
                                "\"%w\" BETWEEN 1 AND ?1 ORDER BY \"%w\" DESC LIMIT ?2)",
                                source->columns[EVENT_ID].name, schema_of(source), source->table,
                                source->columns[EVENT_ID].name, source->columns[EVENT_ID].name);
    sqlite3_stmt *statement = NULL;
    int status = STATUS_OK;
    *first = 0;
    if (sqlite3_prepare_v2(s->db, sql, -1, &statement, NULL) == SQLITE_OK) {
        sqlite3_bind_int64(statement, 1, s->position);
        sqlite3_bind_int64(statement, 2, (int64_t)s->config->ingestor.events);
    }
    if (sqlite3_step(statement) != SQLITE_ROW) {
        status = sqlite_table_error(s, "cannot read the newest rows", err);
    } else if (sqlite3_column_type(statement, 0) == SQLITE_INTEGER) {
        *first = sqlite3_column_int64(statement, 0);
    }
    sqlite3_finalize(statement);
    sqlite3_free(sql);
    return status;
}
