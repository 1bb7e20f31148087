/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The state in the database, where a standby finds it: tables tilewire.state and tilewire.journal,
 * and a row in tilewire.checkpoint for each set of lanes. That row holds the number of the lease
 * (lease_postgres.c puts it there). Each statement that writes locks the row and compares the
 * number, so that a holder that lost the lease without noticing cannot write, and whoever takes it
 * waits for what is being written.
 *
 * A save is one statement, however many records it has: a client that is stopped between two would
 * keep the lock for as long.
 */
#include "common/state/state_postgres.h"

#include <endian.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/xalloc.h"
#include "common/postgres/pg.h"
#include "common/postgres/pg_past.h"
#include "common/postgres/pg_pooled.h"
#include "common/postgres/pg_schema.h"
#include "common/state/frame.h"
#include "common/state/pg_arrays.h"
#include "common/state/pg_pointer.h"

#define VERSION 1
#define PAGE_RECORDS "4000" /* read at once */

static const char reading[] = "cannot read the state";

struct postgres_state {
    struct state_store base;
    const struct config *config;
    PGconn *db;
    struct pg_past past; /* of the server that the state was loaded from */
    bool pooled;         /* the connection goes through a pooler */
    bool went_back;      /* it may lack what was written last, though the source has its rows */
    char *name;          /* of the rows: table and lanes */
    char number[32];     /* of our lease; "" for a reader */
};

static struct postgres_state *postgres_of(struct state_store *store)
{
    return (struct postgres_state *)store;
}

/* ---- Statements ---- */

/*
 * Connects anew if the connection is broken. STATUS_DENIED: the server is another one now, which
 * may lack rows that our state counts, and has a state of its own to go on from. Through a pooler
 * that shows only when it is asked.
 */
static int reconnect(struct postgres_state *p, struct error *err)
{
    struct pg_past now;
    int status = STATUS_OK;
    const bool broken = PQstatus(p->db) != CONNECTION_OK;
    if (broken && p->number[0] == '\0') {
        return error_set(err, STATUS_IO, "the connection broke while the state was read");
    }
    if (broken) {
        PQfinish(p->db);
        p->db = NULL;
        status = pg_connect_state(p->config, &p->db, err);
    }
    if (status == STATUS_OK && (broken || p->pooled)) {
        status = pg_past_read(p->db, &now, err);
        if (status == STATUS_OK && pg_past_is_suspicious(&p->past, &now)) {
            status = error_set(err, STATUS_DENIED,
                               "the database is another one than before, as after a failover");
        }
    }
    return status;
}

struct parameters {
    const char *values[12];
    int lengths[12];
    int formats[12];
    int count;
};

static void add_text(struct parameters *p, const char *text)
{
    p->values[p->count++] = text;
}

static void add_binary(struct parameters *p, struct str bytes)
{
    p->lengths[p->count] = (int)bytes.len;
    p->formats[p->count] = 1;
    p->values[p->count++] = bytes.p;
}

/* By the index, whatever is known of the table, and what may take long for an estimate alone: a
 * save of 100 records took 10 ms and 300 more of compiling. For one transaction, as through a
 * pooler. */
static const char plans[] = "SELECT set_config('jit', 'off', true), "
                            "set_config('enable_seqscan', 'off', true)";

static PGresult *run_once(struct postgres_state *p, const char *sql, const struct parameters *in)
{
    return pg_pooled_begin(p->db, plans) &&
                   PQsendQueryParams(p->db, sql, in->count, NULL, in->values, in->lengths,
                                     in->formats, 0) == 1
               ? pg_pooled_end(p->db)
               : NULL;
}

/*
 * Runs a statement that gives the number of rows of ours that it found: one, or none if the
 * lease is lost. A connection that turns out to be broken is made anew once, and the statement run
 * again: each may be run twice.
 */
static int run_fenced(struct postgres_state *p, const char *sql, const struct parameters *in,
                      const char *doing, struct error *err)
{
    PGresult *result = NULL;
    for (int tries = 0; tries < 2; tries++) {
        PQclear(result);
        result = NULL;
        const int status = reconnect(p, err);
        if (status != STATUS_OK) {
            return status;
        }
        result = run_once(p, sql, in);
        if (PQstatus(p->db) == CONNECTION_OK) {
            break;
        }
    }
    int status = STATUS_OK;
    if (PQresultStatus(result) != PGRES_TUPLES_OK || PQntuples(result) != 1) {
        status = pg_error(p->db, result, doing, err);
    } else if (strcmp(PQgetvalue(result, 0, 0), "1") != 0) {
        status = error_set(err, STATUS_DENIED,
                           "the lease on %s is lost: another ingestor has taken it", p->name);
    }
    PQclear(result);
    return status;
}

/* ---- Opening ---- */

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
    } else if (PQntuples(result) == 1 && strtol(PQgetvalue(result, 0, 0), NULL, 10) > VERSION) {
        status = error_set(err, STATUS_NEWER,
                           "the state in the schema tilewire is of version %s, and this program "
                           "reads up to %d",
                           PQgetvalue(result, 0, 0), VERSION);
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

/* ---- Reading ---- */

static uint64_t get_u64(const PGresult *rows, int row, int column)
{
    uint64_t big;
    memcpy(&big, PQgetvalue(rows, row, column), sizeof big);
    return be64toh(big);
}

/* Remembers what the rows say. */
static int take_rows(const PGresult *rows, struct state_changes *out, uint64_t *damaged,
                     struct error *err)
{
    for (int i = 0; i < PQntuples(rows); i++) {
        const struct state_id id = {get_u64(rows, i, 0), get_u64(rows, i, 1), get_u64(rows, i, 2)};
        struct str value;
        if (*damaged != 0 && id.tile == *damaged) {
            continue;
        }
        if (state_unseal(id, (struct str){PQgetvalue(rows, i, 3), (size_t)PQgetlength(rows, i, 3)},
                         &value)) {
            state_put(out, id, value);
        } else if (id.tile != 0) {
            *damaged = id.tile;
            state_gone(out, STATE_TILE_GONE, (struct state_id){.tile = id.tile});
        } else {
            return error_set(err, STATUS_INVALID, "the state in tilewire.state is damaged");
        }
    }
    return STATUS_OK;
}

/* Opens a cursor on our rows, in a transaction. If each page were a statement of its own, a
 * database that knows nothing of the table yet would sort all the rest of it for each. */
static int open_cursor(struct postgres_state *p, struct error *err)
{
    const char *const parameters[] = {p->name};
    int status = pg_run(p->db,
                        "BEGIN READ ONLY; SET LOCAL jit = off; SET LOCAL enable_seqscan = off; "
                        "SET LOCAL enable_bitmapscan = off",
                        reading, err);
    if (status == STATUS_OK) {
        PGresult *opened =
            PQexecParams(p->db,
                         "DECLARE saved NO SCROLL CURSOR FOR SELECT tile, member, item, value FROM "
                         "tilewire.state WHERE name = $1 ORDER BY tile, member, item",
                         1, NULL, parameters, NULL, NULL, 0);
        status = PQresultStatus(opened) == PGRES_COMMAND_OK ? STATUS_OK
                                                            : pg_error(p->db, opened, reading, err);
        PQclear(opened);
    }
    return status;
}

static int postgres_load(struct state_store *store, struct state_changes *out, struct error *err)
{
    struct postgres_state *p = postgres_of(store);
    uint64_t damaged = 0;
    int count = -1;
    int status = reconnect(p, err);
    if (status == STATUS_OK) {
        status = open_cursor(p, err);
    }
    while (status == STATUS_OK && count != 0) {
        PGresult *rows =
            PQexecParams(p->db, "FETCH " PAGE_RECORDS " FROM saved", 0, NULL, NULL, NULL, NULL, 1);
        count = PQntuples(rows);
        status = PQresultStatus(rows) == PGRES_TUPLES_OK ? take_rows(rows, out, &damaged, err)
                                                         : pg_error(p->db, rows, reading, err);
        PQclear(rows);
    }
    if (status == STATUS_OK) {
        status = pg_run(p->db, "COMMIT", reading, err);
    } else if (p->db != NULL) {
        (void)pg_run(p->db, "ROLLBACK", reading, NULL);
    }
    return status == STATUS_OK && out->count == 0 ? pg_pointer_legacy(p->db, p->name, out, err)
                                                  : status;
}

static int postgres_journal(struct state_store *store, struct state_changes *out, struct error *err)
{
    struct postgres_state *p = postgres_of(store);
    const char *const parameters[] = {p->name};
    if (p->went_back) {
        return error_set(err, STATUS_INVALID,
                         "the database of the state has failed over, or was restored, since the "
                         "state was saved: records of its journal may be lost");
    }
    PGresult *result =
        PQexecParams(p->db, "SELECT record, n FROM tilewire.journal WHERE name = $1 ORDER BY n", 1,
                     NULL, parameters, NULL, NULL, 1);
    int status = PQresultStatus(result) == PGRES_TUPLES_OK
                     ? STATUS_OK
                     : pg_error(p->db, result, "cannot read the journal", err);
    for (int i = 0; status == STATUS_OK && i < PQntuples(result); i++) {
        enum frame_format format;
        struct str record;
        status =
            frame_unwrap((struct str){PQgetvalue(result, i, 0), (size_t)PQgetlength(result, i, 0)},
                         &format, &record, err);
        if (status == STATUS_OK) {
            state_put(out, (struct state_id){.item = get_u64(result, i, 1)}, record);
        } else {
            error_prefix(err, status, "a record in tilewire.journal cannot be used");
        }
    }
    PQclear(result);
    return status;
}

/* ---- Writing ---- */

static int postgres_append(struct state_store *store, uint64_t number, struct str record,
                           struct error *err)
{
    struct postgres_state *p = postgres_of(store);
    struct buf framed = {0};
    struct parameters in = {0};
    char n[24];
    snprintf(n, sizeof n, "%" PRIu64, number);
    frame_wrap(&framed, FRAME_CHECKPOINT, record);
    add_text(&in, p->name);
    add_text(&in, p->number);
    add_binary(&in, buf_str(&framed));
    add_text(&in, n);
    const int status = run_fenced(
        p,
        "WITH ours AS (SELECT name FROM tilewire.checkpoint WHERE name = $1 AND "
        "holder = $2::bigint FOR SHARE), added AS (INSERT INTO tilewire.journal (name, n, record) "
        "SELECT name, $4::numeric, $3::bytea FROM ours ON CONFLICT (name, n) DO UPDATE SET "
        "record = excluded.record) SELECT count(*) FROM ours",
        &in, "cannot write the journal", err);
    buf_free(&framed);
    return status == STATUS_IO && PQstatus(p->db) != CONNECTION_OK ? STATUS_AGAIN : status;
}

/* The arrays that a save is made of. */
enum array { PUT_TILE, PUT_MEMBER, PUT_ITEM, PUT_VALUE, GONE_TILE, GONE_MEMBER, GONE_ITEM, ARRAYS };

static const char save_sql[] =
    "WITH ours AS (SELECT name FROM tilewire.checkpoint WHERE name = $1 AND holder = $2::bigint "
    "FOR UPDATE), "
    "put AS MATERIALIZED (SELECT * FROM unnest($3::bigint[], $4::bigint[], $5::bigint[], "
    "$6::bytea[]) AS p (tile, member, item, value)), "
    "gone AS MATERIALIZED (SELECT * FROM unnest($7::bigint[], $8::bigint[], $9::bigint[]) "
    "AS g (tile, member, item)), "
    /* A number of -1 stands for all of them. */
    "items_gone AS (DELETE FROM tilewire.state s USING ours, gone g WHERE s.name = ours.name AND "
    "s.tile = g.tile AND s.member = g.member AND s.item = g.item), "
    "members_gone AS (DELETE FROM tilewire.state s USING ours, gone g WHERE s.name = ours.name AND "
    "s.tile = g.tile AND s.member = g.member AND g.item = -1 AND NOT EXISTS (SELECT FROM put p "
    "WHERE (p.tile, p.member, p.item) = (s.tile, s.member, s.item))), "
    "tiles_gone AS (DELETE FROM tilewire.state s USING ours, gone g WHERE s.name = ours.name AND "
    "s.tile = g.tile AND g.member = -1 AND NOT EXISTS (SELECT FROM put p "
    "WHERE (p.tile, p.member, p.item) = (s.tile, s.member, s.item))), "
    "all_gone AS (DELETE FROM tilewire.state s USING ours, gone g WHERE s.name = ours.name AND "
    "g.tile = -1 AND NOT EXISTS (SELECT FROM put p "
    "WHERE (p.tile, p.member, p.item) = (s.tile, s.member, s.item))), "
    "written AS (INSERT INTO tilewire.state (name, tile, member, item, value) "
    "SELECT ours.name, p.tile, p.member, p.item, p.value FROM ours, put p "
    "ON CONFLICT (name, tile, member, item) DO UPDATE SET value = excluded.value), "
    "shortened AS (DELETE FROM tilewire.journal j USING ours WHERE j.name = ours.name AND "
    "j.n <= $10::numeric), "
    "noted AS (UPDATE tilewire.checkpoint c SET bytes = $11::bytea, version = $12::integer, "
    "saved_at = now() FROM ours WHERE c.name = ours.name) "
    "SELECT count(*) FROM ours";

static void fill_arrays(const struct state_changes *changes, struct buf arrays[ARRAYS])
{
    const uint64_t every = UINT64_MAX; /* -1 */
    size_t puts = 0;
    for (size_t i = 0; i < changes->count; i++) {
        puts += changes->list[i].kind == STATE_PUT;
    }
    for (int i = 0; i < ARRAYS; i++) {
        pg_array_begin(&arrays[i], i == PUT_VALUE ? PG_TYPE_BYTEA : PG_TYPE_INT8,
                       i <= PUT_VALUE ? puts : changes->count - puts);
    }
    struct buf sealed = {0};
    for (size_t i = 0; i < changes->count; i++) {
        const struct state_change *c = &changes->list[i];
        if (c->kind == STATE_PUT) {
            buf_clear(&sealed);
            state_seal(&sealed, c->id, state_value(changes, c));
            pg_array_add_int8(&arrays[PUT_TILE], c->id.tile);
            pg_array_add_int8(&arrays[PUT_MEMBER], c->id.member);
            pg_array_add_int8(&arrays[PUT_ITEM], c->id.item);
            pg_array_add_bytea(&arrays[PUT_VALUE], buf_str(&sealed));
        } else {
            const bool tile = c->kind != STATE_ALL_GONE;
            const bool member = tile && c->kind != STATE_TILE_GONE;
            const bool item = member && c->kind != STATE_MEMBER_GONE;
            pg_array_add_int8(&arrays[GONE_TILE], tile ? c->id.tile : every);
            pg_array_add_int8(&arrays[GONE_MEMBER], member ? c->id.member : every);
            pg_array_add_int8(&arrays[GONE_ITEM], item ? c->id.item : every);
        }
    }
    buf_free(&sealed);
}

static int postgres_save(struct state_store *store, const struct state_changes *changes,
                         uint64_t record, struct error *err)
{
    struct postgres_state *p = postgres_of(store);
    struct buf arrays[ARRAYS] = {{0}};
    struct buf pointer = {0};
    struct parameters in = {0};
    struct state_changes settled = {0};
    char n[24];
    char version[16];
    state_changes_append(&settled, changes);
    state_changes_settle(&settled);
    fill_arrays(&settled, arrays);
    pg_pointer_put(&pointer, &p->past);
    snprintf(n, sizeof n, "%" PRIu64, record);
    snprintf(version, sizeof version, "%d", VERSION);
    add_text(&in, p->name);
    add_text(&in, p->number);
    for (int i = 0; i < ARRAYS; i++) {
        add_binary(&in, buf_str(&arrays[i]));
    }
    add_text(&in, n);
    add_binary(&in, buf_str(&pointer));
    add_text(&in, version);
    const int status = run_fenced(p, save_sql, &in, "cannot write the state", err);
    for (int i = 0; i < ARRAYS; i++) {
        buf_free(&arrays[i]);
    }
    buf_free(&pointer);
    state_changes_free(&settled);
    return status;
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
