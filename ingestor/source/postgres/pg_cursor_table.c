/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/source/postgres/pg_cursor_table.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/xalloc.h"
#include "common/postgres/pg.h"
#include "common/program/log.h"
#include "ingestor/source/postgres/pg_statements.h"

void pg_cursor_table_free(struct pg_cursor_table *table)
{
    for (int i = 0; i < 8; i++) {
        free(table->ranges[i / 4][i / 2 % 2][i % 2]);
    }
    free(table->one);
}

/* What the database says of one of the cursor's columns. */
struct column {
    struct buf name; /* quoted, with the table's alias */
    struct buf type;
    bool indexed; /* an index begins with it */
    bool is_view;
};

static void free_column(struct column *column)
{
    buf_free(&column->name);
    buf_free(&column->type);
}

static int missing(const struct config_source *source, const char *name, struct error *err)
{
    return error_set(err, STATUS_NOT_FOUND,
                     "table \"%s\" has no column \"%s\" for source.cursor; write the column that "
                     "rows are in the order of, and the one of the id: source.cursor: "
                     "[created_at, id]",
                     source->table, name);
}

static int describe(struct postgres_source *s, const char *name, struct column *out,
                    struct error *err)
{
    char *literal = PQescapeLiteral(s->db, name, strlen(name));
    char *sql = x_asprintf(
        "SELECT format_type(a.atttypid, a.atttypmod), has_column_privilege(a.attrelid, a.attnum, "
        "'SELECT'), EXISTS (SELECT FROM pg_index i WHERE i.indrelid = a.attrelid AND i.indkey[0] = "
        "a.attnum AND i.indpred IS NULL AND i.indisvalid), c.relkind IN ('v', 'f') FROM "
        "pg_attribute a JOIN pg_class c ON c.oid = a.attrelid WHERE a.attrelid = %lld::oid AND "
        "a.attname = %s AND a.attnum > 0 AND NOT a.attisdropped",
        (long long)s->table.oid, literal);
    PGresult *result = NULL;
    int status = pg_query(s->db, sql, &result, "cannot describe the events table", err);
    if (status == STATUS_OK && PQntuples(result) == 0) {
        status = missing(&s->config->source, name, err);
    } else if (status == STATUS_OK && PQgetvalue(result, 0, 1)[0] != 't') {
        status = error_set(err, STATUS_INVALID,
                           "role \"%s\" may not read column \"%s\" of table %s; GRANT SELECT "
                           "(\"%s\") ON %s TO \"%s\"",
                           PQuser(s->db), name, buf_cstr(&s->table.name), name,
                           buf_cstr(&s->table.name), PQuser(s->db));
    } else if (status == STATUS_OK) {
        buf_append_text(&out->name, "e.");
        pg_quote(s->db, &out->name, name);
        buf_append_text(&out->type, PQgetvalue(result, 0, 0));
        out->indexed = PQgetvalue(result, 0, 2)[0] == 't';
        out->is_view = PQgetvalue(result, 0, 3)[0] == 't';
    }
    PQclear(result);
    PQfreemem(literal);
    free(sql);
    return status;
}

/* Parameters that a statement does not need are named all the same, for each needs a type. */
static char *range_sql(struct postgres_source *s, bool keys, bool after, bool until,
                       struct column *time, struct column *id)
{
    const char *t = buf_cstr(&time->name);
    const char *i = buf_cstr(&id->name);
    const char *t_type = buf_cstr(&time->type);
    const char *i_type = buf_cstr(&id->type);
    struct buf sql = {0};
    buf_printf(&sql, "SELECT %s, %s::text, %s::text FROM %s e WHERE ",
               keys ? buf_cstr(&s->table.id_text) : buf_cstr(&s->table.columns), t, i,
               buf_cstr(&s->table.name));
    if (after) {
        buf_printf(&sql, "(%s, %s) > ($1::%s, $2::%s)", t, i, t_type, i_type);
    } else {
        buf_printf(&sql, "%s IS NOT NULL AND $1::text IS NULL AND $2::text IS NULL", t);
    }
    if (until) {
        buf_printf(&sql, " AND (%s, %s) <= ($3::%s, $4::%s)", t, i, t_type, i_type);
    } else {
        buf_append_text(&sql, " AND $3::text IS NULL AND $4::text IS NULL");
    }
    buf_printf(&sql, " ORDER BY %s, %s LIMIT $5::bigint", t, i);
    (void)buf_cstr(&sql);
    return buf_take(&sql);
}

/* Columns without an order show when a statement is prepared. */
static int check_order(struct postgres_source *s, const char *sql, struct column *time,
                       struct column *id, struct error *err)
{
    if (s->pooled) {
        return STATUS_OK;
    }
    PGresult *result = PQprepare(s->db, "cursor_check", sql, 0, NULL);
    const char *code = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    int status = STATUS_OK;
    if (code != NULL && strcmp(code, "42883") == 0) { /* undefined_function */
        status = error_set(err, STATUS_INVALID,
                           "source.cursor: rows of table %s have no order by %s (%s) and %s (%s): "
                           "each has to be of a type that can be compared, such as timestamptz "
                           "and uuid",
                           buf_cstr(&s->table.name), buf_cstr(&time->name) + strlen("e."),
                           buf_cstr(&time->type), buf_cstr(&id->name) + strlen("e."),
                           buf_cstr(&id->type));
    } else if (PQresultStatus(result) != PGRES_COMMAND_OK) {
        status = pg_error(s->db, result, "cannot read the events table", err);
    }
    PQclear(result);
    return status;
}

static int make_statements(struct pg_cursor_table *table, struct postgres_source *s,
                           struct column *time, struct column *id, struct error *err)
{
    for (int i = 0; i < 8; i++) {
        table->ranges[i / 4][i / 2 % 2][i % 2] =
            range_sql(s, i / 4 != 0, i / 2 % 2 != 0, i % 2 != 0, time, id);
    }
    const char *t = buf_cstr(&time->name);
    const char *i = buf_cstr(&id->name);
    table->one =
        x_asprintf("SELECT %s, %s::text, %s::text FROM %s e WHERE %s = $1::%s AND %s = $2::%s "
                   "LIMIT 1",
                   buf_cstr(&s->table.columns), t, i, buf_cstr(&s->table.name), t,
                   buf_cstr(&time->type), i, buf_cstr(&id->type));
    return check_order(s, table->ranges[0][1][1], time, id, err);
}

int pg_cursor_table_describe(struct pg_cursor_table *table, struct postgres_source *s,
                             struct error *err)
{
    const struct config_source *source = &s->config->source;
    struct column time = {.indexed = false};
    struct column id = {.indexed = false};
    int status = describe(s, source->cursor, &time, err);
    if (status == STATUS_OK) {
        status = describe(s, source->columns[EVENT_ID].name, &id, err);
    }
    if (status == STATUS_OK) {
        status = make_statements(table, s, &time, &id, err);
    }
    if (status == STATUS_OK && !time.indexed && !time.is_view) {
        log_warn("table %s has no index for source.cursor, so all of it is sorted at each poll: "
                 "CREATE INDEX ON %s (%s, %s)",
                 buf_cstr(&s->table.name), buf_cstr(&s->table.name),
                 buf_cstr(&time.name) + strlen("e."), buf_cstr(&id.name) + strlen("e."));
    }
    free_column(&time);
    free_column(&id);
    return status;
}

int pg_cursor_table_check(struct postgres_source *s, struct error *err)
{
    const char *const parameters[] = {buf_cstr(&s->table.name)};
    PGresult *result = PQexecParams(s->db, "SELECT coalesce(to_regclass($1)::oid::int, 0)", 1, NULL,
                                    parameters, NULL, NULL, 0);
    int status = STATUS_OK;
    if (PQresultStatus(result) != PGRES_TUPLES_OK) {
        status = pg_error(s->db, result, "cannot look for the events table", err);
    } else if (strtol(PQgetvalue(result, 0, 0), NULL, 10) != s->table.oid) {
        status =
            error_set(err, STATUS_IO, "table %s was dropped or replaced", buf_cstr(&s->table.name));
    }
    PQclear(result);
    return status;
}
