/* SPDX-License-Identifier: Apache-2.0 */
/*
 * install-trigger: the trigger that wakes the ingestor when rows are inserted. It is of the
 * statement, with an empty payload, so that it costs one NOTIFY a statement. Both installing and
 * removing it may be repeated.
 */
#include <stdlib.h>
#include <string.h>

#include "common/base/xalloc.h"
#include "common/postgres/pg.h"
#include "common/postgres/pg_trust.h"
#include "common/program/program.h"
#include "ctl/commands/commands.h"

enum { OPTION_REMOVE = 256, OPTION_SOURCE };

struct trigger_options {
    bool remove;
    const char *source; /* NULL: not said */
};

static const struct argp_option options_known[] = {
    {"remove", OPTION_REMOVE, NULL, 0, "Remove it", 1},
    {"source", OPTION_SOURCE, "NAME", 0, "Of several sources, the one that is meant", 1},
    {0},
};

static error_t parse(int key, char *value, struct argp_state *state)
{
    struct trigger_options *options = state->input;
    switch (key) {
    case OPTION_REMOVE:
        options->remove = true;
        return 0;
    case OPTION_SOURCE:
        options->source = value;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* Fails with STATUS_INVALID for a source that needs no trigger. */
static int check_kind(enum source_kind kind, struct error *err)
{
    switch (kind) {
    case SOURCE_POSTGRESQL:
        return STATUS_OK;
    case SOURCE_SQLITE:
        return error_set(err, STATUS_INVALID,
                         "source.uri is SQLite, which needs no trigger: the ingestor watches the "
                         "database's files");
    case SOURCE_PUSH:
        return error_set(err, STATUS_INVALID,
                         "source.uri is push:FILE, which needs no trigger: the ingestor stores the "
                         "events itself");
    case SOURCE_KAFKA:
    case SOURCE_REDIS:
    case SOURCE_NATS:
        break;
    }
    return error_set(err, STATUS_INVALID,
                     "source.uri is %s, which needs no trigger: it tells the ingestor of each "
                     "message",
                     source_kind_name(kind));
}

/* ---- Which tables ---- */

enum { TREE_NAME, TREE_IS_PARTITION, TREE_IS_OURS };

static bool is_true(const PGresult *result, int row, int column)
{
    return PQgetvalue(result, row, column)[0] == 't';
}

/* Fails with STATUS_INVALID for what no trigger helps: rows come into it by other tables. */
static int check_table(PGconn *db, const char *table, struct error *err)
{
    const char *const parameters[] = {table};
    PGresult *result = PQexecParams(
        db, "SELECT relkind, pg_is_in_recovery() FROM pg_class WHERE oid = to_regclass($1)", 1,
        NULL, parameters, NULL, NULL, 0);
    int status = STATUS_OK;
    if (PQresultStatus(result) != PGRES_TUPLES_OK) {
        status = pg_error(db, result, "cannot look for the events table", err);
    } else if (PQntuples(result) == 0) {
        status = error_set(err, STATUS_IO,
                           "cannot install the trigger: the database has no table %s; create it, "
                           "or set source.table to the name of your events table",
                           table);
    } else if (is_true(result, 0, 1)) {
        status = error_set(err, STATUS_IO,
                           "source.uri is a hot standby, which cannot notify of new rows: the "
                           "ingestor polls it. A trigger helps those that read the primary; "
                           "install it there");
    } else if (strchr("rp", PQgetvalue(result, 0, 0)[0]) == NULL) {
        status = error_set(err, STATUS_INVALID,
                           "%s is no table but a view or a foreign table, whose trigger does not "
                           "fire when rows are written to what is below it; set source.table to "
                           "the table itself, or leave the trigger out: the ingestor polls at each "
                           "source.poll_interval",
                           table);
    }
    PQclear(result);
    return status;
}

/* *out has the table, and its partitions and heirs below it, each behind the one that it belongs
 * to. Of an INSERT only the triggers of the table that it names fire for the statement. */
static int read_tree(PGconn *db, const char *table, PGresult **out, struct error *err)
{
    static const char sql[] =
        "WITH RECURSIVE tree(oid, depth) AS (SELECT to_regclass($1)::oid, 0 UNION ALL "
        "SELECT inhrelid, depth + 1 FROM tree JOIN pg_inherits ON inhparent = tree.oid) "
        "SELECT c.oid::regclass, c.relispartition AND depth != 0, pg_has_role(c.relowner, 'USAGE') "
        "FROM tree JOIN pg_class c USING (oid) WHERE c.relkind IN ('r', 'p') OR depth = 0 "
        "GROUP BY c.oid, c.relispartition, c.relowner, depth ORDER BY depth, c.oid";
    const char *const parameters[] = {table};
    *out = PQexecParams(db, sql, 1, NULL, parameters, NULL, NULL, 0);
    if (PQresultStatus(*out) != PGRES_TUPLES_OK) {
        const int status = pg_error(db, *out, "cannot look for the table's partitions", err);
        PQclear(*out);
        *out = NULL;
        return status;
    }
    return STATUS_OK;
}

/* ---- The function ---- */

/* It lies in the table's schema, or in the one in which the session makes things, under the
 * channel's name: one for each table. */
struct function {
    char *schema;
    struct buf channel; /* also its name; has a NUL behind it, as `quoted` has */
    struct buf quoted;  /* with its schema */
};

static void function_free(struct function *function)
{
    free(function->schema);
    buf_free(&function->channel);
    buf_free(&function->quoted);
}

static int name_function(PGconn *db, const struct config_source *source, struct function *out,
                         struct error *err)
{
    const char *const parameters[] = {source->table_schema};
    PGresult *result = PQexecParams(db, "SELECT coalesce($1, current_schema())", 1, NULL,
                                    parameters, NULL, NULL, 0);
    int status = STATUS_OK;
    if (PQresultStatus(result) != PGRES_TUPLES_OK) {
        status = pg_error(db, result, "cannot look for the schema", err);
    } else if (PQgetisnull(result, 0, 0)) {
        status = error_set(err, STATUS_INVALID,
                           "search_path names no schema that there is; say in source.table in "
                           "which one the table is: SCHEMA.TABLE");
    } else {
        out->schema = x_strdup(PQgetvalue(result, 0, 0));
        pg_channel(&out->channel, source);
        pg_quote(db, &out->quoted, out->schema);
        buf_append_char(&out->quoted, '.');
        pg_quote(db, &out->quoted, buf_cstr(&out->channel));
        (void)buf_cstr(&out->quoted);
    }
    PQclear(result);
    return status;
}

/*
 * Sets *exists, and fails with STATUS_DENIED when the function belongs to somebody who is not
 * trusted (pg_trust.h): its owner may change what it does, and it runs as whoever inserts rows.
 */
static int check_function(PGconn *db, const struct function *function, bool *exists,
                          struct error *err)
{
    static const char sql[] = PG_TRUSTED
        " SELECT proowner IN (SELECT oid FROM trusted), pg_get_userbyid(proowner) FROM pg_proc p "
        "JOIN pg_namespace n ON n.oid = pronamespace WHERE nspname = $1 AND proname = $2 AND "
        "pronargs = 0";
    const char *const parameters[] = {function->schema, function->channel.data};
    PGresult *result = PQexecParams(db, sql, 2, NULL, parameters, NULL, NULL, 0);
    int status = STATUS_OK;
    *exists = PQntuples(result) != 0;
    if (PQresultStatus(result) != PGRES_TUPLES_OK) {
        status = pg_error(db, result, "cannot look for the trigger's function", err);
    } else if (*exists && !is_true(result, 0, 0)) {
        const char *name = function->quoted.data;
        status = error_set(err, STATUS_DENIED,
                           "function %s() belongs to role \"%s\", which is not trusted: its owner "
                           "can change what it does, and it runs as whoever inserts rows. Look at "
                           "it, then DROP FUNCTION %s() CASCADE, and run this again",
                           name, PQgetvalue(result, 0, 1), name);
    }
    PQclear(result);
    return status;
}

/*
 * Makes the function, in a transaction that has begun. CREATE OR REPLACE keeps the owner of what is
 * there. So it is used only for a function that there is, whose owner is trusted; and as that may
 * have become another one in between, the owner is looked at again, when it cannot change any more
 * before the transaction ends.
 */
static int make_function(PGconn *db, const struct function *function, struct error *err)
{
    bool exists;
    int status = check_function(db, function, &exists, err);
    if (status != STATUS_OK) {
        return status;
    }
    struct buf sql = {0};
    char *literal = PQescapeLiteral(db, function->channel.data, function->channel.len);
    buf_printf(&sql,
               "%s FUNCTION %s() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, "
               "pg_temp AS $tilewire$ BEGIN PERFORM pg_catalog.pg_notify(%s, ''); RETURN NULL; END "
               "$tilewire$;",
               exists ? "CREATE OR REPLACE" : "CREATE", function->quoted.data, literal);
    PQfreemem(literal);
    status = pg_run(db, buf_cstr(&sql), "cannot install the trigger", err);
    buf_free(&sql);
    return status == STATUS_OK ? check_function(db, function, &exists, err) : status;
}

/* ---- The triggers ---- */

static void put_drop(const PGresult *tree, struct buf *sql)
{
    for (int i = 0; i < PQntuples(tree); i++) {
        const char *name = PQgetvalue(tree, i, TREE_NAME);
        buf_printf(sql,
                   "DROP TRIGGER IF EXISTS tilewire_notify ON %s;"
                   "DROP TRIGGER IF EXISTS tilewire_notify_replica ON %s;",
                   name, name);
    }
}

/*
 * Ordinary sessions fire the trigger of the statement. Sessions with session_replication_role =
 * replica do not, and what applies a logical replication fires triggers of rows alone: for those
 * there is one of the row, which fires in such sessions only, so that it costs the others nothing.
 * To say so of a trigger takes the table's owner. A partition has it by its parent.
 */
static void put_create(const PGresult *tree, const char *function, struct buf *sql)
{
    for (int i = 0; i < PQntuples(tree); i++) {
        const char *name = PQgetvalue(tree, i, TREE_NAME);
        buf_printf(sql,
                   "CREATE TRIGGER tilewire_notify AFTER INSERT ON %s FOR EACH STATEMENT EXECUTE "
                   "FUNCTION %s();",
                   name, function);
        if (is_true(tree, 0, TREE_IS_OURS) && !is_true(tree, i, TREE_IS_PARTITION)) {
            buf_printf(sql,
                       "CREATE TRIGGER tilewire_notify_replica AFTER INSERT ON %s FOR EACH ROW "
                       "EXECUTE FUNCTION %s();",
                       name, function);
        }
        if (is_true(tree, 0, TREE_IS_OURS)) {
            buf_printf(sql, "ALTER TABLE ONLY %s ENABLE REPLICA TRIGGER tilewire_notify_replica;",
                       name);
        }
    }
}

static int run_sql(PGconn *db, struct buf *sql, bool remove, struct error *err)
{
    const int status =
        pg_run(db, buf_cstr(sql),
               remove ? "cannot remove the trigger" : "cannot install the trigger", err);
    buf_clear(sql);
    return status;
}

/* All or nothing: what fails leaves the transaction open, which ends with the connection. */
static int change_tree(PGconn *db, const struct config_source *source, const PGresult *tree,
                       bool remove, struct error *err)
{
    struct function function = {0};
    struct buf sql = {0};
    int status = name_function(db, source, &function, err);
    if (status == STATUS_OK) {
        buf_append_text(&sql, "BEGIN;");
        put_drop(tree, &sql);
        status = run_sql(db, &sql, remove, err);
    }
    if (status == STATUS_OK && remove) {
        buf_printf(&sql, "DROP FUNCTION IF EXISTS %s();", function.quoted.data);
    } else if (status == STATUS_OK) {
        status = make_function(db, &function, err);
        put_create(tree, function.quoted.data, &sql);
    }
    if (status == STATUS_OK) {
        buf_append_text(&sql, "COMMIT");
        status = run_sql(db, &sql, remove, err);
    }
    function_free(&function);
    buf_free(&sql);
    return status;
}

/* What was done, for the message. */
struct changed {
    int partitions; /* how many there are below the table */
    bool ours;      /* the table is */
};

static int change(const struct config *config, bool remove, struct changed *out, struct error *err)
{
    PGconn *db;
    PGresult *tree = NULL;
    struct buf table = {0};
    int status = pg_connect(config, &db, err);
    if (status != STATUS_OK) {
        return status;
    }
    pg_quote_table(db, &table, &config->source);
    status = remove ? STATUS_OK : check_table(db, buf_cstr(&table), err);
    if (status == STATUS_OK) {
        status = read_tree(db, buf_cstr(&table), &tree, err);
    }
    if (status == STATUS_OK) {
        *out = (struct changed){
            .partitions = PQntuples(tree) - 1,
            .ours = PQntuples(tree) != 0 && is_true(tree, 0, TREE_IS_OURS),
        };
        status = change_tree(db, &config->source, tree, remove, err);
    }
    PQclear(tree);
    buf_free(&table);
    PQfinish(db);
    return status;
}

static void print_changed(const struct ctl *ctl, const char *table, bool remove,
                          const struct changed *changed)
{
    fprintf(ctl->out, "the trigger on table %s", table);
    if (changed->partitions > 0) {
        fprintf(ctl->out, ", and on %d below it,", changed->partitions);
    }
    fprintf(ctl->out, " is %s\n", remove ? "removed" : "installed");
    if (!remove && !changed->ours) {
        fprintf(ctl->out, "rows that logical replication writes do not fire it: that takes the "
                          "table's owner\n");
    }
}

/* The source that is meant: that of the name, or the only one that PostgreSQL has. */
static int choose(const struct config *config, const char *name, struct config_source *out,
                  struct error *err)
{
    const struct config_source *found = NULL;
    size_t fitting = 0;
    for (size_t i = 0; i < config->source_count; i++) {
        const struct config_source *source = &config->sources[i];
        const bool fits = name != NULL ? source->name != NULL && strcmp(source->name, name) == 0
                                       : source->kind == SOURCE_POSTGRESQL;
        found = fits ? source : found;
        fitting += fits;
    }
    if (name != NULL && found == NULL) {
        return error_set(err, STATUS_INVALID, "sources: none of them is called %s", name);
    }
    if (fitting > 1) {
        return error_set(err, STATUS_INVALID,
                         "sources: %zu of them are PostgreSQL's: say which one with --source NAME",
                         fitting);
    }
    *out = found != NULL ? *found : config->source;
    return check_kind(out->kind, err);
}

static int run(const struct ctl *ctl, const struct command_line *line)
{
    const struct trigger_options *options = line->options;
    struct changed changed = {0};
    struct error err = {{0}};
    struct config config = *ctl->config;
    int status = config_need_source(ctl->config, &err);
    if (status == STATUS_OK) {
        status = choose(ctl->config, options->source, &config.source, &err);
    }
    if (status == STATUS_OK) {
        status = change(&config, options->remove, &changed, &err);
    }
    if (status != STATUS_OK) {
        (void)ctl_fail(ctl, "%s", err.text);
        return status == STATUS_INVALID ? PROGRAM_EXIT_USAGE : PROGRAM_EXIT_FAILED;
    }
    print_changed(ctl, config.source.table, options->remove, &changed);
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
