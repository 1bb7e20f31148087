/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "common/base/xalloc.h"
#include "common/postgres/pg.h"
#include "common/postgres/pg_pooled.h"
#include "ctl/connect/source.h"
#include "ctl/oracle/columns.h"
#include "ctl/oracle/moment.h"

struct postgres {
    const struct config *config;
    const struct config_source *source;
    PGconn *db;
    char *table; /* quoted, with its schema */
    struct findings *out;
};

/* Runs a query in a transaction of its own that cannot write, and which the server ends. NULL: it
 * failed, which is said. The caller clears the result. */
static PGresult *ask(const struct postgres *s, const char *sql, const char *doing)
{
    struct error err = {{0}};
    PGresult *result = NULL;
    int status = pg_run(s->db, "BEGIN READ ONLY; SET LOCAL statement_timeout = '5s'", doing, &err);
    if (status == STATUS_OK) {
        status = pg_query(s->db, sql, &result, doing, &err);
        (void)pg_run(s->db, "ROLLBACK", doing, NULL);
    }
    if (status != STATUS_OK) {
        finding_add(s->out, FINDING_ERROR, CONNECT_SOURCE, "%s", err.text);
        return NULL;
    }
    return result;
}

static bool is_true(const PGresult *result, int column)
{
    return strcmp(PQgetvalue(result, 0, column), "t") == 0;
}

/* ---- The server ---- */

static void try_server(const struct postgres *s)
{
    PGresult *result =
        ask(s, "SELECT current_setting('server_version'), current_user, pg_is_in_recovery()",
            "cannot ask the server");
    if (result == NULL) {
        return;
    }
    finding_add(s->out, FINDING_OK, CONNECT_SOURCE, "PostgreSQL %s, as role \"%s\"",
                PQgetvalue(result, 0, 0), PQgetvalue(result, 0, 1));
    if (is_true(result, 2)) {
        finding_add(s->out, FINDING_WARNING, CONNECT_SOURCE,
                    "the server is a hot standby: it notifies of nothing, so the table is polled "
                    "each %lld ms, and the state has to lie elsewhere (ingestor.checkpoint: "
                    "file:PATH)",
                    (long long)s->source->poll_interval_ms);
    }
    PQclear(result);
}

static void try_pooler(const struct postgres *s)
{
    if (!pg_is_pooled(s->db)) {
        return;
    }
    if (s->source->listen_uri == NULL) {
        finding_add(
            s->out, FINDING_WARNING, CONNECT_SOURCE,
            "a pooler answers, through which no notification comes: the table is polled each "
            "%lld ms. Set source.listen_uri to the server itself",
            (long long)s->source->poll_interval_ms);
    } else {
        finding_add(s->out, FINDING_OK, CONNECT_SOURCE,
                    "a pooler answers; notifications come by source.listen_uri");
    }
}

/* ---- The table ---- */

static void try_rights(const struct postgres *s, const PGresult *table)
{
    struct error err = {{0}};
    bool hides = false;
    if (!is_true(table, 1)) {
        finding_add(s->out, FINDING_ERROR, CONNECT_SOURCE,
                    "role \"%s\" may not read the table: GRANT SELECT ON %s TO \"%s\"",
                    PQuser(s->db), s->table, PQuser(s->db));
    } else if (pg_hides_rows(s->db, s->table, &hides, &err) != STATUS_OK) {
        finding_add(s->out, FINDING_ERROR, CONNECT_SOURCE, "%s", err.text);
    } else if (hides) {
        finding_add(
            s->out, FINDING_WARNING, CONNECT_SOURCE,
            "row level security hides rows of table %s from role \"%s\": they will be in no "
            "tile. Give the role a policy that shows all (USING (true)), or BYPASSRLS",
            s->table, PQuser(s->db));
    }
}

static void try_waking(const struct postgres *s, const PGresult *table)
{
    const char kind = PQgetvalue(table, 0, 0)[0];
    if (kind == 'v' || kind == 'm' || kind == 'f') {
        finding_add(
            s->out, FINDING_WARNING, CONNECT_SOURCE,
            "%s is no table but a view or a foreign table, which no trigger tells of: it is "
            "polled each %lld ms",
            s->table, (long long)s->source->poll_interval_ms);
    } else if (is_true(table, 2)) {
        finding_add(s->out, FINDING_OK, CONNECT_SOURCE,
                    "the trigger tilewire_notify is there: a new row wakes the ingestor (NOTIFY)");
    } else {
        finding_add(s->out, FINDING_WARNING, CONNECT_SOURCE,
                    "nothing tells of new rows, so the table is polled each %lld ms: run tilewire "
                    "install-trigger",
                    (long long)s->source->poll_interval_ms);
    }
}

/* False when there is no such table, or it cannot be read. */
static bool try_table(const struct postgres *s)
{
    struct buf sql = {0};
    char *literal = PQescapeLiteral(s->db, s->table, strlen(s->table));
    buf_printf(&sql,
               "SELECT c.relkind, has_table_privilege(c.oid, 'SELECT') OR "
               "has_any_column_privilege(c.oid, 'SELECT'), EXISTS (SELECT FROM pg_trigger t WHERE "
               "t.tgrelid = c.oid AND t.tgname = 'tilewire_notify' AND t.tgenabled <> 'D') "
               "FROM pg_class c WHERE c.oid = to_regclass(%s)",
               literal);
    PGresult *result = ask(s, buf_cstr(&sql), "cannot look for the table");
    bool good = false;
    if (result != NULL && PQntuples(result) == 0) {
        finding_add(s->out, FINDING_ERROR, CONNECT_SOURCE,
                    "the database has no table %s; create it, or set source.table to the name of "
                    "your events table",
                    s->table);
    } else if (result != NULL) {
        try_rights(s, result);
        try_waking(s, result);
        good = is_true(result, 1);
    }
    PQclear(result);
    PQfreemem(literal);
    buf_free(&sql);
    return good;
}

static bool try_columns(const struct postgres *s, bool *there)
{
    const char *types[ORACLE_COLUMNS_MAX] = {NULL};
    struct buf sql = {0};
    char *literal = PQescapeLiteral(s->db, s->table, strlen(s->table));
    buf_printf(
        &sql,
        "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = "
        "to_regclass(%s) AND attnum > 0 AND NOT attisdropped",
        literal);
    PGresult *result = ask(s, buf_cstr(&sql), "cannot read the table's columns");
    bool good = false;
    for (int row = 0; result != NULL && row < PQntuples(result); row++) {
        for (size_t i = 0; i < oracle_column_count(s->source); i++) {
            const char *wanted = oracle_column(s->source, i);
            if (wanted != NULL && strcmp(PQgetvalue(result, row, 0), wanted) == 0) {
                there[i] = true;
                types[i] = PQgetvalue(result, row, 1);
            }
        }
    }
    if (result != NULL) {
        good = connect_columns(s->source, there, types, s->out);
    }
    PQclear(result);
    PQfreemem(literal);
    buf_free(&sql);
    return good;
}

static bool time_of(const struct postgres *s, struct str text)
{
    int64_t us;
    char *end = NULL;
    const long long number = text.p != NULL ? strtoll(text.p, &end, 10) : 0;
    if (text.p == NULL) {
        return false;
    }
    return *end == '\0' ? oracle_moment_of_integer(number, s->source->local.time_zone, &us)
                        : oracle_moment_of_text(text, s->source->local.time_zone, &us);
}

static void try_row(const struct postgres *s, const PGresult *row)
{
    struct str texts[ORACLE_COLUMNS_MAX] = {{0}};
    for (size_t i = 0; i < oracle_column_count(s->source); i++) {
        if (!PQgetisnull(row, 0, (int)i)) {
            texts[i] =
                (struct str){PQgetvalue(row, 0, (int)i), (size_t)PQgetlength(row, 0, (int)i)};
        }
    }
    char *what = x_asprintf("row %s", texts[EVENT_ID].p != NULL ? texts[EVENT_ID].p : "without id");
    connect_fields(s->source, "columns", what, texts, time_of(s, texts[EVENT_TIMESTAMP]), s->out);
    free(what);
}

static void try_newest(const struct postgres *s, const bool *there)
{
    const struct config_source *source = s->source;
    struct buf sql = {0};
    for (size_t i = 0; i < oracle_column_count(source); i++) {
        buf_append_text(&sql, i == 0 ? "SELECT " : ", ");
        if (there[i]) {
            pg_quote(s->db, &sql, oracle_column(source, i));
            buf_append_text(&sql, "::text");
        } else {
            buf_append_text(&sql, "NULL");
        }
    }
    buf_printf(&sql, " FROM %s ORDER BY ", s->table);
    pg_quote(s->db, &sql, source->cursor != NULL ? source->cursor : source->columns[EVENT_ID].name);
    buf_append_text(&sql, " DESC LIMIT 1");
    PGresult *result = ask(s, buf_cstr(&sql), "cannot read the newest row");
    if (result != NULL && PQntuples(result) == 0) {
        finding_add(s->out, FINDING_OK, CONNECT_SOURCE, "table %s has no rows yet", s->table);
    } else if (result != NULL) {
        try_row(s, result);
    }
    PQclear(result);
    buf_free(&sql);
}

/* ---- Notifications past a pooler ---- */

static void try_listening(const struct postgres *s)
{
    static const char about[] = "source.listen_uri";
    struct config direct = *s->config;
    struct error err = {{0}};
    PGconn *db = NULL;
    if (s->source->listen_uri == NULL) {
        return;
    }
    direct.source.uri = s->source->listen_uri;
    if (pg_connect(&direct, &db, &err) != STATUS_OK) {
        finding_add(s->out, FINDING_WARNING, about, "%s; until it answers, the table is polled",
                    err.text);
        return;
    }
    if (pg_is_pooled(db)) {
        finding_add(s->out, FINDING_WARNING, about,
                    "a pooler answers here, too: it has to be the server itself");
    } else {
        finding_add(s->out, FINDING_OK, about, "the server itself answers");
    }
    PQfinish(db);
}

void connect_postgres(const struct config *config, struct findings *out)
{
    struct postgres s = {.config = config, .source = &config->source, .out = out};
    struct error err = {{0}};
    struct buf table = {0};
    bool there[ORACLE_COLUMNS_MAX] = {false};
    if (pg_connect(config, &s.db, &err) != STATUS_OK) {
        finding_add(out, FINDING_ERROR, CONNECT_SOURCE, "%s", err.text);
        return;
    }
    pg_quote_table(s.db, &table, s.source);
    (void)buf_cstr(&table);
    s.table = table.data;
    try_server(&s);
    try_pooler(&s);
    if (try_table(&s) && try_columns(&s, there)) {
        try_newest(&s, there);
    }
    try_listening(&s);
    PQfinish(s.db);
    buf_free(&table);
}
