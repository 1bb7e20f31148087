/* SPDX-License-Identifier: Apache-2.0 */
#include "common/state/postgres_save.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/postgres/pg.h"
#include "common/postgres/pg_pooled.h"
#include "common/state/frame.h"
#include "common/state/parts.h"
#include "common/state/pg_arrays.h"
#include "common/state/pg_pointer.h"
#include "common/state/postgres_store.h"

#define PART_BYTES_MAX ((size_t)4 << 20) /* of what one statement is given */

static const char writing[] = "cannot write the state";

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

/* Looks at what a statement gives: the number of rows of ours that it found, one, or none if the
 * lease is lost. */
static int judge(struct postgres_state *p, PGresult *result, const char *doing, struct error *err)
{
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

/* Runs such a statement. A connection that turns out to be broken is made anew once, and the
 * statement run again: each may be run twice. */
static int run_fenced(struct postgres_state *p, const char *sql, const struct parameters *in,
                      const char *doing, struct error *err)
{
    PGresult *result = NULL;
    for (int tries = 0; tries < 2; tries++) {
        PQclear(result);
        result = NULL;
        const int status = postgres_reconnect(p, err);
        if (status != STATUS_OK) {
            return status;
        }
        result = run_once(p, sql, in);
        if (PQstatus(p->db) == CONNECTION_OK) {
            break;
        }
    }
    return judge(p, result, doing, err);
}

int postgres_append(struct state_store *store, uint64_t number, struct str record,
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
    "s.tile = g.tile AND s.member = g.member AND g.item = -1 AND (s.tile, s.member, s.item) NOT IN "
    "(SELECT tile, member, item FROM put)), "
    "tiles_gone AS (DELETE FROM tilewire.state s USING ours, gone g WHERE s.name = ours.name AND "
    "s.tile = g.tile AND g.member = -1 AND (s.tile, s.member, s.item) NOT IN "
    "(SELECT tile, member, item FROM put)), "
    "all_gone AS (DELETE FROM tilewire.state s USING ours, gone g WHERE s.name = ours.name AND "
    "g.tile = -1 AND (s.tile, s.member, s.item) NOT IN "
    "(SELECT tile, member, item FROM put)), "
    "written AS (INSERT INTO tilewire.state (name, tile, member, item, value) "
    "SELECT ours.name, p.tile, p.member, p.item, p.value FROM ours, put p "
    "ON CONFLICT (name, tile, member, item) DO UPDATE SET value = excluded.value), "
    "shortened AS (DELETE FROM tilewire.journal j USING ours WHERE j.name = ours.name AND "
    "j.n <= $10::numeric), "
    "noted AS (UPDATE tilewire.checkpoint c SET bytes = $11::bytea, version = $12::integer, "
    "saved_at = now() FROM ours WHERE c.name = ours.name) "
    "SELECT count(*) FROM ours";

/* What a save writes. */
struct saving {
    struct state_changes changes; /* ordered (parts.h) */
    struct buf pointer;
    char record[24];
    char version[16];
};

/* Changes that one statement makes: its parameters, and the memory that they are in. */
struct part {
    struct buf arrays[ARRAYS];
    struct parameters in;
};

static void fill_arrays(const struct state_changes *changes, size_t from, size_t end,
                        struct buf arrays[ARRAYS])
{
    const uint64_t every = UINT64_MAX; /* -1 */
    size_t puts = 0;
    for (size_t i = from; i < end; i++) {
        puts += changes->list[i].kind == STATE_PUT;
    }
    for (int i = 0; i < ARRAYS; i++) {
        pg_array_begin(&arrays[i], i == PUT_VALUE ? PG_TYPE_BYTEA : PG_TYPE_INT8,
                       i <= PUT_VALUE ? puts : end - from - puts);
    }
    struct buf sealed = {0};
    for (size_t i = from; i < end; i++) {
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

static void part_init(struct part *part, const struct postgres_state *p,
                      const struct saving *saving, size_t from, size_t end)
{
    *part = (struct part){.in = {.count = 0}};
    fill_arrays(&saving->changes, from, end, part->arrays);
    add_text(&part->in, p->name);
    add_text(&part->in, p->number);
    for (int i = 0; i < ARRAYS; i++) {
        add_binary(&part->in, buf_str(&part->arrays[i]));
    }
    add_text(&part->in, saving->record);
    add_binary(&part->in, buf_str(&saving->pointer));
    add_text(&part->in, saving->version);
}

static void part_free(struct part *part)
{
    for (int i = 0; i < ARRAYS; i++) {
        buf_free(&part->arrays[i]);
    }
}

static int save_at_once(struct postgres_state *p, const struct saving *saving, struct error *err)
{
    struct part part;
    part_init(&part, p, saving, 0, saving->changes.count);
    const int status = run_fenced(p, save_sql, &part.in, writing, err);
    part_free(&part);
    return status;
}

/* A client that is stopped in the middle would keep the lock: so the server ends the transaction,
 * when it has heard nothing for a while. */
static const char begin_parts[] = "BEGIN; SET LOCAL idle_in_transaction_session_timeout = '3s'; "
                                  "SET LOCAL jit = off; SET LOCAL enable_seqscan = off";

static int save_transaction(struct postgres_state *p, const struct saving *saving,
                            struct error *err)
{
    const size_t count = saving->changes.count;
    size_t end = 0;
    int status = pg_run(p->db, begin_parts, writing, err);
    for (size_t from = 0; status == STATUS_OK && from < count; from = end) {
        struct part part;
        end = state_parts_end(&saving->changes, from, PART_BYTES_MAX);
        part_init(&part, p, saving, from, end);
        const struct parameters *in = &part.in;
        status = judge(
            p,
            PQexecParams(p->db, save_sql, in->count, NULL, in->values, in->lengths, in->formats, 0),
            writing, err);
        part_free(&part);
    }
    if (status == STATUS_OK) {
        return pg_run(p->db, "COMMIT", writing, err);
    }
    if (PQstatus(p->db) == CONNECTION_OK) {
        (void)pg_run(p->db, "ROLLBACK", writing, NULL);
    }
    return status;
}

/* As run_fenced does it: what is written twice is the same. */
static int save_in_parts(struct postgres_state *p, const struct saving *saving, struct error *err)
{
    int status = STATUS_IO;
    for (int tries = 0; tries < 2 && status == STATUS_IO; tries++) {
        status = postgres_reconnect(p, err);
        if (status != STATUS_OK) {
            return status;
        }
        status = save_transaction(p, saving, err);
        if (PQstatus(p->db) == CONNECTION_OK) {
            break;
        }
    }
    return status;
}

int postgres_save(struct state_store *store, const struct state_changes *changes, uint64_t record,
                  struct error *err)
{
    struct postgres_state *p = postgres_of(store);
    struct saving saving = {.changes = {0}};
    state_changes_append(&saving.changes, changes);
    state_changes_settle(&saving.changes);
    state_parts_order(&saving.changes);
    pg_pointer_put(&saving.pointer, &p->past);
    snprintf(saving.record, sizeof saving.record, "%" PRIu64, record);
    snprintf(saving.version, sizeof saving.version, "%d", POSTGRES_STATE_VERSION);
    const size_t first_end = state_parts_end(&saving.changes, 0, PART_BYTES_MAX);
    const int status = first_end == saving.changes.count ? save_at_once(p, &saving, err)
                                                         : save_in_parts(p, &saving, err);
    buf_free(&saving.pointer);
    state_changes_free(&saving.changes);
    return status;
}
