/* SPDX-License-Identifier: Apache-2.0 */
/*
 * install-trigger: the trigger that wakes the ingestor when rows are inserted. It is of the
 * statement, with an empty payload, so that it costs one NOTIFY a statement. Both installing and
 * removing it may be repeated.
 */
#include <stdlib.h>

#include "common/postgres/pg.h"
#include "common/program/program.h"
#include "ctl/commands/commands.h"

enum { OPTION_REMOVE = 256 };

struct trigger_options {
    bool remove;
};

static const struct argp_option options_known[] = {
    {"remove", OPTION_REMOVE, NULL, 0, "Remove it", 1},
    {0},
};

static error_t parse(int key, char *value, struct argp_state *state)
{
    (void)value;
    struct trigger_options *options = state->input;
    if (key != OPTION_REMOVE) {
        return ARGP_ERR_UNKNOWN;
    }
    options->remove = true;
    return 0;
}

/* Fails with STATUS_INVALID for a source that needs no trigger. */
static int check_kind(enum source_kind kind, struct error *err)
{
    switch (kind) {
    case SOURCE_POSTGRESQL:
        return STATUS_OK;
    case SOURCE_SQLITE:
        break;
    }
    return error_set(err, STATUS_INVALID,
                     "source.uri is SQLite, which needs no trigger: the ingestor watches the "
                     "database's files");
}

static int change(const struct config *config, bool remove, struct error *err)
{
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
    if (!remove) {
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
                    remove ? "cannot remove the trigger" : "cannot install the trigger", err);
    PQfreemem(literal);
    buf_free(&channel);
    buf_free(&table);
    buf_free(&function);
    buf_free(&sql);
    PQfinish(db);
    return status;
}

static int run(const struct ctl *ctl, const struct command_line *line)
{
    const struct trigger_options *options = line->options;
    struct error err = {{0}};
    int status = config_need_source(ctl->config, &err);
    if (status == STATUS_OK) {
        status = check_kind(ctl->config->source.kind, &err);
    }
    if (status == STATUS_OK) {
        status = change(ctl->config, options->remove, &err);
    }
    if (status != STATUS_OK) {
        (void)ctl_fail(ctl, "%s", err.text);
        return status == STATUS_INVALID ? PROGRAM_EXIT_USAGE : PROGRAM_EXIT_FAILED;
    }
    fprintf(ctl->out, "the trigger on table %s is %s\n", ctl->config->source.table,
            options->remove ? "removed" : "installed");
    return EXIT_SUCCESS;
}

const struct command command_install_trigger = {
    .name = "install-trigger",
    .brief = "let PostgreSQL tell the ingestor of new rows",
    .doc = "Install the trigger by which PostgreSQL tells the ingestor of new rows.",
    .config = COMMAND_CONFIG_NEEDED,
    .options = options_known,
    .parse = parse,
    .options_size = sizeof(struct trigger_options),
    .run = run,
};
