/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/push/push_table.h"

#include <sqlite3.h>
#include <stdlib.h>

#include "common/base/fnv.h"
#include "common/base/xalloc.h"
#include "common/push/pushed_event.h"
#include "ingestor/source/push/push_file.h"

enum statement {
    BEGIN,
    COMMIT,
    ROLLBACK,
    MARK,
    GO_BACK,
    UNMARK,
    INSERT,
    FIND_KEY,
    ADD_KEY,
    DELETE_EVENTS,
    DELETE_KEYS,
    STATEMENTS
};

static const char *const texts[STATEMENTS] = {
    [BEGIN] = "BEGIN IMMEDIATE",
    [COMMIT] = "COMMIT",
    [ROLLBACK] = "ROLLBACK",
    [MARK] = "SAVEPOINT push",
    [GO_BACK] = "ROLLBACK TO push",
    [UNMARK] = "RELEASE push",
    [INSERT] = "INSERT INTO events (timestamp, event_type, actor_id, target_id, summary, payload, "
               "received_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    [FIND_KEY] = "SELECT first_id, events, digest FROM pushes WHERE key = ?1",
    [ADD_KEY] = "INSERT INTO pushes (key, first_id, events, digest, received_at) "
                "VALUES (?1, ?2, ?3, ?4, ?5)",
    /* Ids grow with time, so the oldest are looked at and no others. */
    [DELETE_EVENTS] = "DELETE FROM events WHERE received_at < ?1 AND id IN "
                      "(SELECT id FROM events WHERE id <= ?2 ORDER BY id LIMIT ?3)",
    [DELETE_KEYS] = "DELETE FROM pushes WHERE key IN "
                    "(SELECT key FROM pushes WHERE received_at < ?1 ORDER BY received_at LIMIT ?2)",
};

struct push_table {
    char *path;
    sqlite3 *db;
    sqlite3_stmt *statements[STATEMENTS];
};

int push_table_open(const char *path, struct push_table **out, struct error *err)
{
    struct push_table *t = x_calloc(1, sizeof *t);
    t->path = x_strdup(path);
    int status = push_file_open(path, &t->db, err);
    for (size_t i = 0; status == STATUS_OK && i < STATEMENTS; i++) {
        if (sqlite3_prepare_v3(t->db, texts[i], -1, SQLITE_PREPARE_PERSISTENT, &t->statements[i],
                               NULL) != SQLITE_OK) {
            status = push_file_error(t->db, path, "use", err);
        }
    }
    *out = t;
    if (status != STATUS_OK) {
        push_table_close(out);
    }
    return status;
}

void push_table_close(struct push_table **table_p)
{
    struct push_table *t = *table_p;
    if (t == NULL) {
        return;
    }
    for (size_t i = 0; i < STATEMENTS; i++) {
        sqlite3_finalize(t->statements[i]);
    }
    sqlite3_close(t->db);
    free(t->path);
    free(t);
    *table_p = NULL;
}

/* Runs a statement that gives no row; it is ready for the next time. */
static int run(struct push_table *t, enum statement which, struct error *err)
{
    sqlite3_stmt *statement = t->statements[which];
    const bool done = sqlite3_step(statement) == SQLITE_DONE;
    const int status = done ? STATUS_OK : push_file_error(t->db, t->path, "write to", err);
    sqlite3_reset(statement);
    return status;
}

int push_table_begin(struct push_table *table, struct error *err)
{
    return run(table, BEGIN, err);
}

void push_table_rollback(struct push_table *table)
{
    if (sqlite3_get_autocommit(table->db) == 0) {
        (void)run(table, ROLLBACK, NULL);
    }
}

int push_table_commit(struct push_table *table, struct error *err)
{
    const int status = run(table, COMMIT, err);
    if (status != STATUS_OK) {
        push_table_rollback(table);
    }
    return status;
}

static void bind_text(sqlite3_stmt *statement, int index, struct str text)
{
    if (text.p == NULL) {
        sqlite3_bind_null(statement, index);
    } else {
        sqlite3_bind_text64(statement, index, text.p, text.len, SQLITE_STATIC, SQLITE_UTF8);
    }
}

static int insert(struct push_table *t, const struct pushed_event *event, wall_time now,
                  struct error *err)
{
    char time[WALL_TEXT_SIZE];
    sqlite3_stmt *statement = t->statements[INSERT];
    for (int i = EVENT_TIMESTAMP; i < EVENT_FIELDS; i++) {
        bind_text(statement, i, event->fields[i]);
    }
    if (event->fields[EVENT_TIMESTAMP].p == NULL) {
        bind_text(statement, EVENT_TIMESTAMP, str_of(wall_format(now, time)));
    }
    sqlite3_bind_int64(statement, EVENT_FIELDS, now.us);
    const int status = run(t, INSERT, err);
    sqlite3_clear_bindings(statement);
    return status;
}

/* What tells a repeated push from another one with the same key. */
static uint64_t digest_of(uint64_t digest, const struct pushed_event *event)
{
    for (size_t i = EVENT_TIMESTAMP; i < EVENT_FIELDS; i++) {
        const struct str text = event->fields[i];
        const char mark = text.p != NULL ? '\1' : '\0';
        digest = fnv1a(digest, (struct str){&mark, 1});
        digest = fnv1a(digest, (struct str){(const char *)&text.len, sizeof text.len});
        digest = fnv1a(digest, text);
    }
    return digest;
}

/* Stores all of them, and says by *digest what they were. */
static int insert_all(struct push_table *t, const struct push_wish *wish, wall_time now,
                      struct push_outcome *out, struct error *err)
{
    for (size_t i = 0; i < mp_count(wish->events); i++) {
        struct pushed_event event;
        int status = pushed_event_read(mp_at(wish->events, i), &event, err);
        if (status != STATUS_OK) {
            return error_prefix(err, STATUS_INVALID, "event %zu", i + 1);
        }
        status = insert(t, &event, now, err);
        if (status != STATUS_OK) {
            return status;
        }
        if (i == 0) {
            out->first = sqlite3_last_insert_rowid(t->db);
        }
        out->events++;
    }
    return STATUS_OK;
}

static int read_digest(const struct push_wish *wish, uint64_t *digest, struct error *err)
{
    *digest = FNV_BEGIN;
    for (size_t i = 0; i < mp_count(wish->events); i++) {
        struct pushed_event event;
        if (pushed_event_read(mp_at(wish->events, i), &event, err) != STATUS_OK) {
            return error_prefix(err, STATUS_INVALID, "event %zu", i + 1);
        }
        *digest = digest_of(*digest, &event);
    }
    return STATUS_OK;
}

/* STATUS_NOT_FOUND: the key is new. */
static int find_key(struct push_table *t, const struct push_wish *wish, uint64_t digest,
                    struct push_outcome *out, struct error *err)
{
    sqlite3_stmt *statement = t->statements[FIND_KEY];
    bind_text(statement, 1, wish->key);
    const int step = sqlite3_step(statement);
    int status = STATUS_NOT_FOUND;
    if (step == SQLITE_ROW && (uint64_t)sqlite3_column_int64(statement, 2) != digest) {
        status = error_set(err, STATUS_DENIED,
                           "this Idempotency-Key was used for other events: use a new key for each "
                           "push, and the same one only to repeat it");
    } else if (step == SQLITE_ROW) {
        *out = (struct push_outcome){sqlite3_column_int64(statement, 0),
                                     (uint64_t)sqlite3_column_int64(statement, 1), true};
        status = STATUS_OK;
    } else if (step != SQLITE_DONE) {
        status = push_file_error(t->db, t->path, "read", err);
    }
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
    return status;
}

static int add_key(struct push_table *t, const struct push_wish *wish, uint64_t digest,
                   wall_time now, const struct push_outcome *outcome, struct error *err)
{
    sqlite3_stmt *statement = t->statements[ADD_KEY];
    bind_text(statement, 1, wish->key);
    sqlite3_bind_int64(statement, 2, outcome->first);
    sqlite3_bind_int64(statement, 3, (int64_t)outcome->events);
    sqlite3_bind_int64(statement, 4, (int64_t)digest);
    sqlite3_bind_int64(statement, 5, now.us);
    const int status = run(t, ADD_KEY, err);
    sqlite3_clear_bindings(statement);
    return status;
}

int push_table_add(struct push_table *table, const struct push_wish *wish, wall_time now,
                   struct push_outcome *out, struct error *err)
{
    uint64_t digest = 0;
    int status;
    *out = (struct push_outcome){0};
    if (wish->key.p != NULL) {
        status = read_digest(wish, &digest, err);
        status = status == STATUS_OK ? find_key(table, wish, digest, out, err) : status;
        if (status != STATUS_NOT_FOUND) {
            return status; /* it is a repetition, or something is wrong */
        }
    }
    status = run(table, MARK, err);
    if (status != STATUS_OK) {
        return status;
    }
    status = insert_all(table, wish, now, out, err);
    if (status == STATUS_OK && wish->key.p != NULL) {
        status = add_key(table, wish, digest, now, out, err);
    }
    if (status == STATUS_INVALID && run(table, GO_BACK, NULL) != STATUS_OK) {
        status = STATUS_IO;
    }
    const int end =
        status == STATUS_OK || status == STATUS_INVALID ? run(table, UNMARK, NULL) : STATUS_OK;
    return end == STATUS_OK ? status : error_set(err, end, "cannot write to %s", table->path);
}

static int delete_events(struct push_table *t, wall_time before, int64_t last, unsigned max,
                         struct error *err)
{
    sqlite3_stmt *statement = t->statements[DELETE_EVENTS];
    sqlite3_bind_int64(statement, 1, before.us);
    sqlite3_bind_int64(statement, 2, last);
    sqlite3_bind_int64(statement, 3, max);
    return run(t, DELETE_EVENTS, err);
}

static int delete_keys(struct push_table *t, wall_time before, unsigned max, struct error *err)
{
    sqlite3_stmt *statement = t->statements[DELETE_KEYS];
    sqlite3_bind_int64(statement, 1, before.us);
    sqlite3_bind_int64(statement, 2, max);
    return run(t, DELETE_KEYS, err);
}

int push_table_sweep(struct push_table *table, wall_time before, int64_t last,
                     wall_time keys_before, unsigned max, struct push_swept *out, struct error *err)
{
    uint64_t keys = 0;
    *out = (struct push_swept){0};
    int status = push_table_begin(table, err);
    if (status == STATUS_OK) {
        status = delete_events(table, before, last, max, err);
        out->events = (uint64_t)sqlite3_changes(table->db);
    }
    if (status == STATUS_OK) {
        status = delete_keys(table, keys_before, max, err);
        keys = (uint64_t)sqlite3_changes(table->db);
    }
    if (status == STATUS_OK) {
        status = push_table_commit(table, err);
    } else {
        push_table_rollback(table);
    }
    out->more = out->events == max || keys == max;
    return status;
}
