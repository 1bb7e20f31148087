/*
 * Checkpoints in the database, where a standby finds them: table tilewire.checkpoint, a row for
 * each set of lanes. The lease is an advisory lock of this session, which PostgreSQL takes back
 * when the session ends; and a counter in the row, so that one who lost the lease without noticing
 * cannot write.
 */
#include <endian.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/log.h"
#include "common/xalloc.h"
#include "ingestor/checkpoint.h"
#include "ingestor/pg.h"

struct postgres_checkpoint {
    struct checkpoint base;
    const struct config *config;
    PGconn *db;
    char *name;     /* of the row: table and lanes */
    int64_t holder; /* our number of the lease; 0: not ours */
};

static struct postgres_checkpoint *postgres_of(struct checkpoint *checkpoint)
{
    return (struct postgres_checkpoint *)checkpoint;
}

static int postgres_open(const struct config *config, struct checkpoint **out, struct error *err)
{
    static const char schema[] =
        "CREATE SCHEMA IF NOT EXISTS tilewire;"
        "CREATE TABLE IF NOT EXISTS tilewire.checkpoint (name text PRIMARY KEY, holder bigint NOT "
        "NULL DEFAULT 0, saved_at timestamptz, bytes bytea);"
        "CREATE TABLE IF NOT EXISTS tilewire.journal (name text, n bigserial, record bytea, "
        "PRIMARY "
        "KEY (name, n))";
    struct postgres_checkpoint *c = x_calloc(1, sizeof *c);
    c->base.ops = &checkpoint_postgres;
    c->config = config;
    struct buf name = {0};
    pg_channel(&name, &config->source);
    buf_printf(&name, "/%llx", (unsigned long long)config->ingestor.own_lanes);
    c->name = x_strdup(buf_cstr(&name));
    buf_free(&name);
    int status = pg_connect(config, &c->db, err);
    if (status == STATUS_OK) {
        /* Two that start at once may both try to create; the loser's error goes away when it tries
         * again. */
        status = pg_run(c->db, schema,
                        "cannot create schema \"tilewire\" for checkpoints; grant CREATE on the "
                        "database, or set ingestor.checkpoint to file:PATH",
                        err);
    }
    if (status != STATUS_OK) {
        c->base.ops->close(&c->base);
        return status;
    }
    *out = &c->base;
    return STATUS_OK;
}

static void postgres_close(struct checkpoint *checkpoint)
{
    struct postgres_checkpoint *c = postgres_of(checkpoint);
    PQfinish(c->db);
    free(c->name);
    free(c);
}

/* A session that broke is made anew; the lock went with the old one. */
static int reconnect(struct postgres_checkpoint *c, struct error *err)
{
    if (PQstatus(c->db) == CONNECTION_OK) {
        return STATUS_OK;
    }
    PQfinish(c->db);
    c->db = NULL;
    return pg_connect(c->config, &c->db, err);
}

static int try_lock(struct postgres_checkpoint *c, struct error *err)
{
    const char *const parameters[] = {c->name};
    PGresult *result = PQexecParams(
        c->db, "SELECT pg_try_advisory_lock(hashtextextended('tilewire lease ' || $1, 0))", 1, NULL,
        parameters, NULL, NULL, 0);
    int status = STATUS_OK;
    if (PQresultStatus(result) != PGRES_TUPLES_OK) {
        status = pg_error(c->db, result, "cannot take the lease", err);
    } else if (PQgetvalue(result, 0, 0)[0] != 't') {
        status = error_set(err, STATUS_AGAIN, "another ingestor holds the lease on %s", c->name);
    }
    PQclear(result);
    return status;
}

/* Takes the next number: whoever had the one before cannot save any more. */
static int take_number(struct postgres_checkpoint *c, struct error *err)
{
    const char *const parameters[] = {c->name};
    PGresult *result = PQexecParams(
        c->db,
        "INSERT INTO tilewire.checkpoint AS c (name, holder) VALUES ($1, 1) "
        "ON CONFLICT (name) DO UPDATE SET holder = c.holder + 1 RETURNING holder::text",
        1, NULL, parameters, NULL, NULL, 0);
    int status = STATUS_OK;
    if (PQresultStatus(result) != PGRES_TUPLES_OK) {
        status = pg_error(c->db, result, "cannot take the lease", err);
    } else {
        c->holder = strtoll(PQgetvalue(result, 0, 0), NULL, 10);
    }
    PQclear(result);
    return status;
}

static int postgres_acquire(struct checkpoint *checkpoint, struct error *err)
{
    struct postgres_checkpoint *c = postgres_of(checkpoint);
    int status = reconnect(c, err);
    if (status == STATUS_OK) {
        status = try_lock(c, err);
    }
    return status == STATUS_OK ? take_number(c, err) : status;
}

static int postgres_confirm(struct checkpoint *checkpoint, struct error *err)
{
    struct postgres_checkpoint *c = postgres_of(checkpoint);
    const char *const parameters[] = {c->name};
    PGresult *result =
        PQexecParams(c->db, "SELECT holder::text FROM tilewire.checkpoint WHERE name = $1", 1, NULL,
                     parameters, NULL, NULL, 0);
    const bool answered = PQresultStatus(result) == PGRES_TUPLES_OK;
    const bool ours = answered && PQntuples(result) == 1 &&
                      strtoll(PQgetvalue(result, 0, 0), NULL, 10) == c->holder;
    PQclear(result);
    if (ours) {
        return STATUS_OK;
    }
    if (!answered && PQstatus(c->db) == CONNECTION_OK) {
        return pg_error(c->db, NULL, "cannot look at the lease", err);
    }
    return error_set(err, STATUS_DENIED, "the lease on %s is lost: %s", c->name,
                     answered ? "another ingestor has taken it"
                              : "the session that held it is gone");
}

static int postgres_load(struct checkpoint *checkpoint, struct buf *out, struct error *err)
{
    struct postgres_checkpoint *c = postgres_of(checkpoint);
    const char *const parameters[] = {c->name};
    PGresult *result = PQexecParams(c->db, "SELECT bytes FROM tilewire.checkpoint WHERE name = $1",
                                    1, NULL, parameters, NULL, NULL, 1);
    int status = STATUS_OK;
    struct str bytes;
    if (PQresultStatus(result) != PGRES_TUPLES_OK) {
        status = pg_error(c->db, result, "cannot read the checkpoint", err);
    } else if (PQntuples(result) == 0 || PQgetisnull(result, 0, 0)) {
        status = STATUS_NOT_FOUND;
    } else {
        const struct str framed = {PQgetvalue(result, 0, 0), (size_t)PQgetlength(result, 0, 0)};
        status = checkpoint_unwrap(framed, &bytes, err);
        if (status == STATUS_OK) {
            buf_append_str(out, bytes);
        } else {
            error_prefix(err, status, "the checkpoint in tilewire.checkpoint cannot be used");
        }
    }
    PQclear(result);
    return status;
}

static int postgres_append(struct checkpoint *checkpoint, uint64_t number, struct str record,
                           struct error *err)
{
    struct postgres_checkpoint *c = postgres_of(checkpoint);
    char holder[32];
    char n[32];
    snprintf(holder, sizeof holder, "%lld", (long long)c->holder);
    snprintf(n, sizeof n, "%llu", (unsigned long long)number);
    const char *const parameters[] = {c->name, holder, record.p, n};
    const int lengths[] = {0, 0, (int)record.len, 0};
    const int formats[] = {0, 0, 1, 0};
    PGresult *result = PQexecParams(
        c->db,
        "INSERT INTO tilewire.journal (name, n, record) SELECT name, $4::numeric, $3::bytea "
        "FROM tilewire.checkpoint WHERE name = $1 AND holder = $2::bigint "
        "ON CONFLICT (name, n) DO UPDATE SET record = excluded.record",
        4, NULL, parameters, lengths, formats, 0);
    int status = STATUS_OK;
    if (PQresultStatus(result) != PGRES_COMMAND_OK) {
        status = PQstatus(c->db) == CONNECTION_OK
                     ? pg_error(c->db, result, "cannot write the journal", err)
                     : postgres_confirm(checkpoint, err);
    } else if (strcmp(PQcmdTuples(result), "1") != 0) {
        status = error_set(err, STATUS_DENIED,
                           "the lease on %s is lost: another ingestor has taken it", c->name);
    }
    PQclear(result);
    return status;
}

static int postgres_journal(struct checkpoint *checkpoint, struct buf *out, struct error *err)
{
    struct postgres_checkpoint *c = postgres_of(checkpoint);
    const char *const parameters[] = {c->name};
    PGresult *result =
        PQexecParams(c->db, "SELECT record FROM tilewire.journal WHERE name = $1 ORDER BY n", 1,
                     NULL, parameters, NULL, NULL, 1);
    const bool ok = PQresultStatus(result) == PGRES_TUPLES_OK;
    for (int i = 0; ok && i < PQntuples(result); i++) {
        buf_append(out, PQgetvalue(result, i, 0), (size_t)PQgetlength(result, i, 0));
    }
    const int status = ok ? STATUS_OK : pg_error(c->db, result, "cannot read the journal", err);
    PQclear(result);
    return status;
}

static int postgres_save(struct checkpoint *checkpoint, struct str bytes, uint64_t record,
                         struct error *err)
{
    struct postgres_checkpoint *c = postgres_of(checkpoint);
    struct buf framed = {0};
    checkpoint_wrap(&framed, bytes);
    char holder[32];
    char n[32];
    snprintf(holder, sizeof holder, "%lld", (long long)c->holder);
    snprintf(n, sizeof n, "%llu", (unsigned long long)record);
    const char *const parameters[] = {c->name, holder, framed.data, n};
    const int lengths[] = {0, 0, (int)framed.len, 0};
    const int formats[] = {0, 0, 1, 0};
    PGresult *result = PQexecParams(
        c->db,
        "WITH shortened AS (DELETE FROM tilewire.journal WHERE name = $1 AND n <= $4::numeric "
        "AND EXISTS (SELECT 1 FROM tilewire.checkpoint WHERE name = $1 AND holder = "
        "$2::bigint)) UPDATE tilewire.checkpoint SET bytes = $3::bytea, saved_at = now() "
        "WHERE name = $1 AND holder = $2::bigint",
        4, NULL, parameters, lengths, formats, 0);
    int status = STATUS_OK;
    if (PQresultStatus(result) != PGRES_COMMAND_OK) {
        status = PQstatus(c->db) == CONNECTION_OK
                     ? pg_error(c->db, result, "cannot write the checkpoint", err)
                     : postgres_confirm(checkpoint, err);
    } else if (strcmp(PQcmdTuples(result), "1") != 0) {
        status = error_set(err, STATUS_DENIED,
                           "the lease on %s is lost: another ingestor has taken it", c->name);
    }
    PQclear(result);
    buf_free(&framed);
    return status;
}

const struct checkpoint_ops checkpoint_postgres = {
    .open = postgres_open,
    .close = postgres_close,
    .acquire = postgres_acquire,
    .confirm = postgres_confirm,
    .load = postgres_load,
    .save = postgres_save,
    .append = postgres_append,
    .journal = postgres_journal,
};
