/* SPDX-License-Identifier: Apache-2.0 */
#include "common/postgres/pg.h"

#include <stdint.h>

#include "common/base/fnv.h"
#include "common/config/partition.h"
#include "common/postgres/pg_pooled.h"

int pg_error(PGconn *db, const PGresult *result, const char *doing, struct error *err)
{
    const char *text = result != NULL ? PQresultErrorMessage(result) : PQerrorMessage(db);
    if (text[0] == '\0') {
        text = PQerrorMessage(db);
    }
    char line[300];
    size_t len = 0;
    for (; text[len] != '\0' && len < sizeof line - 1; len++) {
        line[len] = (char)(text[len] == '\n' ? ' ' : text[len]);
    }
    while (len != 0 && line[len - 1] == ' ') {
        len--;
    }
    line[len] = '\0';
    const char *state = result != NULL ? PQresultErrorField(result, PG_DIAG_SQLSTATE) : NULL;
    const bool no_table = state != NULL && strcmp(state, "42P01") == 0;
    return error_set(err, STATUS_IO, "%s: %s%s", doing, line,
                     no_table ? "; create the table, or set source.table to the name of your "
                                "events table"
                              : "");
}

/* Drops notices ("does not exist, skipping"), which libpq would print to standard error. */
static void ignore_notice(void *arg, const char *message)
{
    (void)arg;
    (void)message;
}

/* What the texts of values depend on (the same as pg_pooled_settings). A server, database or role
 * may have set anything. The order of day and month in dates that a view reads stays the
 * database's: only how dates are written is set.
 */
static const char settings_of_session[] =
    "SET DateStyle = ISO; SET TimeZone = 'UTC'; SET IntervalStyle = postgres; "
    "SET bytea_output = hex; SET extra_float_digits = 1; SET standard_conforming_strings = on";

/* What libpq is given, name by name, up to a NULL. */
struct parameters {
    const char *names[12];
    const char *values[12];
    char password[256];
};

/* What config_read_secret returns. The password is to be wiped in any case. */
static int fill_parameters(struct parameters *out, const char *uri, const char *password_file,
                           struct error *err)
{
    size_t count = 1;
    *out = (struct parameters){.names = {"dbname"}, .values = {uri}};
    /* With these a server that cannot be reached, or a network that was cut, shows within 6 s. They
     * come behind the URI, and so override what it says of the same. */
    const char *const settings[][2] = {
        {"connect_timeout", "5"},
        {"keepalives", "1"},
        {"keepalives_idle", "3"},
        {"keepalives_interval", "1"},
        {"keepalives_count", "3"},
        {"tcp_user_timeout", "5000"},
        {"fallback_application_name", "tilewire"},
        {"client_encoding", "UTF8"},
    };
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
        out->names[count] = settings[i][0];
        out->values[count++] = settings[i][1];
    }
    if (password_file == NULL) {
        return STATUS_OK;
    }
    out->names[count] = "password";
    out->values[count] = out->password;
    return config_read_secret(password_file, out->password, sizeof out->password, err);
}

int pg_connect_start(const struct config *config, const char *uri, PGconn **out, struct error *err)
{
    struct parameters p;
    int status = fill_parameters(&p, uri, config->source.password_file, err);
    if (status == STATUS_OK) {
        PGconn *db = PQconnectStartParams(p.names, p.values, 1);
        if (PQstatus(db) != CONNECTION_BAD) {
            PQsetNoticeProcessor(db, ignore_notice, NULL);
            *out = db;
        } else {
            status = pg_error(db, NULL, "cannot connect to PostgreSQL", err);
            PQfinish(db);
        }
    }
    explicit_bzero(p.password, sizeof p.password);
    return status;
}

static int connect_to(const char *uri, const char *password_file, PGconn **out, struct error *err)
{
    struct parameters p;
    int status = fill_parameters(&p, uri, password_file, err);
    PGconn *db = status == STATUS_OK ? PQconnectdbParams(p.names, p.values, 1) : NULL;
    explicit_bzero(p.password, sizeof p.password);
    if (status != STATUS_OK) {
        return status;
    }
    if (PQstatus(db) != CONNECTION_OK) {
        pg_error(db, NULL, "cannot connect to PostgreSQL", err);
        PQfinish(db);
        return STATUS_IO;
    }
    if (PQserverVersion(db) < 130000) {
        PQfinish(db);
        return error_set(err, STATUS_INVALID,
                         "PostgreSQL 13 or later is needed, for pg_current_snapshot()");
    }
    PQsetNoticeProcessor(db, ignore_notice, NULL);
    status = pg_is_pooled(db) ? STATUS_OK
                              : pg_run(db, settings_of_session, "cannot set up the session", err);
    if (status != STATUS_OK) {
        PQfinish(db);
        return status;
    }
    *out = db;
    return STATUS_OK;
}

int pg_connect(const struct config *config, PGconn **out, struct error *err)
{
    return connect_to(config->source.uri, config->source.password_file, out, err);
}

int pg_connect_state(const struct config *config, PGconn **out, struct error *err)
{
    const struct config_ingestor *ingestor = &config->ingestor;
    return ingestor->checkpoint_uri == NULL
               ? pg_connect(config, out, err)
               : connect_to(ingestor->checkpoint_uri, ingestor->checkpoint_password_file, out, err);
}

int pg_query(PGconn *db, const char *sql, PGresult **out, const char *doing, struct error *err)
{
    PGresult *result = PQexec(db, sql);
    const ExecStatusType status = PQresultStatus(result);
    if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK) {
        pg_error(db, result, doing, err);
        PQclear(result);
        return STATUS_IO;
    }
    *out = result;
    return STATUS_OK;
}

int pg_run(PGconn *db, const char *sql, const char *doing, struct error *err)
{
    PGresult *result;
    const int status = pg_query(db, sql, &result, doing, err);
    if (status == STATUS_OK) {
        PQclear(result);
    }
    return status;
}

int pg_take_bytes(PGconn *db, bool pooled, bool *taken, struct error *err)
{
    const char *encoding = PQparameterStatus(db, "server_encoding");
    *taken = encoding != NULL && strcmp(encoding, "SQL_ASCII") == 0;
    return *taken && !pooled && PQsetClientEncoding(db, encoding) != 0
               ? pg_error(db, NULL, "cannot read texts as they are stored", err)
               : STATUS_OK;
}

int pg_hides_rows(PGconn *db, const char *table, bool *hides, struct error *err)
{
    static const char sql[] =
        "SELECT row_security_active(t) AND (NOT EXISTS (SELECT FROM pg_policy WHERE polrelid = t "
        "AND polcmd IN ('r', '*') AND polpermissive AND pg_get_expr(polqual, polrelid) = 'true' "
        "AND EXISTS (SELECT FROM unnest(polroles) r WHERE r = 0 OR pg_has_role(r, 'USAGE'))) OR "
        "EXISTS (SELECT FROM pg_policy WHERE polrelid = t AND NOT polpermissive)) "
        "FROM (SELECT to_regclass($1)::oid) table_of(t)";
    const char *const parameters[] = {table};
    PGresult *result = PQexecParams(db, sql, 1, NULL, parameters, NULL, NULL, 0);
    int status = STATUS_OK;
    *hides = false;
    if (PQresultStatus(result) == PGRES_TUPLES_OK) {
        *hides = strcmp(PQgetvalue(result, 0, 0), "t") == 0;
    } else {
        status = pg_error(db, result, "cannot look for row level security", err);
    }
    PQclear(result);
    return status;
}

void pg_quote(PGconn *db, struct buf *out, const char *name)
{
    char *quoted = PQescapeIdentifier(db, name, strlen(name));
    buf_append_text(out, quoted != NULL ? quoted : "\"\"");
    PQfreemem(quoted);
}

void pg_quote_table(PGconn *db, struct buf *out, const struct config_source *source)
{
    if (source->table_schema != NULL) {
        pg_quote(db, out, source->table_schema);
        buf_append_char(out, '.');
    }
    pg_quote(db, out, source->table);
}

void pg_channel(struct buf *out, const struct config_source *source)
{
    struct buf name = {0};
    if (source->table_schema != NULL) {
        buf_printf(&name, "%s.", source->table_schema);
    }
    buf_append_text(&name, source->table);
    if (name.len <= 50) {
        buf_printf(out, "tilewire_%s", buf_cstr(&name));
    } else {
        buf_printf(out, "tilewire_%.30s_%016llx", buf_cstr(&name),
                   (unsigned long long)fnv1a(FNV_BEGIN, buf_str(&name)));
    }
    buf_free(&name);
}

void pg_checkpoint_name(struct buf *out, const struct config *config)
{
    if (config->ingestor.checkpoint_uri != NULL) {
        buf_printf(out, "%s", config->ingestor.checkpoint_name);
    } else {
        pg_channel(out, &config->source);
    }
    buf_printf(out, "/%llx", (unsigned long long)config->ingestor.own_lanes);
    if (!partition_reads_all(config)) {
        buf_printf(out, "-of-%u", config->ingestor.partitions);
    }
    (void)buf_cstr(out);
}
