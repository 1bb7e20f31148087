/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/source/postgres/cursor/pg_cursor_table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/xalloc.h"
#include "common/postgres/pg.h"
#include "common/postgres/pg_pooled.h"
#include "common/program/log.h"
#include "ingestor/source/columns.h"
#include "ingestor/source/postgres/cursor/pg_cursor_key.h"
#include "ingestor/source/postgres/pg_statements.h"

void pg_cursor_table_free(struct pg_cursor_table *table)
{
    for (int shape = 0; shape < PG_CURSOR_SHAPES; shape++) {
        for (int i = 0; i < 2 * PG_CURSOR_STARTS; i++) {
            free(table->ranges[shape][i / 2][i % 2].sql);
        }
    }
    free(table->keys.sql);
    free(table->newest.sql);
}

/* What the database says of one of the cursor's columns. */
struct column {
    struct buf name; /* quoted, with the table's alias */
    struct buf type;
    bool is_time; /* the database sends it in binary */
    bool indexed; /* an index begins with it */
    bool is_view;
    bool escapes; /* a text that UTF-8 may lack characters of */
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
        "a.attnum AND i.indpred IS NULL AND i.indisvalid), c.relkind IN ('v', 'f'), "
        "coalesce(nullif(t.typbasetype, 0), t.oid)::bigint, t.typcategory = 'S' AND "
        "getdatabaseencoding() NOT IN ('UTF8', 'SQL_ASCII') FROM pg_attribute a JOIN pg_class c ON "
        "c.oid = a.attrelid JOIN pg_type t ON t.oid = a.atttypid WHERE a.attrelid = %lld::oid AND "
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
        out->is_time = pg_cursor_sends_time((Oid)strtoul(PQgetvalue(result, 0, 4), NULL, 10));
        out->escapes = PQgetvalue(result, 0, 5)[0] == 't';
    }
    PQclear(result);
    PQfreemem(literal);
    free(sql);
    return status;
}

/* See pg_cursor_table_parameter. */
static void put_parameter(struct buf *sql, const char *parameter, struct column *column)
{
    const char *type = buf_cstr(&column->type);
    if (!column->escapes) {
        buf_printf(sql, "%s::%s", parameter, type);
        return;
    }
    buf_printf(
        sql,
        "(CASE WHEN %s::text LIKE E'\\x01\\x01%%' THEN substr(%s::text, 2) WHEN %s::text LIKE "
        "E'\\x01%%' THEN convert_from(decode(substr(%s::text, 2), 'hex'), "
        "getdatabaseencoding()) ELSE %s::text END)::%s",
        parameter, parameter, parameter, parameter, parameter, type);
}

/* A pair of them, in the key's order. */
static void put_key(struct buf *sql, const char *time_parameter, const char *id_parameter,
                    struct column *time, struct column *id)
{
    buf_append_char(sql, '(');
    put_parameter(sql, time_parameter, time);
    buf_append_text(sql, ", ");
    put_parameter(sql, id_parameter, id);
    buf_append_char(sql, ')');
}

/* A column as PG_CURSOR_ESCAPED has it. */
static void put_escaped(struct buf *sql, const char *place)
{
    buf_printf(sql,
               "CASE WHEN %s::text ~ '[^\\x01-\\x7f]' THEN '\\xff'::bytea ELSE ''::bytea END || "
               "convert_to(%s::text, getdatabaseencoding())",
               place, place);
}

static void put_escaped_key(struct buf *sql, const struct column *time, const struct column *id)
{
    buf_append_text(sql, "SELECT ");
    if (id->escapes) {
        put_escaped(sql, "c1");
    } else {
        buf_append_text(sql, "c1");
    }
    buf_append_text(sql, ", ");
    if (time->escapes) {
        put_escaped(sql, "k1");
    } else {
        buf_printf(sql, "k1%s", time->is_time ? "" : "::text");
    }
}

/* The list of a SELECT from rows that have an order by k1 and k2, which are the key. */
static void put_keyed(struct buf *sql, const char *list, const struct column *time)
{
    buf_printf(sql, "SELECT %s, k1%s", list, time->is_time ? "" : "::text");
}

/* Rows of the table in their order, with a list of columns, and the key behind them. Parameters
 * that a statement does not need are named all the same, for each needs a type. */
static void put_rows(struct buf *sql, struct postgres_source *s, const char *list, int start,
                     bool until, struct column *time, struct column *id)
{
    const char *t = buf_cstr(&time->name);
    const char *i = buf_cstr(&id->name);
    buf_printf(sql, "SELECT %s, %s, %s FROM %s e WHERE ", list, t, i, buf_cstr(&s->table.name));
    switch (start) {
    case PG_CURSOR_BEHIND_KEY:
        buf_printf(sql, "(%s, %s) > ", t, i);
        put_key(sql, "$1", "$2", time, id);
        break;
    case PG_CURSOR_BEHIND_TIME:
        buf_printf(sql, "%s > ", t);
        put_parameter(sql, "$1", time);
        buf_append_text(sql, " AND $2::text IS NULL");
        break;
    default:
        buf_printf(sql, "%s IS NOT NULL AND $1::text IS NULL AND $2::text IS NULL", t);
        break;
    }
    if (until) {
        buf_printf(sql, " AND (%s, %s) <= ", t, i);
        put_key(sql, "$3", "$4", time, id);
    } else {
        buf_append_text(sql, " AND $3::text IS NULL AND $4::text IS NULL");
    }
    buf_printf(sql, " ORDER BY %s, %s LIMIT $5::bigint", t, i);
}

/* See pg_statements.c, which bounds pages of integer ids by the same means. */
static char *range_sql(struct postgres_source *s, int shape, int start, bool until,
                       struct column *time, struct column *id)
{
    const char *places = buf_cstr(&s->table.places);
    const char *bytes = buf_cstr(&s->table.bytes);
    struct buf sql = {0};
    switch (shape) {
    case PG_CURSOR_WHOLE:
        put_keyed(&sql, places, time);
        buf_printf(&sql,
                   " FROM (SELECT q.*, sum(%s) OVER (ORDER BY k1, k2 ROWS BETWEEN UNBOUNDED "
                   "PRECEDING AND 1 PRECEDING) AS bytes_before FROM (",
                   bytes);
        put_rows(&sql, s, buf_cstr(&s->table.columns), start, until, time, id);
        buf_printf(
            &sql, ") q(%s, k1, k2)) w WHERE coalesce(bytes_before, 0) < $6::bigint ORDER BY k1, k2",
            places);
        break;
    case PG_CURSOR_NARROW:
        put_keyed(&sql, buf_cstr(&s->table.narrow), time);
        buf_printf(&sql, ", wide FROM (SELECT q.*, %s > $6::bigint AS wide FROM (", bytes);
        put_rows(&sql, s, buf_cstr(&s->table.plain), start, until, time, id);
        buf_printf(&sql, ") q(%s, k1, k2) OFFSET 0) n ORDER BY k1, k2", places);
        break;
    default:
        if (shape == PG_CURSOR_ESCAPED) {
            put_escaped_key(&sql, time, id);
        } else {
            put_keyed(&sql, "c1", time);
        }
        buf_append_text(&sql, " FROM (");
        put_rows(&sql, s, buf_cstr(&s->table.id_column), start, until, time, id);
        buf_append_text(&sql, ") q(c1, k1, k2) ORDER BY k1, k2");
        break;
    }
    (void)buf_cstr(&sql);
    return buf_take(&sql);
}

/* The limit inside makes the planner go key by key. */
static char *keys_sql(struct postgres_source *s, struct column *time, struct column *id)
{
    const char *t = buf_cstr(&time->name);
    const char *i = buf_cstr(&id->name);
    struct buf sql = {0};
    put_keyed(&sql, buf_cstr(&s->table.places), time);
    buf_printf(&sql,
               ", n FROM (SELECT q.*, sum(%s) OVER (ORDER BY n ROWS BETWEEN UNBOUNDED PRECEDING "
               "AND 1 PRECEDING) AS bytes_before FROM (SELECT r.*, k.n FROM unnest($1::text[], "
               "$2::text[]) WITH ORDINALITY k(t, i, n) CROSS JOIN LATERAL (SELECT %s, %s FROM %s e "
               "WHERE (%s, %s) = ",
               buf_cstr(&s->table.bytes), buf_cstr(&s->table.columns), t, buf_cstr(&s->table.name),
               t, i);
    put_key(&sql, "k.t", "k.i", time, id);
    buf_printf(&sql,
               " LIMIT 1) r(%s, k1)) q) w WHERE coalesce(bytes_before, 0) < $3::bigint ORDER BY n",
               buf_cstr(&s->table.places));
    (void)buf_cstr(&sql);
    return buf_take(&sql);
}

static char *newest_sql(struct postgres_source *s, struct column *time, struct column *id)
{
    const char *t = buf_cstr(&time->name);
    const char *i = buf_cstr(&id->name);
    struct buf sql = {0};
    put_keyed(&sql, "c1", time);
    buf_printf(&sql,
               " FROM (SELECT %s, %s FROM %s e WHERE %s IS NOT NULL AND %s IS NOT NULL ORDER BY "
               "%s DESC, %s DESC LIMIT 1 OFFSET $1::bigint) q(c1, k1)",
               buf_cstr(&s->table.id_column), t, buf_cstr(&s->table.name), t, i, t, i);
    (void)buf_cstr(&sql);
    return buf_take(&sql);
}

/* ---- Running them ---- */

/* A text as it is; one that begins with \x01 has another \x01 before it; and behind one alone are
 * the hex digits of what is escaped. */
void pg_cursor_table_parameter(struct buf *out, struct str part, bool escapes)
{
    static const char hex[] = "0123456789abcdef";
    if (!escapes || part.len == 0 || (part.p[0] != PG_CURSOR_ESCAPE && part.p[0] != '\x01')) {
        buf_append_str(out, part);
        return;
    }
    buf_append_char(out, '\x01');
    if (part.p[0] == '\x01') {
        buf_append_str(out, part);
        return;
    }
    for (size_t i = 1; i < part.len; i++) {
        const unsigned char byte = (unsigned char)part.p[i];
        buf_append_char(out, hex[byte >> 4]);
        buf_append_char(out, hex[byte & 15]);
    }
}

/* NULL when it is prepared. */
static PGresult *prepare(struct postgres_source *s, struct pg_cursor_statement *statement)
{
    PGresult *result = PQprepare(s->db, statement->name, statement->sql, 0, NULL);
    if (PQresultStatus(result) != PGRES_COMMAND_OK) {
        return result;
    }
    PQclear(result);
    statement->prepared = true;
    return NULL;
}

PGresult *pg_cursor_table_run(struct postgres_source *s, struct pg_cursor_statement *statement,
                              const char *const *parameters)
{
    if (s->pooled) {
        return pg_pooled_begin(s->db, pg_pooled_settings_bytes) && pg_statements_send_settings(s) &&
                       PQsendQueryParams(s->db, statement->sql, statement->parameters, NULL,
                                         parameters, NULL, NULL, 1) == 1
                   ? pg_pooled_end(s->db)
                   : NULL;
    }
    PGresult *failed = statement->prepared ? NULL : prepare(s, statement);
    return failed != NULL ? failed
                          : PQexecPrepared(s->db, statement->name, statement->parameters,
                                           parameters, NULL, NULL, 1);
}

bool pg_cursor_table_send(struct postgres_source *s, struct pg_cursor_statement *statement,
                          const char *const *parameters)
{
    return statement->prepared && PQsendQueryPrepared(s->db, statement->name, statement->parameters,
                                                      parameters, NULL, NULL, 1) == 1;
}

PGresult *pg_cursor_table_receive(struct postgres_source *s)
{
    PGresult *last = NULL;
    PGresult *next;
    while ((next = PQgetResult(s->db)) != NULL) {
        PQclear(last);
        last = next;
    }
    return last;
}

/* ---- Describing the table ---- */

/* Columns without an order show when a statement is prepared. */
static int check_order(struct postgres_source *s, struct pg_cursor_statement *statement,
                       struct column *time, struct column *id, struct error *err)
{
    if (s->pooled) {
        return STATUS_OK;
    }
    PGresult *result = prepare(s, statement);
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
    } else if (!statement->prepared) {
        status = pg_error(s->db, result, "cannot read the events table", err);
    }
    PQclear(result);
    return status;
}

static int make_statements(struct pg_cursor_table *table, struct postgres_source *s,
                           struct column *time, struct column *id, struct error *err)
{
    for (int shape = 0; shape < PG_CURSOR_SHAPES; shape++) {
        for (int i = 0; i < 2 * PG_CURSOR_STARTS; i++) {
            struct pg_cursor_statement *statement = &table->ranges[shape][i / 2][i % 2];
            *statement = (struct pg_cursor_statement){
                .sql = range_sql(s, shape, i / 2, i % 2 != 0, time, id),
                .parameters = shape == PG_CURSOR_KEYS || shape == PG_CURSOR_ESCAPED ? 5 : 6};
            snprintf(statement->name, sizeof statement->name, "range_%d_%d", shape, i);
        }
    }
    table->time_escapes = time->escapes;
    table->id_escapes = id->escapes;
    table->keys =
        (struct pg_cursor_statement){.sql = keys_sql(s, time, id), .name = "keys", .parameters = 3};
    table->newest = (struct pg_cursor_statement){
        .sql = newest_sql(s, time, id), .name = "newest", .parameters = 1};
    return check_order(s, &table->ranges[PG_CURSOR_NARROW][PG_CURSOR_BEHIND_KEY][0], time, id, err);
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
