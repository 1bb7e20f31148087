/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The state in the database, where a standby finds it: tables tilewire.state and tilewire.journal,
 * and a row in tilewire.checkpoint for each set of lanes. That row holds the number of the lease
 * (lease_postgres.c puts it there).
 */
#include "common/state/state_postgres.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/xalloc.h"
#include "common/postgres/pg.h"
#include "common/postgres/pg_pooled.h"
#include "common/postgres/pg_schema.h"
#include "common/state/pg_pointer.h"
#include "common/state/postgres_load.h"
#include "common/state/postgres_save.h"
#include "common/state/postgres_store.h"

static void postgres_close(struct state_store *store)
{
    struct postgres_state *p = postgres_of(store);
    PQfinish(p->db);
    free(p->name);
    free(p);
}

/* Finds a state of a newer version, before anything is changed. */
static int check_version(struct postgres_state *p, struct error *err)
{
    const char *const parameters[] = {p->name};
    PGresult *result =
        PQexecParams(p->db, "SELECT version FROM tilewire.checkpoint WHERE name = $1", 1, NULL,
                     parameters, NULL, NULL, 0);
    int status = STATUS_OK;
    if (PQresultStatus(result) != PGRES_TUPLES_OK) {
        status = pg_error(p->db, result, "cannot read the state", err);
    } else if (PQntuples(result) == 1 &&
               strtol(PQgetvalue(result, 0, 0), NULL, 10) > POSTGRES_STATE_VERSION) {
        status = error_set(err, STATUS_NEWER,
                           "the state in the schema tilewire is of version %s, and this program "
                           "reads up to %d",
                           PQgetvalue(result, 0, 0), POSTGRES_STATE_VERSION);
    }
    PQclear(result);
    return status;
}

/* All that is read from now on shows one moment. */
static int begin_to_read(struct postgres_state *p, struct error *err)
{
    int status = pg_run(p->db, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
                        "cannot read the state", err);
    if (status == STATUS_OK) {
        PGresult *result = PQexec(p->db, "SELECT to_regclass('tilewire.state') IS NOT NULL");
        if (PQresultStatus(result) != PGRES_TUPLES_OK) {
            status = pg_error(p->db, result, "cannot read the state", err);
        } else if (PQgetvalue(result, 0, 0)[0] != 't') {
            status = error_set(err, STATUS_NOT_FOUND, "the database has no table tilewire.state");
        }
        PQclear(result);
    }
    return status;
}

static int postgres_open(const struct config *config, const struct state_fence *fence,
                         struct state_store **out, struct error *err)
{
    struct postgres_state *p = x_calloc(1, sizeof *p);
    struct buf name = {0};
    p->base.ops = config->ingestor.checkpoint_uri != NULL ? &state_postgres_apart : &state_postgres;
    p->config = config;
    pg_checkpoint_name(&name, config);
    p->name = buf_take(&name);
    if (fence != NULL) {
        snprintf(p->number, sizeof p->number, "%" PRIu64, fence->number);
    }
    int status = pg_connect_state(config, &p->db, err);
    if (status == STATUS_OK) {
        status = fence != NULL ? pg_schema_prepare(p->db, err) : pg_schema_check(p->db, err);
    }
    if (status == STATUS_OK && fence == NULL) {
        status = begin_to_read(p, err);
    }
    if (status == STATUS_OK) {
        status = check_version(p, err);
    }
    if (status == STATUS_OK) {
        p->pooled = pg_is_pooled(p->db);
        status = pg_past_read(p->db, &p->past, err);
    }
    if (status == STATUS_OK && fence != NULL && !p->base.ops->with_rows) {
        status = pg_pointer_check(p->db, p->name, &p->past, &p->went_back, err);
    }
    if (status != STATUS_OK) {
        postgres_close(&p->base);
        return status;
    }
    *out = &p->base;
    return STATUS_OK;
}

static uint64_t postgres_size(struct state_store *store)
{
    (void)store;
    return 0;
}

#define CALLS                                                                                      \
    .open = postgres_open, .close = postgres_close, .load = postgres_load, .save = postgres_save,  \
    .append = postgres_append, .journal = postgres_journal, .size = postgres_size

const struct state_store_ops state_postgres = {.with_rows = true, CALLS};
const struct state_store_ops state_postgres_apart = {.with_rows = false, CALLS};
