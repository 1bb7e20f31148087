/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/commands/trigger.h"

#include <stdlib.h>

#include "common/postgres/pg.h"

static int run(const struct config *config, bool install, struct error *err)
{
    if (config->source.kind != SOURCE_POSTGRESQL) {
        return error_set(err, STATUS_INVALID,
                         "source.uri is SQLite, which needs no trigger: the ingestor watches the "
                         "database's files");
    }
    PGconn *db;
    int status = pg_connect(config, &db, err);
    if (status != STATUS_OK) {
        return status;
    }
    struct buf channel = {0};
    struct buf table = {0};
    struct buf function = {0};
    struct buf sql = {0};
    pg_channel(&channel, &config->source);
    pg_quote_table(db, &table, &config->source);
    /* The function lies in the table's schema, under the channel's name: one of each for each
     * table. */
    if (config->source.table_schema != NULL) {
        pg_quote(db, &function, config->source.table_schema);
        buf_append_char(&function, '.');
    }
    pg_quote(db, &function, buf_cstr(&channel));
    char *literal = PQescapeLiteral(db, channel.data, channel.len);
    buf_append_text(&sql, "BEGIN;");
    buf_printf(&sql, "DROP TRIGGER IF EXISTS tilewire_notify ON %s;", buf_cstr(&table));
    if (install) {
        buf_printf(&sql,
                   "CREATE OR REPLACE FUNCTION %s() RETURNS trigger LANGUAGE plpgsql AS "
                   "$tilewire$ BEGIN PERFORM pg_notify(%s, ''); RETURN NULL; END $tilewire$;"
                   "CREATE TRIGGER tilewire_notify AFTER INSERT ON %s FOR EACH STATEMENT EXECUTE "
                   "FUNCTION %s();",
                   buf_cstr(&function), literal, buf_cstr(&table), buf_cstr(&function));
    } else {
        buf_printf(&sql, "DROP FUNCTION IF EXISTS %s();", buf_cstr(&function));
    }
    buf_append_text(&sql, "COMMIT");
    status = pg_run(db, buf_cstr(&sql),
                    install ? "cannot install the trigger" : "cannot remove the trigger", err);
    PQfreemem(literal);
    buf_free(&channel);
    buf_free(&table);
    buf_free(&function);
    buf_free(&sql);
    PQfinish(db);
    return status;
}

int trigger_install(const struct config *config, struct error *err)
{
    return run(config, true, err);
}

int trigger_remove(const struct config *config, struct error *err)
{
    return run(config, false, err);
}
