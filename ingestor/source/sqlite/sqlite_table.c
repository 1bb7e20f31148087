/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/source/sqlite/sqlite_table.h"

#include <string.h>

#include "ingestor/source/columns.h"

int sqlite_table_error(const struct sqlite_source *s, const char *doing, struct error *err)
{
    return error_set(err, STATUS_IO, "%s: %s: %s", s->config->source.path, doing,
                     sqlite3_errmsg(s->db));
}

const char *sqlite_table_schema(const struct config_source *source)
{
    return source->table_schema != NULL ? source->table_schema : "main";
}

/* Prepares, and frees the text. */
static int prepare(const struct sqlite_source *s, char *sql, sqlite3_stmt **out)
{
    const int result = sqlite3_prepare_v2(s->db, sql, -1, out, NULL);
    sqlite3_free(sql);
    return result;
}

/* ---- Columns ---- */

/*
 * Appends the names of the table's columns, "a, b, c"; it says which of the source's columns are
 * among them, and how the id was declared. SQLite's names are the same in either case. table_info
 * would leave out generated columns; hidden ones (of virtual tables) hold no data.
 */
static int list_columns(const struct sqlite_source *s, struct buf *names, bool *there,
                        struct buf *id_type, struct error *err)
{
    const struct config_source *source = &s->config->source;
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v2(s->db,
                           "SELECT name, type FROM pragma_table_xinfo(?1, ?2) WHERE hidden <> 1",
                           -1, &statement, NULL) != SQLITE_OK) {
        return sqlite_table_error(s, "cannot read the list of columns", err);
    }
    sqlite3_bind_text(statement, 1, source->table, -1, SQLITE_STATIC);
    sqlite3_bind_text(statement, 2, sqlite_table_schema(source), -1, SQLITE_STATIC);
    int step;
    while ((step = sqlite3_step(statement)) == SQLITE_ROW) {
        const char *name = (const char *)sqlite3_column_text(statement, 0);
        const char *type = (const char *)sqlite3_column_text(statement, 1);
        buf_printf(names, "%s%s", names->len != 0 ? ", " : "", name);
        for (size_t i = 0; i < columns_count(source); i++) {
            const struct columns_entry column = columns_at(source, i);
            there[i] |= column.name != NULL && sqlite3_stricmp(column.name, name) == 0;
        }
        if (sqlite3_stricmp(source->columns[EVENT_ID].name, name) == 0 && type != NULL) {
            buf_append_text(id_type, type);
        }
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

static bool has_column(const struct sqlite_source *s, const char *name)
{
    sqlite3_stmt *statement = NULL;
    if (prepare(s,
                sqlite3_mprintf("SELECT 1 FROM pragma_table_xinfo(%Q, %Q) WHERE hidden <> 1 AND "
                                "name = %Q COLLATE NOCASE",
                                s->config->source.table, sqlite_table_schema(&s->config->source),
                                name),
                &statement) != SQLITE_OK) {
        return false;
    }
    const bool has = sqlite3_step(statement) == SQLITE_ROW;
    sqlite3_finalize(statement);
    return has;
}

/* An optional column may be missing, but not from one row to the next. */
static int vanished(const struct config_source *source, const struct columns_entry *column,
                    const char *names, struct error *err)
{
    return error_set(err, STATUS_NOT_FOUND,
                     "table \"%s\" of %s no longer has the column \"%s\" for %s, which was read "
                     "until now; its columns are %s; set source.columns.%s to the one that holds "
                     "it, or to null",
                     source->table, source->path, column->name, column->field, names,
                     column->field);
}

/*
 * Lists what is selected: NULL in the place of a column that may be missing and is. Columns are
 * qualified with the table's alias, for SQLite takes a lone "name" that it does not know for a
 * text.
 */
static int list_selected(struct sqlite_source *s, struct buf *names, const bool *there,
                         struct buf *columns, struct error *err)
{
    const struct config_source *source = &s->config->source;
    const size_t count = columns_count(source);
    const char *selected[EVENT_FIELDS + CONFIG_EXTRAS_MAX] = {NULL};
    uint64_t found = 0;
    for (size_t i = 0; i < count; i++) {
        const struct columns_entry column = columns_at(source, i);
        const uint64_t bit = i < EVENT_FIELDS ? UINT64_C(1) << i : 0;
        if (!there[i] && column.needed) {
            return columns_missing(source, &column, buf_cstr(names), err);
        }
        if (!there[i] && column.name != NULL && (s->columns_read & bit) != 0) {
            return vanished(source, &column, buf_cstr(names), err);
        }
        found |= there[i] ? bit : 0;
        selected[sqlite_table_place(i)] = there[i] ? column.name : NULL;
    }
    for (size_t i = 0; i < count; i++) {
        char *quoted = selected[i] != NULL ? sqlite3_mprintf("e.\"%w\"", selected[i]) : NULL;
        buf_printf(columns, "%s%s", i != 0 ? ", " : "", quoted != NULL ? quoted : "NULL");
        sqlite3_free(quoted);
    }
    s->columns_read = found;
    return STATUS_OK;
}

int sqlite_table_select(struct sqlite_source *s, const char *also, struct buf *columns,
                        struct error *err)
{
    bool there[EVENT_FIELDS + CONFIG_EXTRAS_MAX] = {false};
    struct buf names = {0};
    struct buf id_type = {0};
    int status = list_columns(s, &names, there, &id_type, err);
    if (status == STATUS_OK) {
        status = list_selected(s, &names, there, columns, err);
    }
    if (status == STATUS_OK && !has_column(s, also)) {
        const struct columns_entry cursor = {event_fields[EVENT_TIMESTAMP].name, also, true};
        status = columns_missing(&s->config->source, &cursor, buf_cstr(&names), err);
    }
    buf_free(&names);
    buf_free(&id_type);
    return status;
}

/* ---- Ids ---- */

static int refuse_ids(const struct sqlite_source *s, bool text, struct error *err)
{
    const struct config_source *source = &s->config->source;
    return error_set(err, STATUS_INVALID,
                     "%s: the ids in column \"%s\" of table \"%s\" are %s, but they have to be "
                     "whole numbers that grow with each row, as those of an INTEGER PRIMARY KEY "
                     "do; set source.columns.id to a column that holds such, or write "
                     "source.cursor: [created_at, %s], with the column that rows are in the order "
                     "of, and they are read as they are (docs/sources.md)",
                     source->path, source->columns[EVENT_ID].name, source->table,
                     text ? "text" : "blobs", source->columns[EVENT_ID].name);
}

/* By SQLite's rules of affinity, in their order; all that is written into such a column becomes
 * text, or stays a blob. */
static int check_declared(const struct sqlite_source *s, const char *type, struct error *err)
{
    const bool text = sqlite3_strlike("%char%", type, 0) == 0 ||
                      sqlite3_strlike("%clob%", type, 0) == 0 ||
                      sqlite3_strlike("%text%", type, 0) == 0;
    const bool blob = sqlite3_strlike("%blob%", type, 0) == 0;
    if (sqlite3_strlike("%int%", type, 0) != 0 && (text || blob)) {
        return refuse_ids(s, text, err);
    }
    return STATUS_OK;
}

static bool is_number(int type)
{
    return type == SQLITE_INTEGER || type == SQLITE_FLOAT;
}

/*
 * All ids are text, or blobs, when the least one is. (A column that was declared as UUID is one of
 * numbers for SQLite, but holds any text.) If some only are, these are passed over: text and blobs
 * are greater than all numbers.
 */
int sqlite_table_check_ids(const struct sqlite_source *s, uint64_t *bad, struct error *err)
{
    int step = sqlite3_step(s->least);
    const int type = step == SQLITE_ROW ? sqlite3_column_type(s->least, 0) : SQLITE_NULL;
    sqlite3_reset(s->least);
    if (step != SQLITE_ROW) {
        return sqlite_table_error(s, "cannot read the least id", err);
    }
    if (type != SQLITE_NULL && !is_number(type)) {
        return refuse_ids(s, type == SQLITE_TEXT, err);
    }
    step = sqlite3_step(s->bad_ids);
    *bad = step == SQLITE_ROW ? (uint64_t)sqlite3_column_int64(s->bad_ids, 0) : 0;
    sqlite3_reset(s->bad_ids);
    return step == SQLITE_ROW ? STATUS_OK : sqlite_table_error(s, "cannot read the ids", err);
}

/* ---- Statements ---- */

void sqlite_table_close(struct sqlite_source *s)
{
    sqlite3_stmt **const all[] = {&s->select, &s->tail, &s->least, &s->bad_ids, &s->sequence};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        sqlite3_finalize(*all[i]);
        *all[i] = NULL;
    }
}

struct id_facts {
    bool automatic; /* AUTOINCREMENT */
    bool never_null;
};

/* A view tells nothing of its columns. */
static struct id_facts find_facts(const struct sqlite_source *s)
{
    const struct config_source *source = &s->config->source;
    const char *type = NULL;
    int not_null = 0;
    int primary = 0;
    int automatic = 0;
    if (sqlite3_table_column_metadata(s->db, sqlite_table_schema(source), source->table,
                                      source->columns[EVENT_ID].name, &type, NULL, &not_null,
                                      &primary, &automatic) != SQLITE_OK) {
        return (struct id_facts){false, false};
    }
    const bool rowid = primary != 0 && type != NULL && sqlite3_stricmp(type, "INTEGER") == 0;
    return (struct id_facts){automatic != 0, not_null != 0 || rowid};
}

/* The greatest id that AUTOINCREMENT ever gave. */
static int prepare_sequence(struct sqlite_source *s)
{
    const struct config_source *source = &s->config->source;
    return prepare(s,
                   sqlite3_mprintf("SELECT max(q.seq) FROM \"%w\".sqlite_sequence AS q "
                                   "WHERE q.name = %Q COLLATE NOCASE",
                                   sqlite_table_schema(source), source->table),
                   &s->sequence);
}

/* Three searches in the index: with OR, or asked for NULL, SQLite reads all of a table whose id is
 * its rowid. */
static int prepare_bad_ids(struct sqlite_source *s, bool never_null)
{
    const struct config_source *source = &s->config->source;
    const char *schema = sqlite_table_schema(source);
    const char *id = source->columns[EVENT_ID].name;
    char *null = never_null ? NULL
                            : sqlite3_mprintf("UNION ALL SELECT 1 FROM \"%w\".\"%w\" AS e "
                                              "WHERE e.\"%w\" IS NULL",
                                              schema, source->table, id);
    char *sql = sqlite3_mprintf(
        "SELECT count(*) FROM (SELECT 1 FROM \"%w\".\"%w\" AS e WHERE e.\"%w\" <= 0 "
        "UNION ALL SELECT 1 FROM \"%w\".\"%w\" AS e WHERE e.\"%w\" > 9223372036854775807 "
        "%s LIMIT %d)",
        schema, source->table, id, schema, source->table, id, null != NULL ? null : "",
        SQLITE_TABLE_BAD_IDS_MAX);
    sqlite3_free(null);
    return prepare(s, sql, &s->bad_ids);
}

static int prepare_all(struct sqlite_source *s, const char *columns, struct error *err)
{
    const struct config_source *source = &s->config->source;
    const char *schema = sqlite_table_schema(source);
    const char *id = source->columns[EVENT_ID].name;
    const char *time = source->columns[EVENT_TIMESTAMP].name;
    const char *type = source->columns[EVENT_TYPE].name;
    const char *table = source->table;
    const struct id_facts facts = find_facts(s);
    if (prepare(s,
                sqlite3_mprintf("SELECT %s FROM \"%w\".\"%w\" AS e WHERE e.\"%w\" > ?1 ORDER BY "
                                "e.\"%w\" LIMIT ?2",
                                columns, schema, table, id, id),
                &s->select) != SQLITE_OK ||
        prepare(s,
                sqlite3_mprintf("SELECT e.\"%w\", e.\"%w\", e.\"%w\" FROM \"%w\".\"%w\" AS e WHERE "
                                "e.\"%w\" <= ?1 ORDER BY e.\"%w\" DESC LIMIT 1",
                                id, time, type, schema, table, id, id),
                &s->tail) != SQLITE_OK ||
        prepare(s,
                sqlite3_mprintf("SELECT min(e.\"%w\") FROM \"%w\".\"%w\" AS e", id, schema, table),
                &s->least) != SQLITE_OK ||
        prepare_bad_ids(s, facts.never_null) != SQLITE_OK ||
        (facts.automatic && prepare_sequence(s) != SQLITE_OK)) {
        return sqlite_table_error(s, "cannot read the table", err);
    }
    return STATUS_OK;
}

int sqlite_table_prepare(struct sqlite_source *s, struct error *err)
{
    bool there[EVENT_FIELDS + CONFIG_EXTRAS_MAX] = {false};
    struct buf names = {0};
    struct buf id_type = {0};
    struct buf columns = {0};
    sqlite_table_close(s);
    int status = list_columns(s, &names, there, &id_type, err);
    if (status == STATUS_OK) {
        status = list_selected(s, &names, there, &columns, err);
    }
    if (status == STATUS_OK) {
        status = check_declared(s, buf_cstr(&id_type), err);
    }
    if (status == STATUS_OK) {
        status = prepare_all(s, buf_cstr(&columns), err);
    }
    buf_free(&names);
    buf_free(&id_type);
    buf_free(&columns);
    return status;
}

bool sqlite_table_changed(const struct sqlite_source *s)
{
    return sqlite3_errcode(s->db) == SQLITE_ERROR || /* a column is gone, or the table */
           sqlite3_stmt_status(s->select, SQLITE_STMTSTATUS_REPREPARE, 0) != 0;
}

int sqlite_table_find_history(const struct sqlite_source *s, int64_t *first, struct error *err)
{
    const struct config_source *source = &s->config->source;
    const char *id = source->columns[EVENT_ID].name;
    sqlite3_stmt *statement = NULL;
    int status = STATUS_OK;
    *first = 0;
    if (prepare(s,
                sqlite3_mprintf("SELECT min(i) FROM (SELECT e.\"%w\" AS i FROM \"%w\".\"%w\" AS e "
                                "WHERE e.\"%w\" BETWEEN 1 AND ?1 ORDER BY e.\"%w\" DESC LIMIT ?2)",
                                id, sqlite_table_schema(source), source->table, id, id),
                &statement) == SQLITE_OK) {
        sqlite3_bind_int64(statement, 1, s->position);
        sqlite3_bind_int64(statement, 2, (int64_t)s->config->ingestor.events);
    }
    if (sqlite3_step(statement) != SQLITE_ROW) {
        status = sqlite_table_error(s, "cannot read the newest rows", err);
    } else if (is_number(sqlite3_column_type(statement, 0))) {
        *first = sqlite3_column_int64(statement, 0);
    }
    sqlite3_finalize(statement);
    return status;
}
