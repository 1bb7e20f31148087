/* SPDX-License-Identifier: Apache-2.0 */
#include "common/postgres/pg_schema.h"

#include <stdbool.h>
#include <string.h>

#include "common/base/buf.h"
#include "common/postgres/pg.h"
#include "common/postgres/pg_trust.h"

/* `holder` is the number of the lease, which fences off an ingestor that has lost it. `bytes` is
 * the whole state as versions before 0.2 wrote it. An older program looks at `version`: that name
 * must not be changed. */
static const struct table {
    const char *name;
    const char *create;
} tables[] = {
    {"checkpoint",
     "CREATE TABLE tilewire.checkpoint (name text PRIMARY KEY, holder bigint NOT NULL DEFAULT 0, "
     "saved_at timestamptz, bytes bytea, version integer);"},
    {"journal", "CREATE TABLE tilewire.journal (name text, n bigserial, record bytea, "
                "PRIMARY KEY (name, n));"},
    {"state",
     "CREATE TABLE tilewire.state (name text, tile bigint, member bigint, item bigint, value bytea "
     "NOT NULL, PRIMARY KEY (name, tile, member, item)) WITH (fillfactor = 70);"},
    {"lease", "CREATE TABLE tilewire.lease (name text PRIMARY KEY, number bigint NOT NULL, "
              "beat bigint NOT NULL, owner text NOT NULL, epoch bigint NOT NULL);"},
};

enum { TABLES = sizeof tables / sizeof *tables };

/* What there is. */
struct found {
    bool schema;
    bool table[TABLES];
    bool version; /* the column, which versions before 0.2 did not make */
};

enum { FOUND_NAME, FOUND_OWNER, FOUND_TRUSTED, FOUND_VERSION, FOUND_ROLE };

static const char find_schema[] = PG_TRUSTED
    ", schema(oid, owner) AS (SELECT oid, nspowner FROM pg_catalog.pg_namespace WHERE nspname = "
    "'tilewire'), things(name, owner, version) AS (SELECT '', owner, false FROM schema UNION ALL "
    "SELECT c.relname, c.relowner, EXISTS (SELECT FROM pg_catalog.pg_attribute a WHERE a.attrelid "
    "= c.oid AND a.attname = 'version' AND NOT a.attisdropped) FROM pg_catalog.pg_class c JOIN "
    "schema ON c.relnamespace = schema.oid WHERE c.relname IN ('checkpoint', 'journal', 'state', "
    "'lease')) SELECT name, pg_catalog.pg_get_userbyid(owner), owner IN (SELECT oid FROM trusted), "
    "version, current_user FROM things";

/* ---- Whose it is ---- */

static int refuse(const char *table, const char *owner, const char *role, struct error *err)
{
    if (table[0] == '\0') {
        return error_set(err, STATUS_IO,
                         "schema \"tilewire\" belongs to role \"%s\", which is not trusted: its "
                         "owner can have what is written there run as \"%s\". Look at what is in "
                         "it; then DROP SCHEMA tilewire CASCADE, or drop its tables and ALTER "
                         "SCHEMA tilewire OWNER TO \"%s\"; or set ingestor.checkpoint to file:PATH",
                         owner, role, role);
    }
    return error_set(err, STATUS_IO,
                     "table tilewire.%s belongs to role \"%s\", which is not trusted: its owner "
                     "can have what is written there run as \"%s\". Look at it, then DROP TABLE "
                     "tilewire.%s CASCADE and REVOKE CREATE ON SCHEMA tilewire FROM \"%s\"; or set "
                     "ingestor.checkpoint to file:PATH",
                     table, owner, role, table, owner);
}

static int examine(const PGresult *result, struct found *out, struct error *err)
{
    *out = (struct found){0};
    for (int i = 0; i < PQntuples(result); i++) {
        const char *name = PQgetvalue(result, i, FOUND_NAME);
        if (PQgetvalue(result, i, FOUND_TRUSTED)[0] != 't') {
            return refuse(name, PQgetvalue(result, i, FOUND_OWNER),
                          PQgetvalue(result, i, FOUND_ROLE), err);
        }
        out->schema = out->schema || name[0] == '\0';
        for (int t = 0; t < TABLES; t++) {
            out->table[t] = out->table[t] || strcmp(name, tables[t].name) == 0;
        }
        out->version = out->version || (strcmp(name, "checkpoint") == 0 &&
                                        PQgetvalue(result, i, FOUND_VERSION)[0] == 't');
    }
    return STATUS_OK;
}

static int find(PGconn *db, struct found *out, struct error *err)
{
    PGresult *result;
    int status = pg_query(db, find_schema, &result, "cannot look for schema \"tilewire\"", err);
    if (status == STATUS_OK) {
        status = examine(result, out, err);
        PQclear(result);
    }
    return status;
}

int pg_schema_check(PGconn *db, struct error *err)
{
    struct found found;
    return find(db, &found, err);
}

/* ---- Making what is missing ---- */

static void put_missing(const struct found *found, struct buf *sql)
{
    buf_append_text(sql, found->schema ? "" : "CREATE SCHEMA tilewire;");
    for (int t = 0; t < TABLES; t++) {
        buf_append_text(sql, found->table[t] ? "" : tables[t].create);
    }
    if (found->table[0] && !found->version) {
        buf_append_text(sql, "ALTER TABLE tilewire.checkpoint ADD COLUMN version integer;");
    }
}

/* True for what another program says that has just made the same: a schema, a table or a column
 * that is there, or a name that is taken by a transaction that has not ended. */
static bool somebody_was_faster(const PGresult *result)
{
    static const char *const states[] = {"42P06", "42P07", "42701", "42710", "23505"};
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    for (size_t i = 0; state != NULL && i < sizeof states / sizeof *states; i++) {
        if (strcmp(state, states[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* All or nothing: several statements that are sent as one are one transaction. */
static int make(PGconn *db, const struct found *found, struct error *err)
{
    struct buf sql = {0};
    put_missing(found, &sql);
    if (sql.len == 0) {
        return STATUS_OK;
    }
    PGresult *result = PQexec(db, buf_cstr(&sql));
    int status = STATUS_OK;
    if (PQresultStatus(result) != PGRES_COMMAND_OK) {
        status = pg_error(
            db, result,
            found->schema
                ? "cannot create the tables in schema \"tilewire\"; grant CREATE on the schema, or "
                  "set ingestor.checkpoint to file:PATH"
                : "cannot create schema \"tilewire\" for the state; make it for this role "
                  "(CREATE SCHEMA tilewire AUTHORIZATION ROLE), grant CREATE on the database, or "
                  "set "
                  "ingestor.checkpoint to file:PATH",
            err);
        status = somebody_was_faster(result) ? STATUS_AGAIN : status;
    }
    PQclear(result);
    buf_free(&sql);
    return status;
}

int pg_schema_prepare(PGconn *db, struct error *err)
{
    struct found found;
    int status = STATUS_AGAIN;
    for (int tries = 0; status == STATUS_AGAIN && tries < 3; tries++) {
        status = find(db, &found, err);
        if (status == STATUS_OK) {
            status = make(db, &found, err);
        }
    }
    return status == STATUS_AGAIN ? STATUS_IO : status;
}
