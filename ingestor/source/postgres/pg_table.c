/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/source/postgres/pg_table.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/postgres/pg.h"
#include "common/program/log.h"
#include "ingestor/source/batch.h"
#include "ingestor/source/columns.h"
#include "ingestor/source/postgres/cursor/pg_cursor_key.h"
#include "ingestor/source/postgres/pg_value.h"

/* Types of which ids may be, as numbers in the order of their values. */
#define OID_INT8 20
#define OID_INT2 21
#define OID_INT4 23
#define OID_OID 26
#define OID_FLOAT4 700
#define OID_FLOAT8 701
#define OID_NUMERIC 1700

/* Bytes of a stored value, of jsonb say, from which on it is not made a text of. */
#define STORED_MAX (16 << 20)

/* A text that is longer than BATCH_TEXT_MAX. It is made for each plan, used or not, in as many
 * steps as a repeat() has: 5 ms for a million of them. */
#define TOO_LONG "repeat(repeat('x', 1024), 1025)"
static_assert(BATCH_TEXT_MAX < 1024 * 1025, "so long is TOO_LONG");

void pg_table_free(struct pg_table *table)
{
    buf_free(&table->name);
    buf_free(&table->id);
    buf_free(&table->id_column);
    buf_free(&table->columns);
    buf_free(&table->places);
    buf_free(&table->bytes);
    buf_free(&table->plain);
    buf_free(&table->narrow);
}

/* What the database says of the table's columns. */
struct described {
    PGconn *db;
    const struct config_source *source;
    PGresult *columns; /* One row each: name, "t" if we may read it, and the name of its type. */
    PGresult *types;   /* No row; those of our columns that the table has and that we may read. */
};

enum { COLUMN_NAME, COLUMN_READABLE, COLUMN_TYPE };

static int missing_column(const struct described *d, const struct columns_entry *column,
                          struct error *err)
{
    struct buf names = {0};
    for (int i = 0; i < PQntuples(d->columns); i++) {
        buf_printf(&names, "%s%s", i != 0 ? ", " : "", PQgetvalue(d->columns, i, COLUMN_NAME));
    }
    const int status = columns_missing(d->source, column, buf_cstr(&names), err);
    buf_free(&names);
    return status;
}

/* Where the column is among those of the table; -1 when the table has none of that name. */
static int find_column(const struct described *d, const char *name)
{
    for (int i = 0; name != NULL && i < PQntuples(d->columns); i++) {
        if (strcmp(PQgetvalue(d->columns, i, COLUMN_NAME), name) == 0) {
            return i;
        }
    }
    return -1;
}

static bool is_readable(const struct described *d, int at)
{
    return strcmp(PQgetvalue(d->columns, at, COLUMN_READABLE), "t") == 0;
}

/* The column's type, without the domains around it; 0 when it cannot be read. */
static Oid type_of(const struct described *d, const char *name)
{
    for (int i = 0; i < PQnfields(d->types); i++) {
        if (strcmp(PQfname(d->types, i), name) == 0) {
            return PQftype(d->types, i);
        }
    }
    return 0;
}

static int check_id_type(const struct described *d, const char *name, struct error *err)
{
    switch (type_of(d, name)) {
    case OID_INT8:
    case OID_INT2:
    case OID_INT4:
    case OID_OID:
    case OID_FLOAT4:
    case OID_FLOAT8:
    case OID_NUMERIC:
        return STATUS_OK;
    default:
        return error_set(
            err, STATUS_INVALID,
            "column \"%s\" of table \"%s\" is of type %s, but ids must be whole numbers that grow "
            "with each row; write source.cursor: [created_at, %s], with the column that rows are "
            "in the order of, and they are read as they are; or add a column that grows (ALTER "
            "TABLE ... ADD COLUMN seq bigint GENERATED ALWAYS AS IDENTITY UNIQUE), and set "
            "source.columns.id to its name",
            name, d->source->table, PQgetvalue(d->columns, find_column(d, name), COLUMN_TYPE),
            name);
    }
}

/* A column that is read as text. Of one that is too long to be used no more is sent than shows
 * that. The length of what is no text yet is only known as it is stored; a text within the bound
 * never takes so much. */
static void add_text(struct pg_table *out, size_t index, const char *name, bool is_text)
{
    if (is_text) {
        buf_printf(&out->columns, "CASE WHEN octet_length(%s) > %d THEN left(%s, %d) ELSE %s END",
                   name, BATCH_TEXT_MAX, name, BATCH_TEXT_MAX + 1, name);
        buf_append_text(&out->plain, name);
    } else {
        const size_t at = out->columns.len;
        buf_printf(&out->columns,
                   "CASE WHEN pg_column_size(%s) > %d THEN " TOO_LONG " ELSE %s::text END", name,
                   STORED_MAX, name);
        buf_append_text(&out->plain, buf_cstr(&out->columns) + at);
    }
    buf_printf(&out->bytes, " + coalesce(octet_length(c%zu), 0)", index + 1);
    buf_printf(&out->narrow, "CASE WHEN wide THEN NULL ELSE c%zu END", index + 1);
}

/* A column that is short whatever it says. */
static void add_short(struct pg_table *out, size_t index, const char *sql)
{
    buf_append_text(&out->columns, sql);
    buf_append_text(&out->plain, sql);
    buf_printf(&out->narrow, "c%zu", index + 1);
}

/* An id of any type that has a text. */
static void add_text_id(const struct described *d, const char *name, Oid type, struct pg_table *out)
{
    pg_quote(d->db, &out->id, name);
    buf_printf(&out->id_column, "e.%s%s", buf_cstr(&out->id),
               pg_cursor_sends_id(type) ? "" : "::text");
    add_short(out, EVENT_ID, buf_cstr(&out->id_column));
    out->id_bytes = type == PG_OID_BYTEA;
}

static int add_column(const struct described *d, size_t index, struct pg_table *out,
                      struct error *err)
{
    const struct columns_entry wanted = columns_at(d->source, index);
    const int at = find_column(d, wanted.name);
    const char *comma = index != 0 ? ", " : "";
    buf_append_text(&out->columns, comma);
    buf_append_text(&out->plain, comma);
    buf_append_text(&out->narrow, comma);
    buf_printf(&out->places, "%sc%zu", comma, index + 1);
    if (at < 0 || !is_readable(d, at) ||
        (index == EVENT_TIMESTAMP && columns_time_is_known(d->source))) {
        add_short(out, index, "NULL::text");
        return STATUS_OK;
    }
    const Oid type = type_of(d, wanted.name);
    if (index == EVENT_ID && d->source->cursor != NULL) {
        add_text_id(d, wanted.name, type, out);
        return STATUS_OK;
    }
    /* Qualified with the table's alias: the lists are used in joins. */
    struct buf name = {0};
    buf_append_text(&name, "e.");
    pg_quote(d->db, &name, wanted.name);
    int status = STATUS_OK;
    if (index == EVENT_ID) {
        struct buf id = {0};
        buf_printf(&id, "%s::bigint", buf_cstr(&name));
        add_short(out, index, buf_cstr(&id));
        buf_free(&id);
        pg_quote(d->db, &out->id, wanted.name);
        status = check_id_type(d, wanted.name, err);
    } else if (index == EVENT_TIMESTAMP &&
               (type == PG_OID_TIMESTAMP || type == PG_OID_TIMESTAMPTZ)) {
        out->timestamp_binary = true;
        out->timestamp_local = type == PG_OID_TIMESTAMP;
        add_short(out, index, buf_cstr(&name));
    } else {
        add_text(out, index, buf_cstr(&name), type == PG_OID_TEXT || type == PG_OID_VARCHAR);
    }
    buf_free(&name);
    return status;
}

/* Which of our columns the table has, and whether we may read them: those that are needed we must.
 */
static int check_columns(const struct described *d, struct buf *readable, struct error *err)
{
    struct buf denied = {0};
    int status = STATUS_OK;
    for (size_t i = 0; i < columns_count(d->source) && status == STATUS_OK; i++) {
        const struct columns_entry wanted = columns_at(d->source, i);
        const int at = find_column(d, wanted.name);
        if (at < 0) {
            status = wanted.needed ? missing_column(d, &wanted, err) : STATUS_OK;
        } else if (is_readable(d, at) || wanted.needed) {
            struct buf *list = is_readable(d, at) ? readable : &denied;
            buf_append_text(list, list->len != 0 ? ", " : "");
            pg_quote(d->db, list, wanted.name);
        } else {
            log_info("role \"%s\" may not read column \"%s\" of table \"%s\", which is taken as "
                     "missing",
                     PQuser(d->db), wanted.name, d->source->table);
        }
    }
    if (status == STATUS_OK && denied.len != 0) {
        struct buf table = {0};
        pg_quote_table(d->db, &table, d->source);
        status = error_set(err, STATUS_INVALID,
                           "role \"%s\" may not read %s of table %s; GRANT SELECT (%s) ON %s TO "
                           "\"%s\"",
                           PQuser(d->db), buf_cstr(&denied), buf_cstr(&table), buf_cstr(&denied),
                           buf_cstr(&table), PQuser(d->db));
        buf_free(&table);
    }
    buf_free(&denied);
    return status;
}

/* Only columns that are needed are named, so that rights on those are enough. */
static int describe_columns(struct described *d, struct pg_table *out, struct error *err)
{
    struct buf sql = {0};
    struct buf readable = {0};
    buf_printf(&sql,
               "SELECT attname, has_column_privilege(attrelid, attnum, 'SELECT'), "
               "format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = %lld::oid AND "
               "attnum > 0 AND NOT attisdropped ORDER BY attnum",
               (long long)out->oid);
    int status =
        pg_query(d->db, buf_cstr(&sql), &d->columns, "cannot describe the events table", err);
    if (status == STATUS_OK) {
        status = check_columns(d, &readable, err);
    }
    if (status == STATUS_OK) {
        buf_clear(&sql);
        buf_printf(&sql, "SELECT %s FROM %s LIMIT 0", buf_cstr(&readable), buf_cstr(&out->name));
        status = pg_query(d->db, buf_cstr(&sql), &d->types, "cannot read the events table", err);
    }
    for (size_t i = 0; i < columns_count(d->source) && status == STATUS_OK; i++) {
        status = add_column(d, i, out, err);
    }
    buf_free(&sql);
    buf_free(&readable);
    PQclear(d->columns);
    PQclear(d->types);
    return status;
}

int pg_table_describe(PGconn *db, const struct config_source *source, struct pg_table *out,
                      struct error *err)
{
    *out = (struct pg_table){0};
    pg_quote_table(db, &out->name, source);
    const char *const parameters[] = {buf_cstr(&out->name)};
    PGresult *result =
        PQexecParams(db, "SELECT to_regclass($1)::oid::int", 1, NULL, parameters, NULL, NULL, 0);
    if (PQresultStatus(result) != PGRES_TUPLES_OK) {
        pg_error(db, result, "cannot look for the events table", err);
        PQclear(result);
        return STATUS_IO;
    }
    const bool there = !PQgetisnull(result, 0, 0);
    out->oid = there ? (int)strtol(PQgetvalue(result, 0, 0), NULL, 10) : 0;
    PQclear(result);
    if (!there) {
        return error_set(err, STATUS_NOT_FOUND,
                         "the database has no table %s; create it, or set source.table to the "
                         "name of your events table",
                         buf_cstr(&out->name));
    }
    buf_printf(&out->bytes, "%d", PG_ROW_BYTES);
    struct described d = {.db = db, .source = source};
    return describe_columns(&d, out, err);
}
