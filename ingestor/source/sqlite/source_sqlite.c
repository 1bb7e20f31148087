/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SQLite. One writer at a time, so row ids are in the order of commits, and the position is the
 * last id read. (Rows that are inserted with an id below that are not seen; docs/sources.md says
 * so.)
 *
 * State: [format, position, origin, device, inode, anchor].
 */
#include <poll.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/xalloc.h"
#include "common/codec/mp.h"
#include "common/program/log.h"
#include "ingestor/source/anchor.h"
#include "ingestor/source/batch.h"
#include "ingestor/source/rewind.h"
#include "ingestor/source/source.h"
#include "ingestor/source/unusable.h"

#define STATE_FORMAT 2
#define BUSY_TIMEOUT_MS 2000
#define AGAIN_FIRST_MS 1 /* after a notification: see sqlite_wait */
#define AGAIN_LAST_MS 512
#define FIXED_COLUMNS                                                                              \
    7 /* id, timestamp, event_type, actor_id, target_id, summary, payload; extras follow */

struct sqlite_source {
    struct source base;
    const struct config *config;
    sqlite3 *db;
    sqlite3_stmt *select; /* rows after a position */
    sqlite3_stmt *newest; /* the greatest id */
    int inotify;          /* -1: the folder cannot be watched; polling alone then */
    int again_ms;         /* after which to look again, though nothing tells to; 0: no need */
    int64_t position;
    int64_t reached;     /* the id that was read last */
    int64_t history_end; /* rows up to this one are read again as history; 0: none are */
    uint64_t origin;
    struct rewind_watch rewind;
    struct stat identity; /* of the file that the position belongs to */
    struct anchor anchor; /* in it */
    bool looked; /* to the end of the table; until then a look gives a batch even if it is empty */
    bool started_over; /* the file was replaced, or its ids begin anew: tell with the next batch */
    struct unusable_log unusable;
};

static struct sqlite_source *sqlite_of(struct source *source)
{
    return (struct sqlite_source *)source;
}

/* ---- Table and columns ---- */

static int database_error(struct sqlite_source *s, const char *doing, struct error *err)
{
    return error_set(err, STATUS_IO, "%s: %s: %s", s->config->source.path, doing,
                     sqlite3_errmsg(s->db));
}

/* The names of the table's columns, and whether a wanted one is among them. */
static int list_columns(struct sqlite_source *s, struct buf *names, struct error *err)
{
    const struct config_source *source = &s->config->source;
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v2(s->db, "SELECT name FROM pragma_table_info(?1, ?2)", -1, &statement,
                           NULL) != SQLITE_OK) {
        return database_error(s, "cannot read the list of columns", err);
    }
    sqlite3_bind_text(statement, 1, source->table, -1, SQLITE_STATIC);
    sqlite3_bind_text(statement, 2, source->table_schema != NULL ? source->table_schema : "main",
                      -1, SQLITE_STATIC);
    int step;
    while ((step = sqlite3_step(statement)) == SQLITE_ROW) {
        buf_printf(names, "%s%s", names->len != 0 ? ", " : "",
                   (const char *)sqlite3_column_text(statement, 0));
    }
    sqlite3_finalize(statement);
    if (step != SQLITE_DONE) {
        return database_error(s, "cannot read the list of columns", err);
    }
    if (names->len == 0) {
        return error_set(err, STATUS_NOT_FOUND,
                         "%s has no table \"%s\"; create it, or set source.table to the name of "
                         "your events table",
                         source->path, source->table);
    }
    return STATUS_OK;
}

static bool has_column(struct buf *names, const char *column)
{
    const size_t len = strlen(column);
    for (const char *p = buf_cstr(names); p != NULL; p = strchr(p, ',')) {
        p += p[0] == ',' ? 2 : 0;
        if (strncasecmp(p, column, len) == 0 && (p[len] == ',' || p[len] == '\0')) {
            return true;
        }
    }
    return false;
}

/* Appends the column to the SELECT; NULL in its place when it may be missing and is. */
static int add_column(struct sqlite_source *s, struct buf *names, const char *field,
                      const char *column, bool needed, struct buf *sql, struct error *err)
{
    const bool there = column != NULL && has_column(names, column);
    if (!there && needed) {
        return error_set(err, STATUS_NOT_FOUND,
                         "table \"%s\" of %s has no column \"%s\" for %s; its columns are %s; set "
                         "source.columns.%s to the one that holds it",
                         s->config->source.table, s->config->source.path, column, field,
                         buf_cstr(names), field);
    }
    if (sql->len != 0) {
        buf_append_text(sql, ", ");
    }
    if (!there) {
        buf_append_text(sql, "NULL");
        return STATUS_OK;
    }
    char *quoted = sqlite3_mprintf("\"%w\"", column);
    buf_append_text(sql, quoted);
    sqlite3_free(quoted);
    return STATUS_OK;
}

static int build_select(struct sqlite_source *s, struct buf *names, struct buf *columns,
                        struct error *err)
{
    const struct config_source *source = &s->config->source;
    const struct {
        const char *field;
        const struct column *column;
        bool needed;
    } fixed[FIXED_COLUMNS] = {
        {"id", &source->columns.id, true},
        {"timestamp", &source->columns.timestamp, true},
        {"event_type", &source->columns.event_type, true},
        {"actor_id", &source->columns.actor_id, false},
        {"target_id", &source->columns.target_id, false},
        {"summary", &source->columns.summary, false},
        {"payload", &source->columns.payload, false},
    };
    int status = STATUS_OK;
    for (size_t i = 0; i < FIXED_COLUMNS && status == STATUS_OK; i++) {
        const struct column *column = fixed[i].column;
        status = add_column(s, names, fixed[i].field, column->name,
                            fixed[i].needed || (column->configured && column->name != NULL),
                            columns, err);
    }
    for (size_t i = 0; i < source->extra_count && status == STATUS_OK; i++) {
        status = add_column(s, names, source->extras[i].field, source->extras[i].column, true,
                            columns, err);
    }
    return status;
}

static int prepare(struct sqlite_source *s, struct error *err)
{
    const struct config_source *source = &s->config->source;
    struct buf names = {0};
    struct buf columns = {0};
    int status = list_columns(s, &names, err);
    if (status == STATUS_OK) {
        status = build_select(s, &names, &columns, err);
    }
    if (status == STATUS_OK) {
        const char *schema = source->table_schema != NULL ? source->table_schema : "main";
        char *select = sqlite3_mprintf("SELECT %s FROM \"%w\".\"%w\" WHERE \"%w\" > ?1 ORDER BY "
                                       "\"%w\" LIMIT ?2",
                                       buf_cstr(&columns), schema, source->table,
                                       source->columns.id.name, source->columns.id.name);
        char *newest = sqlite3_mprintf("SELECT max(\"%w\") FROM \"%w\".\"%w\"",
                                       source->columns.id.name, schema, source->table);
        if (sqlite3_prepare_v2(s->db, select, -1, &s->select, NULL) != SQLITE_OK ||
            sqlite3_prepare_v2(s->db, newest, -1, &s->newest, NULL) != SQLITE_OK) {
            status = database_error(s, "cannot read the table", err);
        }
        sqlite3_free(select);
        sqlite3_free(newest);
    }
    buf_free(&names);
    buf_free(&columns);
    return status;
}

/* ---- State ---- */

static void save_state(const struct sqlite_source *s, struct buf *out)
{
    mp_put_array(out, 6);
    mp_put_int(out, STATE_FORMAT);
    mp_put_int(out, s->history_end != 0 ? s->history_end : s->position);
    mp_put_uint(out, s->origin);
    mp_put_uint(out, (uint64_t)s->identity.st_dev);
    mp_put_uint(out, (uint64_t)s->identity.st_ino);
    anchor_save(&s->anchor, out);
}

static void start_over(struct sqlite_source *s)
{
    s->position = 0;
    s->history_end = 0;
    s->rewind = (struct rewind_watch){0};
    s->anchor = (struct anchor){0};
    s->origin = source_new_origin(s->origin);
    s->started_over = true;
}

static void load_state(struct sqlite_source *s, struct str state)
{
    struct mp_doc doc;
    mp_doc_init(&doc);
    int64_t format;
    uint64_t device;
    uint64_t inode;
    if (mp_parse(&doc, state.p, state.len) == STATUS_OK &&
        mp_as_int(mp_at(&doc.root, 0), &format) && format == STATE_FORMAT &&
        mp_as_int(mp_at(&doc.root, 1), &s->position) &&
        mp_as_uint(mp_at(&doc.root, 2), &s->origin) && mp_as_uint(mp_at(&doc.root, 3), &device) &&
        mp_as_uint(mp_at(&doc.root, 4), &inode) && anchor_load(&s->anchor, mp_at(&doc.root, 5))) {
        s->identity.st_dev = device;
        s->identity.st_ino = inode;
    } else {
        log_warn("the checkpoint's place in the events table is that of another source or version: "
                 "all tiles are built again from it");
        start_over(s);
    }
    mp_doc_free(&doc);
}

static int64_t read_rows(struct sqlite_source *s, int64_t after, int64_t until, size_t max_rows,
                         struct batch *batch);

/* A copy of the file that was vacuumed or restored with all its rows goes on where the old one was.
 */
static int is_other(struct sqlite_source *s, bool *other, struct error *err)
{
    struct batch *batch = batch_create(s->config->source.extra_count);
    const int64_t rows = read_rows(s, s->anchor.id - 1, s->anchor.id, 1, batch);
    *other = !anchor_holds(&s->anchor, batch);
    batch_destroy(&batch);
    return rows >= 0 ? STATUS_OK : database_error(s, "cannot read the table", err);
}

static int check_for_rewind(struct sqlite_source *s, bool replaced, struct error *err)
{
    const int step = sqlite3_step(s->newest);
    const int64_t newest = step == SQLITE_ROW ? sqlite3_column_int64(s->newest, 0) : 0;
    sqlite3_reset(s->newest);
    if (step != SQLITE_ROW) {
        return database_error(s, "cannot read the newest id", err);
    }
    const int64_t position = s->history_end != 0 ? s->history_end : s->position;
    enum rewind rewind = rewind_seen(&s->rewind, position, newest, replaced, false);
    if (replaced && rewind != REWIND_ANEW) {
        bool other;
        const int status = is_other(s, &other, err);
        if (status != STATUS_OK) {
            return status;
        }
        rewind = other ? REWIND_OTHER : rewind;
    }
    rewind_log(rewind, s->config->source.table, position, newest);
    if (rewind == REWIND_ANEW || rewind == REWIND_OTHER) {
        start_over(s);
    }
    return STATUS_OK;
}

/* Is this the file that the position belongs to? */
static int check_identity(struct sqlite_source *s, struct error *err)
{
    struct stat now;
    if (stat(s->config->source.path, &now) != 0) {
        return error_set(err, STATUS_IO, "%s: %s", s->config->source.path, strerror(errno));
    }
    const bool replaced = s->identity.st_ino != 0 &&
                          (s->identity.st_ino != now.st_ino || s->identity.st_dev != now.st_dev);
    s->identity = now;
    return check_for_rewind(s, replaced, err);
}

/* Goes back by as many rows as the event log holds, so that it is filled again. */
static int rewind_for_history(struct sqlite_source *s, struct error *err)
{
    const struct config_source *source = &s->config->source;
    char *sql = sqlite3_mprintf("SELECT min(i) FROM (SELECT \"%w\" AS i FROM \"%w\".\"%w\" WHERE "
                                "\"%w\" BETWEEN 1 AND ?1 ORDER BY \"%w\" DESC LIMIT ?2)",
                                source->columns.id.name,
                                source->table_schema != NULL ? source->table_schema : "main",
                                source->table, source->columns.id.name, source->columns.id.name);
    sqlite3_stmt *statement = NULL;
    int status = STATUS_OK;
    if (sqlite3_prepare_v2(s->db, sql, -1, &statement, NULL) == SQLITE_OK) {
        sqlite3_bind_int64(statement, 1, s->position);
        sqlite3_bind_int64(statement, 2, (int64_t)s->config->ingestor.events);
    }
    if (sqlite3_step(statement) != SQLITE_ROW) {
        status = database_error(s, "cannot read the newest rows", err);
    } else if (sqlite3_column_type(statement, 0) == SQLITE_INTEGER) {
        s->history_end = s->position;
        s->position = sqlite3_column_int64(statement, 0) - 1;
    }
    sqlite3_finalize(statement);
    sqlite3_free(sql);
    return status;
}

/* ---- Opening and closing ---- */

/* Changes of the database show in its folder: the file itself, -wal, -journal, and a file put in
 * its place. */
static int watch_folder(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *folder = slash != NULL ? x_strndup(path, (size_t)(slash - path) + 1) : x_strdup(".");
    int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (fd >= 0 && inotify_add_watch(fd, folder,
                                     IN_MODIFY | IN_CLOSE_WRITE | IN_CREATE | IN_DELETE |
                                         IN_MOVED_TO | IN_ATTRIB) < 0) {
        close(fd);
        fd = -1;
    }
    if (fd < 0) {
        log_warn("%s cannot be watched for changes (%s): looking every poll_interval instead",
                 folder, strerror(errno));
    }
    free(folder);
    return fd;
}

static void sqlite_close(struct source *source)
{
    struct sqlite_source *s = sqlite_of(source);
    sqlite3_finalize(s->select);
    sqlite3_finalize(s->newest);
    sqlite3_close(s->db);
    if (s->inotify >= 0) {
        close(s->inotify);
    }
    free(s);
}

static int sqlite_open(const struct config *config, struct str state, struct str journal,
                       uint64_t epoch, struct source **out, struct error *err)
{
    (void)journal; /* the order of delivery is that of the ids */
    struct sqlite_source *s = x_calloc(1, sizeof *s);
    s->base.ops = &source_sqlite;
    s->config = config;
    (void)epoch; /* ids are ordinals here, whatever the checkpoint said */
    s->inotify = -1;
    if (state.p != NULL) {
        load_state(s, state);
    }
    int status = STATUS_OK;
    const int opened = sqlite3_open_v2(config->source.path, &s->db,
                                       SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL);
    if (opened != SQLITE_OK) {
        status = error_set(err, STATUS_IO, "cannot open the database %s: %s", config->source.path,
                           sqlite3_errmsg(s->db));
    } else {
        sqlite3_busy_timeout(s->db, BUSY_TIMEOUT_MS);
        s->inotify = watch_folder(config->source.path);
        status = prepare(s, err);
    }
    if (status == STATUS_OK) {
        status = check_identity(s, err);
    }
    if (status == STATUS_OK && s->position > 0) {
        status = rewind_for_history(s, err);
    }
    if (status != STATUS_OK) {
        sqlite_close(&s->base);
        return status;
    }
    *out = &s->base;
    return STATUS_OK;
}

/* ---- Reading ---- */

static struct str column_text(sqlite3_stmt *row, int column)
{
    const char *text = (const char *)sqlite3_column_text(row, column);
    return (struct str){text, text != NULL ? (size_t)sqlite3_column_bytes(row, column) : 0};
}

static bool column_time(sqlite3_stmt *row, int column, wall_time *out)
{
    switch (sqlite3_column_type(row, column)) {
    case SQLITE_INTEGER:
        return wall_from_integer(sqlite3_column_int64(row, column), out);
    case SQLITE_FLOAT:
        return wall_from_number(sqlite3_column_double(row, column), out);
    case SQLITE_TEXT: {
        const struct str text = column_text(row, column);
        return wall_parse(text.p, text.len, out);
    }
    default:
        return false;
    }
}

/* Why the row cannot be used, or UNUSABLE_KINDS when it can. */
static enum unusable fill(struct sqlite_source *s, struct batch *batch, struct event *event,
                          wall_time arrival)
{
    sqlite3_stmt *row = s->select;
    event->arrival = arrival;
    event->id = sqlite3_column_int64(row, 0);
    event->ordinal = (uint64_t)event->id;
    if (event->id <= 0) {
        return UNUSABLE_ID;
    }
    if (!column_time(row, 1, &event->timestamp)) {
        return UNUSABLE_TIMESTAMP;
    }
    struct str *const texts[] = {&event->event_type, &event->actor_id, &event->target_id,
                                 &event->summary, &event->payload};
    for (int i = 0; i < 5; i++) {
        const struct str text = column_text(row, i + 2);
        if (text.len > ROW_TEXT_MAX) {
            return UNUSABLE_TOO_LONG;
        }
        *texts[i] = batch_text(batch, text);
    }
    if (event->event_type.p == NULL) {
        return UNUSABLE_EVENT_TYPE;
    }
    const struct config_source *source = &s->config->source;
    for (size_t i = 0; i < source->extra_count; i++) {
        const struct str text = column_text(row, FIXED_COLUMNS + (int)i);
        if (text.len > ROW_TEXT_MAX) {
            return UNUSABLE_TOO_LONG;
        }
        batch_extras(batch, event)[i] =
            (struct event_extra){source->extras[i].field, batch_text(batch, text)};
    }
    return UNUSABLE_KINDS;
}

/* Steps through the rows with ids in (after, until], and moves nothing. Returns how many there
 * were; -1 on failure. */
static int64_t read_rows(struct sqlite_source *s, int64_t after, int64_t until, size_t max_rows,
                         struct batch *batch)
{
    const wall_time arrival = clock_wall();
    int64_t rows = 0;
    int step;
    sqlite3_bind_int64(s->select, 1, after);
    sqlite3_bind_int64(s->select, 2, (int64_t)max_rows);
    while ((step = sqlite3_step(s->select)) == SQLITE_ROW) {
        const int64_t id = sqlite3_column_int64(s->select, 0);
        if (id > until) {
            step = SQLITE_DONE;
            break;
        }
        struct event *event = batch_event(batch);
        const enum unusable why = fill(s, batch, event, arrival);
        s->reached = id;
        if (why != UNUSABLE_KINDS) {
            batch_drop_event(batch);
            unusable_row(&s->unusable, why, id);
        }
        rows++;
    }
    sqlite3_reset(s->select);
    return step == SQLITE_DONE ? rows : -1;
}

static int sqlite_read(struct source *source, size_t max_rows, struct batch **out,
                       struct error *err)
{
    struct sqlite_source *s = sqlite_of(source);
    struct batch *batch = batch_create(s->config->source.extra_count);
    s->reached = s->position;
    const int64_t until = s->history_end != 0 ? s->history_end : INT64_MAX;
    const int64_t rows = read_rows(s, s->position, until, max_rows, batch);
    *out = NULL;
    if (rows < 0) {
        batch_destroy(&batch);
        return database_error(s, "cannot read the table", err);
    }
    s->position = s->reached;
    anchor_drop(&s->anchor, batch);
    batch->history = s->history_end != 0;
    batch->more = rows == (int64_t)max_rows;
    if (batch->history && !batch->more) {
        s->position = s->history_end;
        s->history_end = 0;
    } else if (rows == 0 && !s->started_over && s->looked) {
        batch_destroy(&batch);
        const int status = check_for_rewind(s, false, err);
        return status == STATUS_OK && s->started_over ? sqlite_read(source, max_rows, out, err)
                                                      : status;
    }
    batch->ordinal = (uint64_t)s->position;
    batch->origin = s->origin;
    batch->restarted = s->started_over;
    s->looked = !batch->more;
    s->started_over = false;
    struct buf state = {0};
    save_state(s, &state);
    batch_finish(batch, buf_str(&state), STR(""));
    buf_free(&state);
    *out = batch;
    return STATUS_OK;
}

/* Says whether the database's file was created, moved or removed. */
static bool drain_inotify(struct sqlite_source *s)
{
    _Alignas(struct inotify_event) char events[4096];
    const char *slash = strrchr(s->config->source.path, '/');
    const char *name = slash != NULL ? slash + 1 : s->config->source.path;
    bool replaced = false;
    ssize_t len;
    while ((len = read(s->inotify, events, sizeof events)) > 0) {
        for (ssize_t at = 0; at < len;) {
            const struct inotify_event *event =
                (const struct inotify_event *)(const void *)(events + at);
            if ((event->mask & (IN_CREATE | IN_DELETE | IN_MOVED_TO)) != 0 && event->len != 0 &&
                strcmp(event->name, name) == 0) {
                replaced = true;
            }
            at += (ssize_t)(sizeof *event + event->len);
        }
    }
    return replaced;
}

/*
 * A notification is of a write into a file. In WAL mode a transaction is seen by others only a
 * moment later, when the writer has synced the log, which may take long, and has updated the index,
 * which is memory and notifies nobody. So one look is not enough: more follow, at doubling
 * intervals.
 */
static bool time_to_look_again(struct sqlite_source *s, int ready, int waited_ms)
{
    if (s->again_ms == 0 || ready != 0 || waited_ms < s->again_ms) {
        return false;
    }
    s->again_ms = s->again_ms < AGAIN_LAST_MS ? s->again_ms * 2 : 0;
    return true;
}

static int sqlite_wait(struct source *source, int wake_fd, int timeout_ms, bool *woken,
                       struct error *err)
{
    struct sqlite_source *s = sqlite_of(source);
    struct pollfd fds[] = {{wake_fd, POLLIN, 0}, {s->inotify, POLLIN, 0}};
    const int wait_ms = s->again_ms != 0 && s->again_ms < timeout_ms ? s->again_ms : timeout_ms;
    const int ready = poll(fds, 2, wait_ms);
    *woken = time_to_look_again(s, ready, wait_ms);
    if (*woken) {
        return STATUS_OK;
    }
    bool replaced = false;
    if (ready > 0 && fds[1].revents != 0) {
        *woken = true;
        s->again_ms = AGAIN_FIRST_MS;
        replaced = drain_inotify(s);
    }
    struct stat now;
    if (replaced || (ready == 0 && (stat(s->config->source.path, &now) != 0 ||
                                    now.st_ino != s->identity.st_ino))) {
        /* The open connection still reads the old file. */
        return error_set(err, STATUS_IO, "%s was replaced or removed", s->config->source.path);
    }
    if (ready == 0) {
        return check_identity(s, err); /* rows may have been deleted and ids begun anew */
    }
    return STATUS_OK;
}

const struct source_ops source_sqlite = {
    .scheme = "sqlite",
    .open = sqlite_open,
    .close = sqlite_close,
    .read = sqlite_read,
    .wait = sqlite_wait,
    .renumber = NULL, /* nothing is journaled */
};
