/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checkpoints in the database, where a standby finds them: table tilewire.checkpoint, a row for
 * each set of lanes. The row holds the number of the lease (lease_postgres.c puts it there). Each
 * statement that writes locks the row and compares the number, so that a holder that lost the lease
 * without noticing cannot write, and whoever takes it waits for what is being written.
 */
#include "ingestor/checkpoint/checkpoint_postgres.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/xalloc.h"
#include "common/postgres/pg.h"
#include "common/postgres/pg_past.h"
#include "common/postgres/pg_pooled.h"
#include "ingestor/checkpoint/checkpoint_frame.h"

struct postgres_checkpoint {
    struct checkpoint base;
    const struct config *config;
    PGconn *db;
    struct pg_past past; /* of the server that the checkpoint was loaded from */
    bool pooled;         /* the connection goes through a pooler */
    char *name;          /* of the row: table and lanes */
    char holder[32];     /* the number of our lease */
};

static struct postgres_checkpoint *postgres_of(struct checkpoint *checkpoint)
{
    return (struct postgres_checkpoint *)checkpoint;
}

static int postgres_open(const struct config *config, const struct lease_grant *lease,
                         struct checkpoint **out, struct error *err)
{
    struct postgres_checkpoint *c = x_calloc(1, sizeof *c);
    struct buf name = {0};
    c->base.ops = &checkpoint_postgres;
    c->config = config;
    pg_checkpoint_name(&name, config);
    c->name = buf_take(&name);
    snprintf(c->holder, sizeof c->holder, "%" PRIu64, lease->number);
    int status = pg_connect(config, &c->db, err);
    if (status == STATUS_OK) {
        status = pg_run(c->db, PG_CHECKPOINT_SCHEMA, PG_CHECKPOINT_DOING, err);
    }
    if (status == STATUS_OK) {
        c->pooled = pg_is_pooled(c->db);
        status = pg_past_read(c->db, &c->past, err);
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

/*
 * Connects anew if the connection is broken. STATUS_DENIED: the server is another one now, which
 * may lack rows that our checkpoints count, and has a checkpoint of its own to go on from. Through
 * a pooler that shows only when it is asked.
 */
static int reconnect(struct postgres_checkpoint *c, struct error *err)
{
    struct pg_past now;
    int status = STATUS_OK;
    const bool broken = PQstatus(c->db) != CONNECTION_OK;
    if (broken) {
        PQfinish(c->db);
        c->db = NULL;
        status = pg_connect(c->config, &c->db, err);
    }
    if (status == STATUS_OK && (broken || c->pooled)) {
        status = pg_past_read(c->db, &now, err);
        if (status == STATUS_OK && pg_past_is_suspicious(&c->past, &now)) {
            status = error_set(err, STATUS_DENIED,
                               "the database is another one than before, as after a failover");
        }
    }
    return status;
}

/*
 * Runs a statement that gives the number of checkpoints of ours that it found: one, or none if the
 * lease is lost. A connection that turns out to be broken is made anew once, and the statement run
 * again: each may be run twice.
 */
static int run_fenced(struct postgres_checkpoint *c, const char *sql, struct str bytes,
                      uint64_t number, const char *doing, struct error *err)
{
    char n[32];
    snprintf(n, sizeof n, "%" PRIu64, number);
    const char *const parameters[] = {c->name, c->holder, bytes.p, n};
    const int lengths[] = {0, 0, (int)bytes.len, 0};
    const int formats[] = {0, 0, 1, 0};
    PGresult *result = NULL;
    for (int tries = 0; tries < 2; tries++) {
        PQclear(result);
        result = NULL;
        const int status = reconnect(c, err);
        if (status != STATUS_OK) {
            return status;
        }
        result = PQexecParams(c->db, sql, 4, NULL, parameters, lengths, formats, 0);
        if (PQstatus(c->db) == CONNECTION_OK) {
            break;
        }
    }
    int status = STATUS_OK;
    if (PQresultStatus(result) != PGRES_TUPLES_OK || PQntuples(result) != 1) {
        status = pg_error(c->db, result, doing, err);
    } else if (strcmp(PQgetvalue(result, 0, 0), "1") != 0) {
        status = error_set(err, STATUS_DENIED,
                           "the lease on %s is lost: another ingestor has taken it", c->name);
    }
    PQclear(result);
    return status;
}

static int postgres_load(struct checkpoint *checkpoint, struct buf *out, struct error *err)
{
    struct postgres_checkpoint *c = postgres_of(checkpoint);
    const char *const parameters[] = {c->name};
    struct str bytes;
    int status = reconnect(c, err);
    if (status != STATUS_OK) {
        return status;
    }
    PGresult *result = PQexecParams(c->db, "SELECT bytes FROM tilewire.checkpoint WHERE name = $1",
                                    1, NULL, parameters, NULL, NULL, 1);
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
    struct buf framed = {0};
    checkpoint_wrap(&framed, record);
    const int status = run_fenced(
        c,
        "WITH ours AS (SELECT name FROM tilewire.checkpoint WHERE name = $1 AND "
        "holder = $2::bigint FOR SHARE), added AS (INSERT INTO tilewire.journal (name, n, record) "
        "SELECT name, $4::numeric, $3::bytea FROM ours ON CONFLICT (name, n) DO UPDATE SET "
        "record = excluded.record) SELECT count(*) FROM ours",
        buf_str(&framed), number, "cannot write the journal", err);
    buf_free(&framed);
    return status == STATUS_IO && PQstatus(c->db) != CONNECTION_OK ? STATUS_AGAIN : status;
}

static int postgres_journal(struct checkpoint *checkpoint, struct buf *out, struct error *err)
{
    struct postgres_checkpoint *c = postgres_of(checkpoint);
    const char *const parameters[] = {c->name};
    PGresult *result =
        PQexecParams(c->db, "SELECT record FROM tilewire.journal WHERE name = $1 ORDER BY n", 1,
                     NULL, parameters, NULL, NULL, 1);
    int status = PQresultStatus(result) == PGRES_TUPLES_OK
                     ? STATUS_OK
                     : pg_error(c->db, result, "cannot read the journal", err);
    for (int i = 0; status == STATUS_OK && i < PQntuples(result); i++) {
        struct str record;
        status = checkpoint_unwrap(
            (struct str){PQgetvalue(result, i, 0), (size_t)PQgetlength(result, i, 0)}, &record,
            err);
        if (status == STATUS_OK) {
            buf_append_str(out, record);
        } else {
            error_prefix(err, status, "a record in tilewire.journal cannot be used");
        }
    }
    PQclear(result);
    return status;
}

static int postgres_save(struct checkpoint *checkpoint, struct str bytes, uint64_t record,
                         struct error *err)
{
    struct buf framed = {0};
    checkpoint_wrap(&framed, bytes);
    const int status =
        run_fenced(postgres_of(checkpoint),
                   "WITH saved AS (UPDATE tilewire.checkpoint SET bytes = $3::bytea, "
                   "saved_at = now() WHERE name = $1 AND holder = $2::bigint RETURNING name), "
                   "shortened AS (DELETE FROM tilewire.journal j USING saved s WHERE "
                   "j.name = s.name AND j.n <= $4::numeric) SELECT count(*) FROM saved",
                   buf_str(&framed), record, "cannot write the checkpoint", err);
    buf_free(&framed);
    return status;
}

const struct checkpoint_ops checkpoint_postgres = {
    .with_rows = true,
    .open = postgres_open,
    .close = postgres_close,
    .load = postgres_load,
    .save = postgres_save,
    .append = postgres_append,
    .journal = postgres_journal,
};
