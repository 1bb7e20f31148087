/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PostgreSQL by `source.cursor`: rows in the order of a column of times and the id, which may be of
 * any type that has an order. ingestor/source/cursor decides what is delivered; this reads.
 *
 * Values of a key are texts, as the database writes them, and are given back as parameters of the
 * column's own type.
 */
#include "ingestor/source/list.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/xalloc.h"
#include "common/lease/lease_postgres.h"
#include "common/postgres/pg.h"
#include "common/postgres/pg_pooled.h"
#include "common/program/log.h"
#include "common/state/state_postgres.h"
#include "ingestor/source/columns.h"
#include "ingestor/source/cursor/cursor.h"
#include "ingestor/source/cursor/cursor_past.h"
#include "ingestor/source/postgres/pg_connection.h"
#include "ingestor/source/postgres/pg_cursor_table.h"
#include "ingestor/source/postgres/pg_rows.h"
#include "ingestor/source/postgres/pg_statements.h"

#define PAGE_ROWS 4000
#define KEYS_PAGE_ROWS 20000

enum { WHOLE, KEYS, SHAPES };

struct pg_cursor {
    struct postgres_source s; /* connection and table; it is the base */
    struct pg_cursor_table table;
    struct cursor cursor;
    bool table_time;         /* The cursor's column is that of the timestamp. */
    struct cursor_past past; /* of pg_cursor_open_past */

    /* The row in hand. */
    const PGresult *rows;
    int row;
};

static struct pg_cursor *cursor_of(struct source *source)
{
    return (struct pg_cursor *)(void *)source;
}

/* ---- What cursor_db asks for ---- */

static struct str text_at(const PGresult *rows, int row, int column)
{
    return PQgetisnull(rows, row, column) ? STR_NULL
                                          : (struct str){PQgetvalue(rows, row, column),
                                                         (size_t)PQgetlength(rows, row, column)};
}

/* Takes a row: the cursor's two values are the last columns. */
static bool hand_out(struct pg_cursor *c, const PGresult *rows, int row, cursor_take *take,
                     void *arg)
{
    const int time_at = PQnfields(rows) - 2;
    const bool keys = time_at == EVENT_ID + 1;
    struct cursor_row handed = {.id = STR("")};
    handed.key.time = text_at(rows, row, time_at);
    handed.key.id = text_at(rows, row, time_at + 1);
    const struct str id = text_at(rows, row, EVENT_ID);
    handed.id = id.p != NULL ? id : STR("");
    const struct config_source *source = &c->s.config->source;
    handed.placed = handed.key.time.len != 0 && handed.key.id.p != NULL &&
                    (c->table_time && !keys ? pg_row_time(&c->s, rows, row, &handed.time)
                                            : wall_parse(handed.key.time.p, handed.key.time.len,
                                                         source->local.zone, &handed.time));
    c->rows = rows;
    c->row = row;
    return take(arg, &handed);
}

static int query(struct pg_cursor *c, const char *sql, int count, const char *const *parameters,
                 PGresult **out, struct error *err)
{
    PGconn *db = c->s.db;
    if (!c->s.pooled) {
        *out = PQexecParams(db, sql, count, NULL, parameters, NULL, NULL, 1);
    } else {
        *out = pg_pooled_begin(db, pg_pooled_settings) && pg_statements_send_settings(&c->s) &&
                       PQsendQueryParams(db, sql, count, NULL, parameters, NULL, NULL, 1) == 1
                   ? pg_pooled_end(db)
                   : NULL;
    }
    if (PQresultStatus(*out) == PGRES_TUPLES_OK) {
        return STATUS_OK;
    }
    const int status = pg_error(db, *out, "cannot read the events table", err);
    PQclear(*out);
    *out = NULL;
    return status;
}

/* The text with a NUL behind it, as libpq wants parameters. */
static const char *terminated(struct buf *out, struct str text)
{
    buf_clear(out);
    buf_append_str(out, text);
    return buf_cstr(out);
}

/* A page of a range that begins behind `after`. */
static int read_page(struct pg_cursor *c, const struct cursor_range *range,
                     const struct cursor_key *after, size_t max_rows, PGresult **out,
                     struct error *err)
{
    struct buf texts[4] = {{0}};
    char limit[32];
    const char *parameters[5] = {NULL, NULL, NULL, NULL, limit};
    const int shape = range->keys_only ? KEYS : WHOLE;
    snprintf(limit, sizeof limit, "%zu", max_rows);
    if (after != NULL) {
        parameters[0] = terminated(&texts[0], after->time);
        parameters[1] = terminated(&texts[1], after->id);
    }
    if (range->until != NULL) {
        parameters[2] = terminated(&texts[2], range->until->time);
        parameters[3] = terminated(&texts[3], range->until->id);
    }
    const int status = query(c, c->table.ranges[shape][after != NULL][range->until != NULL], 5,
                             parameters, out, err);
    for (size_t i = 0; i < 4; i++) {
        buf_free(&texts[i]);
    }
    return status;
}

static int scan(void *arg, const struct cursor_range *range, cursor_take *take, void *take_arg,
                bool *more, struct error *err)
{
    struct pg_cursor *c = arg;
    struct cursor_key last;
    const struct cursor_key *after = range->after;
    PGresult *rows = NULL;
    PGresult *page = NULL;
    size_t handed = 0;
    bool wanted = true;
    int status = STATUS_OK;
    size_t page_rows = range->keys_only ? KEYS_PAGE_ROWS : PAGE_ROWS;
    int count;
    do {
        page_rows = range->max_rows - handed < page_rows ? range->max_rows - handed : page_rows;
        status = read_page(c, range, after, page_rows, &page, err);
        count = status == STATUS_OK ? PQntuples(page) : 0;
        PQclear(rows); /* `after` was in it until now */
        rows = page;
        for (int i = 0; i < count && wanted; i++) {
            wanted = hand_out(c, rows, i, take, take_arg);
            handed++;
        }
        if (count != 0) {
            const int time_at = PQnfields(rows) - 2;
            last = (struct cursor_key){text_at(rows, count - 1, time_at),
                                       text_at(rows, count - 1, time_at + 1)};
            after = &last;
        }
    } while (status == STATUS_OK && wanted && (size_t)count == page_rows &&
             handed < range->max_rows && last.id.p != NULL);
    *more = handed >= range->max_rows;
    PQclear(rows);
    return status;
}

static int find(void *arg, const struct cursor_key *key, cursor_take *take, void *take_arg,
                struct error *err)
{
    struct pg_cursor *c = arg;
    struct buf texts[2] = {{0}};
    const char *const parameters[] = {terminated(&texts[0], key->time),
                                      terminated(&texts[1], key->id)};
    PGresult *rows = NULL;
    const int status = query(c, c->table.one, 2, parameters, &rows, err);
    if (status == STATUS_OK && PQntuples(rows) != 0) {
        (void)hand_out(c, rows, 0, take, take_arg);
    }
    PQclear(rows);
    buf_free(&texts[0]);
    buf_free(&texts[1]);
    return status;
}

static enum unusable fill(void *arg, struct batch *batch, struct event *event)
{
    struct pg_cursor *c = arg;
    return pg_row_fill(&c->s, c->rows, c->row, batch, event);
}

/* ---- The source ---- */

static void pg_cursor_close(struct source *source)
{
    struct pg_cursor *c = cursor_of(source);
    cursor_past_close(&c->past);
    cursor_close(&c->cursor);
    pg_cursor_table_free(&c->table);
    PQfinish(c->s.db);
    pg_state_free(&c->s);
    free(c);
}

static struct pg_cursor *create(const struct config *config, const struct source_ops *ops,
                                struct cursor_db *db)
{
    struct pg_cursor *c = x_calloc(1, sizeof *c);
    *db = (struct cursor_db){.arg = c, .scan = scan, .find = find, .fill = fill};
    c->s.base.ops = ops;
    c->s.config = config;
    c->table_time = columns_time_is_known(&config->source);
    return c;
}

static int connect_table(struct pg_cursor *c, struct error *err)
{
    int status = pg_connection_open(&c->s, err);
    if (status == STATUS_OK) {
        status = pg_cursor_table_describe(&c->table, &c->s, err);
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
        buf_printf(&identity, "%d", c->s.table.oid);
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

static int pg_cursor_read(struct source *source, size_t max_rows, struct batch **out,
                          struct error *err)
{
    return cursor_read(&cursor_of(source)->cursor, max_rows, out, err);
}

static int pg_cursor_wait(struct source *source, int wake_fd, int timeout_ms, bool *woken,
                          struct error *err)
{
    struct pg_cursor *c = cursor_of(source);
    const int wait_ms = cursor_wait_ms(&c->cursor, timeout_ms);
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
