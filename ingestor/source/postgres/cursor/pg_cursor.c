/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PostgreSQL by `source.cursor`: rows in the order of a column of times and the id, which may be of
 * any type that has an order. ingestor/source/cursor decides what is delivered; this reads.
 */
#include "ingestor/source/list.h"

#include <stdlib.h>

#include "common/base/xalloc.h"
#include "common/lease/lease_postgres.h"
#include "common/postgres/pg.h"
#include "common/state/state_postgres.h"
#include "ingestor/source/cursor/cursor.h"
#include "ingestor/source/cursor/cursor_past.h"
#include "ingestor/source/postgres/cursor/pg_cursor_identity.h"
#include "ingestor/source/postgres/cursor/pg_cursor_read.h"
#include "ingestor/source/postgres/pg_connection.h"
#include "ingestor/source/postgres/pg_lost.h"
#include "ingestor/source/postgres/pg_statements.h"

#define CLOCK_EACH_US (10 * US_PER_S)

struct pg_cursor {
    struct postgres_source s; /* connection and table; it is the base */
    struct pg_cursor_reader reader;
    struct cursor cursor;
    struct cursor_past past;  /* of pg_cursor_open_past */
    bool clock_asked;         /* The server was asked for its time. */
    mono_time clock_asked_at; /* when that was */
};

static struct pg_cursor *cursor_of(struct source *source)
{
    return (struct pg_cursor *)(void *)source;
}

/* ---- The source ---- */

static void pg_cursor_close(struct source *source)
{
    struct pg_cursor *c = cursor_of(source);
    cursor_past_close(&c->past);
    cursor_close(&c->cursor);
    pg_cursor_reader_free(&c->reader);
    PQfinish(c->s.db);
    pg_state_free(&c->s);
    free(c);
}

static bool is_same(void *arg, struct str before, struct str now)
{
    const struct pg_cursor_reader *reader = arg;
    return pg_cursor_identity_same(reader->s, before, now);
}

static struct pg_cursor *create(const struct config *config, const struct source_ops *ops,
                                struct cursor_db *db)
{
    struct pg_cursor *c = x_calloc(1, sizeof *c);
    *db = (struct cursor_db){.arg = &c->reader,
                             .scan = pg_cursor_scan,
                             .find = pg_cursor_find,
                             .newest = pg_cursor_newest,
                             .fill = pg_cursor_fill,
                             .same = is_same};
    c->reader.s = &c->s;
    c->s.base.ops = ops;
    c->s.config = config;
    return c;
}

static int connect_table(struct pg_cursor *c, struct error *err)
{
    int status = pg_connection_open(&c->s, err);
    if (status == STATUS_OK) {
        status = pg_take_bytes(c->s.db, c->s.pooled, &c->reader.bytes, err);
    }
    if (status == STATUS_OK) {
        status = pg_cursor_table_describe(&c->reader.table, &c->s, err);
    }
    if (status == STATUS_OK && !c->s.pooled) {
        status = pg_statements_set_plans(&c->s, err);
    }
    return status;
}

static int pg_cursor_open(const struct config *config, struct str state, struct str journal,
                          uint64_t epoch, struct source **out, struct error *err)
{
    struct cursor_db db;
    struct pg_cursor *c = create(config, &source_postgres_cursor, &db);
    struct buf identity = {0};
    int status = connect_table(c, err);
    if (status == STATUS_OK) {
        status = pg_connection_listen(&c->s, err);
    }
    if (status == STATUS_OK) {
        status = pg_cursor_identity_read(&c->s, &identity, err);
    }
    if (status == STATUS_OK) {
        status =
            cursor_open(&c->cursor, config, &db, state, journal, epoch, buf_str(&identity), err);
    }
    buf_free(&identity);
    if (status != STATUS_OK) {
        pg_cursor_close(&c->s.base);
        return status;
    }
    *out = &c->s.base;
    return STATUS_OK;
}

/* Asks the server for its time, now and then. */
static int ask_clock(struct pg_cursor *c, struct error *err)
{
    static const char sql[] = "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint";
    const mono_time asked = clock_mono();
    PGresult *answer;
    if (c->clock_asked && asked.us - c->clock_asked_at.us < CLOCK_EACH_US) {
        return STATUS_OK;
    }
    pg_cursor_reader_settle(&c->reader);
    const int status = pg_query(c->s.db, sql, &answer, "cannot ask the server for its time", err);
    if (status == STATUS_OK) {
        const wall_time theirs = {strtoll(PQgetvalue(answer, 0, 0), NULL, 10)};
        database_clock_measure(&c->s.clock, theirs, asked, clock_now());
        PQclear(answer);
    }
    c->clock_asked = true;
    c->clock_asked_at = asked;
    return status;
}

static int pg_cursor_read(struct source *source, size_t max_rows, struct batch **out,
                          struct error *err)
{
    struct pg_cursor *c = cursor_of(source);
    *out = NULL;
    int status = c->s.pooled ? pg_lost_inspect(&c->s, err) : STATUS_OK;
    if (status == STATUS_OK) {
        status = ask_clock(c, err);
    }
    if (status == STATUS_OK) {
        status = cursor_read(&c->cursor, max_rows, out, err);
    }
    if (*out != NULL) {
        (*out)->runs_on = c->s.runs_on;
        (*out)->database_clock = c->s.clock;
    }
    return status;
}

static int pg_cursor_wait(struct source *source, int wake_fd, int timeout_ms, bool *woken,
                          struct error *err)
{
    struct pg_cursor *c = cursor_of(source);
    const int wait_ms = cursor_wait_ms(&c->cursor, timeout_ms);
    pg_cursor_reader_settle(&c->reader);
    int status = pg_connection_wait(&c->s, wake_fd, wait_ms, woken, err);
    if (*woken) {
        cursor_woken(&c->cursor);
    } else if (status == STATUS_OK && wait_ms == timeout_ms && timeout_ms != 0) {
        status = pg_cursor_table_check(&c->s, err);
    }
    *woken |= cursor_due(&c->cursor);
    return status;
}

static uint64_t pg_cursor_renumber(struct source *source)
{
    return cursor_renumber(&cursor_of(source)->cursor);
}

/* ---- The past ---- */

static int pg_cursor_past_read(struct source *source, size_t max_rows, struct batch **out,
                               struct error *err)
{
    return cursor_past_read(&cursor_of(source)->past, max_rows, out, err);
}

static const struct source_ops past_ops = {.close = pg_cursor_close, .read = pg_cursor_past_read};

static int pg_cursor_open_past(const struct config *config, struct str from, struct str to,
                               struct str done, struct source **out, struct error *err)
{
    struct cursor_db db;
    struct pg_cursor *c = create(config, &past_ops, &db);
    int status = cursor_past_open(&c->past, &c->cursor, config, &db, from, to, done, err);
    if (status == STATUS_OK) {
        status = connect_table(c, err);
    }
    if (status != STATUS_OK) {
        pg_cursor_close(&c->s.base);
        return status;
    }
    *out = &c->s.base;
    return STATUS_OK;
}

const struct source_ops source_postgres_cursor = {
    .scheme = "postgresql",
    .journals = true,
    .stores = {&state_postgres, &lease_postgres},
    .open = pg_cursor_open,
    .close = pg_cursor_close,
    .open_past = pg_cursor_open_past,
    .state_is_newer = cursor_state_is_newer,
    .read = pg_cursor_read,
    .wait = pg_cursor_wait,
    .renumber = pg_cursor_renumber,
};
