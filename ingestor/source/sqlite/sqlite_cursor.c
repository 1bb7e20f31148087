/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SQLite by `source.cursor`: rows in the order of a column of times and the id, which may be text
 * or a blob. ingestor/source/cursor decides what is delivered; this reads.
 */
#include "ingestor/source/list.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/base/xalloc.h"
#include "common/lease/lease_file.h"
#include "common/program/log.h"
#include "common/state/state_file.h"
#include "ingestor/source/columns.h"
#include "ingestor/source/cursor/cursor.h"
#include "ingestor/source/cursor/cursor_past.h"
#include "ingestor/source/sqlite/sqlite_cursor_sql.h"
#include "ingestor/source/sqlite/sqlite_database.h"
#include "ingestor/source/sqlite/sqlite_key.h"
#include "ingestor/source/sqlite/sqlite_rows.h"
#include "ingestor/source/sqlite/sqlite_table.h"

/* A key in one piece of memory, as it is written for each row. */
struct slot {
    struct buf bytes; /* the time, and then the id */
    size_t time_len;  /* the bytes of the time */
};

struct sqlite_cursor {
    struct sqlite_source s; /* connection, wakes and turns; it is the base */
    struct cursor cursor;
    struct cursor_past past; /* of sqlite_cursor_open_past */
    sqlite3_stmt
        *ranges[SQLITE_CURSOR_SHAPES][SQLITE_CURSOR_STARTS][2]; /* and whether there is an end */
    sqlite3_stmt *one;                                          /* the row of a key */
    sqlite3_stmt *version;                                      /* of the schema */
    int64_t prepared_for;                                       /* that version */
    bool warned;                                                /* that there is no index */
    bool sorts; /* There is none, so each statement sorts its rows. */

    /* The row in hand. */
    sqlite3_stmt *row;
    struct slot slots[2]; /* its key, and that of the row before it, in turns */
    struct slot *slot;    /* its key: one of these */
    struct buf id_text;   /* scratch: a blob's hex digits */
};

static struct sqlite_cursor *cursor_of(struct source *source)
{
    return (struct sqlite_cursor *)(void *)source;
}

static struct cursor_key key_of(const struct slot *slot)
{
    const struct str all = buf_str(&slot->bytes);
    return (struct cursor_key){{all.p, slot->time_len},
                               {all.p + slot->time_len, all.len - slot->time_len}};
}

/* ---- Statements ---- */

static void close_statements(struct sqlite_cursor *c)
{
    for (int i = 0; i < SQLITE_CURSOR_SHAPES * SQLITE_CURSOR_STARTS * 2; i++) {
        sqlite3_stmt **statement =
            &c->ranges[i / 2 / SQLITE_CURSOR_STARTS][i / 2 % SQLITE_CURSOR_STARTS][i % 2];
        sqlite3_finalize(*statement);
        *statement = NULL;
    }
    sqlite3_finalize(c->one);
    sqlite3_finalize(c->version);
    c->one = NULL;
    c->version = NULL;
}

static bool prepare(struct sqlite_cursor *c, char *sql, sqlite3_stmt **out)
{
    const int result = sqlite3_prepare_v2(c->s.db, sql, -1, out, NULL);
    sqlite3_free(sql);
    return result == SQLITE_OK;
}

/* Says so when rows have to be sorted at each poll. */
static void warn_of_missing_index(struct sqlite_cursor *c)
{
    const struct config_source *source = &c->s.config->source;
    sqlite3_stmt *plan = NULL;
    bool sorts = false;
    char *sql = sqlite_cursor_range(source, "1", SQLITE_CURSOR_BEHIND_KEY, false);
    if (prepare(c, sqlite3_mprintf("EXPLAIN QUERY PLAN %s", sql), &plan)) {
        while (sqlite3_step(plan) == SQLITE_ROW) {
            const char *detail = (const char *)sqlite3_column_text(plan, 3);
            sorts |= detail != NULL && strstr(detail, "TEMP B-TREE") != NULL;
        }
    }
    sqlite3_finalize(plan);
    sqlite3_free(sql);
    if (sorts && !c->warned) {
        log_warn("table %s has no index for source.cursor, so all of it is sorted at each poll: "
                 "CREATE INDEX %s_cursor ON %s (%s, %s)",
                 source->table, source->table, source->table, source->cursor,
                 source->columns[EVENT_ID].name);
    }
    c->warned = sorts;
    c->sorts = sorts;
}

static int schema_version(struct sqlite_cursor *c, int64_t *out, struct error *err)
{
    if (c->version == NULL && !prepare(c, sqlite3_mprintf("PRAGMA schema_version"), &c->version)) {
        return sqlite_table_error(&c->s, "cannot read the schema", err);
    }
    const bool read = sqlite3_step(c->version) == SQLITE_ROW;
    *out = read ? sqlite3_column_int64(c->version, 0) : 0;
    sqlite3_reset(c->version);
    return read ? STATUS_OK : sqlite_table_error(&c->s, "cannot read the schema", err);
}

static int prepare_all(struct sqlite_cursor *c, const char *columns, struct error *err)
{
    const struct config_source *source = &c->s.config->source;
    const char *id = source->columns[EVENT_ID].name;
    char *shapes[SQLITE_CURSOR_SHAPES] = {
        sqlite_cursor_columns(source, SQLITE_CURSOR_WHOLE, columns),
        sqlite_cursor_columns(source, SQLITE_CURSOR_KEYS, columns)};
    bool ok = true;
    for (int i = 0; i < SQLITE_CURSOR_SHAPES * SQLITE_CURSOR_STARTS * 2 && ok; i++) {
        const int shape = i / 2 / SQLITE_CURSOR_STARTS;
        ok = prepare(
            c, sqlite_cursor_range(source, shapes[shape], i / 2 % SQLITE_CURSOR_STARTS, i % 2 != 0),
            &c->ranges[shape][i / 2 % SQLITE_CURSOR_STARTS][i % 2]);
    }
    ok = ok && prepare(c,
                       sqlite3_mprintf("SELECT %s FROM \"%w\".\"%w\" AS e WHERE "
                                       "e.\"%w\" = ?1 AND e.\"%w\" = ?2 LIMIT 1",
                                       shapes[SQLITE_CURSOR_WHOLE], sqlite_table_schema(source),
                                       source->table, source->cursor, id),
                       &c->one);
    for (int shape = 0; shape < SQLITE_CURSOR_SHAPES; shape++) {
        sqlite3_free(shapes[shape]);
    }
    if (!ok) {
        return sqlite_table_error(&c->s, "cannot read the table", err);
    }
    warn_of_missing_index(c);
    return schema_version(c, &c->prepared_for, err);
}

/* Makes the statements for the table as it is now, unless they are. */
static int prepare_for_schema(struct sqlite_cursor *c, struct error *err)
{
    struct buf columns = {0};
    int64_t version = 0;
    int status = schema_version(c, &version, err);
    if (status != STATUS_OK || (c->one != NULL && version == c->prepared_for)) {
        return status;
    }
    close_statements(c);
    status = sqlite_table_select(&c->s, c->s.config->source.cursor, &columns, err);
    if (status == STATUS_OK) {
        status = prepare_all(c, buf_cstr(&columns), err);
    }
    buf_free(&columns);
    return status;
}

/* ---- What cursor_db asks for ---- */

/* A scan under way, which makes way for writers: it then goes on behind its last row. */
struct scan {
    const struct cursor_range *range;
    struct slot last; /* the key of the last row; empty: there was none */
    int time_column;  /* where the cursor's column is */
    int id_column;    /* where the id's is */
    cursor_take *take;
    void *take_arg;
    size_t placed; /* rows with a place that were handed out */
    bool over;     /* `take` wants no more */
};

/* Where the two columns of the order are among those of the statement. */
static void find_columns(const struct sqlite_cursor *c, sqlite3_stmt *row, bool keys_only,
                         struct scan *scan)
{
    const bool is_timestamp = !keys_only && columns_time_is_known(&c->s.config->source);
    scan->time_column = is_timestamp ? SQLITE_TABLE_TIMESTAMP : sqlite3_column_count(row) - 1;
    scan->id_column = keys_only ? 0 : SQLITE_TABLE_ID;
}

/* Takes the row in hand. */
static void hand_out(struct sqlite_cursor *c, sqlite3_stmt *statement, struct scan *scan,
                     size_t asked)
{
    struct cursor_row row = {.asked = asked, .key_lasts = true};
    struct slot *slot = c->slot == &c->slots[0] ? &c->slots[1] : &c->slots[0];
    c->row = statement;
    c->slot = slot;
    buf_clear(&slot->bytes);
    sqlite_key_put(&slot->bytes, statement, scan->time_column);
    slot->time_len = slot->bytes.len;
    sqlite_key_put(&slot->bytes, statement, scan->id_column);
    row.key = key_of(slot);
    row.placed = row.key.time.len != 0 && row.key.id.len != 0 &&
                 sqlite_key_time(row.key.time, c->s.config->source.local.zone, &row.time);
    row.id = sqlite_key_id(row.key.id, &c->id_text);
    scan->placed += row.placed;
    scan->over = !scan->take(scan->take_arg, &row);
}

static void bind_range(sqlite3_stmt *statement, const struct cursor_key *after,
                       const struct cursor_key *until, size_t max_rows)
{
    if (after != NULL) {
        sqlite_key_bind(statement, 1, after->time);
        sqlite_key_bind(statement, 2, after->id);
    }
    if (until != NULL) {
        sqlite_key_bind(statement, 3, until->time);
        sqlite_key_bind(statement, 4, until->id);
    }
    sqlite3_bind_int64(statement, 5, (int64_t)max_rows);
}

/* Steps through the rows of a start until they, the range or the turn are over. Returns
 * SQLITE_DONE, SQLITE_ROW when there may be more, or an error. */
static int step_from(struct sqlite_cursor *c, struct scan *scan, int start,
                     const struct cursor_key *after)
{
    const struct cursor_range *range = scan->range;
    sqlite3_stmt *statement = c->ranges[range->keys_only ? SQLITE_CURSOR_KEYS : SQLITE_CURSOR_WHOLE]
                                       [start][range->until != NULL];
    const size_t limit = range->max_rows - scan->placed;
    size_t rows = 0;
    int step;
    find_columns(c, statement, range->keys_only, scan);
    bind_range(statement, after, range->until, limit);
    while ((step = sqlite3_step(statement)) == SQLITE_ROW) {
        hand_out(c, statement, scan, 0);
        if (++rows == limit || scan->over ||
            (rows % SQLITE_TURN_ROWS == 0 && sqlite_turn_is_over(&c->s.turn, c->s.db))) {
            break;
        }
    }
    sqlite3_reset(statement);
    if (step == SQLITE_ROW) { /* the key of that row, which bound texts may not be until now */
        buf_clear(&scan->last.bytes);
        buf_append_str(&scan->last.bytes, buf_str(&c->slot->bytes));
        scan->last.time_len = c->slot->time_len;
    }
    return step;
}

/* The same of all rows behind the last one, or where the range begins. */
static int step_through(struct sqlite_cursor *c, struct scan *scan)
{
    const bool resumed = scan->last.time_len != 0;
    const struct cursor_key last = key_of(&scan->last);
    const struct cursor_key *after = resumed ? &last : scan->range->after;
    const int start = after == NULL        ? SQLITE_CURSOR_FIRST
                      : after->id.len == 0 ? SQLITE_CURSOR_BEHIND_TIME
                      : c->sorts           ? SQLITE_CURSOR_BEHIND_KEY
                                           : SQLITE_CURSOR_OF_TIME;
    sqlite_turn_await(&c->s.turn, c->s.db);
    const int step = step_from(c, scan, start, after);
    return step == SQLITE_DONE && start == SQLITE_CURSOR_OF_TIME
               ? step_from(c, scan, SQLITE_CURSOR_LATER, after)
               : step;
}

static int scan(void *arg, const struct cursor_range *range, cursor_take *take, void *take_arg,
                bool *more, struct error *err)
{
    struct sqlite_cursor *c = arg;
    struct scan scan = {.range = range, .take = take, .take_arg = take_arg};
    int step;
    do {
        step = step_through(c, &scan);
    } while (step == SQLITE_ROW && !scan.over && scan.placed < range->max_rows);
    *more = scan.placed >= range->max_rows;
    buf_free(&scan.last.bytes);
    return step == SQLITE_ROW || step == SQLITE_DONE
               ? STATUS_OK
               : sqlite_table_error(&c->s, "cannot read the table", err);
}

static int find(void *arg, const struct cursor_key *keys, size_t count, cursor_take *take,
                void *take_arg, struct error *err)
{
    struct sqlite_cursor *c = arg;
    struct scan scan = {.take = take, .take_arg = take_arg};
    int step = SQLITE_DONE;
    find_columns(c, c->one, false, &scan);
    for (size_t i = 0; i < count && !scan.over && (step == SQLITE_ROW || step == SQLITE_DONE);
         i++) {
        sqlite_key_bind(c->one, 1, keys[i].time);
        sqlite_key_bind(c->one, 2, keys[i].id);
        step = sqlite3_step(c->one);
        if (step == SQLITE_ROW) {
            hand_out(c, c->one, &scan, i);
        }
        sqlite3_reset(c->one);
    }
    return step == SQLITE_ROW || step == SQLITE_DONE
               ? STATUS_OK
               : sqlite_table_error(&c->s, "cannot read the table", err);
}

static int newest(void *arg, size_t behind, wall_time *time, bool *found, struct error *err)
{
    struct sqlite_cursor *c = arg;
    const struct config_source *source = &c->s.config->source;
    const char *id = source->columns[EVENT_ID].name;
    sqlite3_stmt *row = NULL;
    char *sql =
        sqlite3_mprintf("SELECT e.\"%w\" FROM \"%w\".\"%w\" AS e WHERE e.\"%w\" IS NOT NULL "
                        "ORDER BY e.\"%w\" DESC, e.\"%w\" DESC LIMIT 1 OFFSET %lld",
                        source->cursor, sqlite_table_schema(source), source->table, source->cursor,
                        source->cursor, id, (long long)behind);
    *found = false;
    if (!prepare(c, sql, &row)) {
        return sqlite_table_error(&c->s, "cannot read the table", err);
    }
    const int step = sqlite3_step(row);
    *found = step == SQLITE_ROW && sqlite_rows_time(row, 0, source->local.zone, time);
    sqlite3_finalize(row);
    return step == SQLITE_ROW || step == SQLITE_DONE
               ? STATUS_OK
               : sqlite_table_error(&c->s, "cannot read the table", err);
}

static enum unusable fill(void *arg, struct batch *batch, struct event *event)
{
    struct sqlite_cursor *c = arg;
    return sqlite_rows_fill(&c->s, c->row, batch, event);
}

/* ---- The source ---- */

static void sqlite_cursor_close(struct source *source)
{
    struct sqlite_cursor *c = cursor_of(source);
    cursor_past_close(&c->past);
    cursor_close(&c->cursor);
    close_statements(c);
    sqlite3_close(c->s.db);
    sqlite_wake_close(&c->s.wake);
    buf_free(&c->slots[0].bytes);
    buf_free(&c->slots[1].bytes);
    buf_free(&c->id_text);
    free(c);
}

/* The file, by which it is told from another one. */
static int identify(struct sqlite_cursor *c, struct buf *out, struct error *err)
{
    const char *path = c->s.config->source.path;
    if (stat(path, &c->s.identity) != 0) {
        return error_set(err, STATUS_IO, "cannot find the database %s", path);
    }
    const int64_t born = sqlite_database_born(path); /* inodes are used again */
    buf_printf(out, "%llu/%llu/%" PRId64 ".%" PRId64, (unsigned long long)c->s.identity.st_dev,
               (unsigned long long)c->s.identity.st_ino, born / 1000000000, born % 1000000000);
    return STATUS_OK;
}

/* The inode and the birth; all of the identity where that is not known, or of no such form. */
static struct str without_device(struct str identity)
{
    static const struct str unknown = {"/0.0", 4};
    const char *slash = memchr(identity.p, '/', identity.len);
    if (slash == NULL ||
        (identity.len >= unknown.len &&
         memcmp(identity.p + identity.len - unknown.len, unknown.p, unknown.len) == 0)) {
        return identity;
    }
    return (struct str){slash, identity.len - (size_t)(slash - identity.p)};
}

/* The number of a device may be another one after each reboot. */
static bool is_same(void *arg, struct str before, struct str now)
{
    (void)arg;
    return str_equal(without_device(before), without_device(now));
}

static struct sqlite_cursor *create(const struct config *config, const struct source_ops *ops,
                                    struct cursor_db *db)
{
    struct sqlite_cursor *c = x_calloc(1, sizeof *c);
    *db = (struct cursor_db){
        .arg = c, .scan = scan, .find = find, .newest = newest, .fill = fill, .same = is_same};
    c->s.base.ops = ops;
    c->s.config = config;
    c->s.wake.inotify = -1;
    return c;
}

static int sqlite_cursor_open(const struct config *config, struct str state, struct str journal,
                              uint64_t epoch, struct source **out, struct error *err)
{
    struct cursor_db db;
    struct sqlite_cursor *c = create(config, &source_sqlite_cursor, &db);
    struct buf identity = {0};
    int status = sqlite_database_open(&c->s, err);
    if (status == STATUS_OK) {
        status = identify(c, &identity, err);
    }
    if (status == STATUS_OK) {
        status = prepare_for_schema(c, err);
    }
    if (status == STATUS_OK) {
        status =
            cursor_open(&c->cursor, config, &db, state, journal, epoch, buf_str(&identity), err);
    }
    buf_free(&identity);
    if (status != STATUS_OK) {
        sqlite_cursor_close(&c->s.base);
        return status;
    }
    sqlite_wake_unlinked(&c->s.wake, config->source.path); /* remembers them: they are open now */
    *out = &c->s.base;
    return STATUS_OK;
}

static int sqlite_cursor_read(struct source *source, size_t max_rows, struct batch **out,
                              struct error *err)
{
    struct sqlite_cursor *c = cursor_of(source);
    *out = NULL;
    const int status = prepare_for_schema(c, err);
    return status == STATUS_OK ? cursor_read(&c->cursor, max_rows, out, err) : status;
}

static int sqlite_cursor_wait(struct source *source, int wake_fd, int timeout_ms, bool *woken,
                              struct error *err)
{
    struct sqlite_cursor *c = cursor_of(source);
    const int wait_ms = cursor_wait_ms(&c->cursor, timeout_ms);
    bool over;
    int status = sqlite_database_wait(&c->s, wake_fd, wait_ms, woken, &over, err);
    if (*woken) {
        cursor_woken(&c->cursor);
    } else if (status == STATUS_OK && over && wait_ms == timeout_ms) {
        status = sqlite_database_check(&c->s, err);
    }
    *woken |= cursor_due(&c->cursor);
    return status;
}

static uint64_t sqlite_cursor_renumber(struct source *source)
{
    return cursor_renumber(&cursor_of(source)->cursor);
}

/* ---- The past ---- */

static int sqlite_past_read(struct source *source, size_t max_rows, struct batch **out,
                            struct error *err)
{
    struct sqlite_cursor *c = cursor_of(source);
    const int status = prepare_for_schema(c, err);
    return status == STATUS_OK ? cursor_past_read(&c->past, max_rows, out, err) : status;
}

static const struct source_ops past_ops = {.close = sqlite_cursor_close, .read = sqlite_past_read};

static int sqlite_cursor_open_past(const struct config *config, struct str from, struct str to,
                                   struct str done, struct source **out, struct error *err)
{
    struct cursor_db db;
    struct sqlite_cursor *c = create(config, &past_ops, &db);
    c->warned = true; /* by the source that goes on */
    int status = cursor_past_open(&c->past, &c->cursor, config, &db, from, to, done, err);
    if (status == STATUS_OK) {
        status = sqlite_database_open(&c->s, err);
    }
    if (status != STATUS_OK) {
        sqlite_cursor_close(&c->s.base);
        return status;
    }
    *out = &c->s.base;
    return STATUS_OK;
}

const struct source_ops source_sqlite_cursor = {
    .scheme = "sqlite",
    .journals = true,
    .stores = {&state_file, &lease_file},
    .open = sqlite_cursor_open,
    .close = sqlite_cursor_close,
    .open_past = sqlite_cursor_open_past,
    .state_is_newer = cursor_state_is_newer,
    .read = sqlite_cursor_read,
    .wait = sqlite_cursor_wait,
    .renumber = sqlite_cursor_renumber,
};
