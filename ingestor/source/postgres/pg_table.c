/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/source/postgres/pg_table.h"

#include <stdlib.h>
#include <string.h>

#include "common/postgres/pg.h"
#include "ingestor/source/columns.h"

#define OID_TIMESTAMP 1114
#define OID_TIMESTAMPTZ 1184
#define OID_TEXT 25
#define OID_VARCHAR 1043

void pg_table_free(struct pg_table *table)
{
    buf_free(&table->name);
    buf_free(&table->id);
    buf_free(&table->columns);
}

static int missing_column(const PGresult *columns, const struct config_source *source,
                          const struct columns_entry *column, struct error *err)
{
    struct buf names = {0};
    for (int i = 0; i < PQnfields(columns); i++) {
        buf_printf(&names, "%s%s", i != 0 ? ", " : "", PQfname(columns, i));
    }
    const int status = columns_missing(source, column, buf_cstr(&names), err);
    buf_free(&names);
    return status;
}

static int find_column(const PGresult *columns, const char *name)
{
    for (int i = 0; i < PQnfields(columns); i++) {
        if (strcmp(PQfname(columns, i), name) == 0) {
            return i;
        }
    }
    return -1;
}

static int add_column(PGconn *db, const PGresult *columns, const struct config_source *source,
                      size_t index, const struct columns_entry *wanted, struct pg_table *out,
                      struct error *err)
{
    const int at = wanted->name != NULL ? find_column(columns, wanted->name) : -1;
    if (at < 0 && wanted->needed) {
        return missing_column(columns, source, wanted, err);
    }
    struct buf *sql = &out->columns;
    buf_append_text(sql, index != 0 ? ", " : "");
    if (at < 0) {
        buf_append_text(sql, "NULL::text");
        return STATUS_OK;
    }
    const Oid type = PQftype(columns, at);
    /* Qualified with the table's alias: the lists are used in joins. */
    buf_append_text(sql, "e.");
    pg_quote(db, sql, wanted->name);
    if (index == EVENT_ID) {
        buf_append_text(sql, "::bigint");
        pg_quote(db, &out->id, wanted->name);
    } else if (index == EVENT_TIMESTAMP && (type == OID_TIMESTAMP || type == OID_TIMESTAMPTZ)) {
        out->timestamp_binary = true;
    } else if (type != OID_TEXT && type != OID_VARCHAR) {
        buf_append_text(sql, "::text");
    }
    return STATUS_OK;
}

static int add_columns(PGconn *db, const PGresult *columns, const struct config_source *source,
                       struct pg_table *out, struct error *err)
{
    int status = STATUS_OK;
    for (size_t i = 0; i < columns_count(source) && status == STATUS_OK; i++) {
        const struct columns_entry wanted = columns_at(source, i);
        status = add_column(db, columns, source, i, &wanted, out, err);
    }
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
    struct buf sql = {0};
    buf_printf(&sql, "SELECT * FROM %s LIMIT 0", buf_cstr(&out->name));
    int status = pg_query(db, buf_cstr(&sql), &result, "cannot read the events table", err);
    buf_free(&sql);
    if (status == STATUS_OK) {
        status = add_columns(db, result, source, out, err);
        PQclear(result);
    }
    return status;
}
