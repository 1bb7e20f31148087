/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SQLite. One writer at a time, so row ids are in the order of commits, and the position is the
 * last id read. (Rows that are inserted with an id below that are not seen; docs/sources.md says
 * so.)
 */
#include "ingestor/source/list.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/xalloc.h"
#include "ingestor/checkpoint/checkpoint_file.h"
#include "ingestor/lease/lease_file.h"
#include "ingestor/source/sqlite/sqlite_rows.h"
#include "ingestor/source/sqlite/sqlite_state.h"
#include "ingestor/source/sqlite/sqlite_table.h"

#define BUSY_TIMEOUT_MS 2000

static struct sqlite_source *sqlite_of(struct source *source)
{
    return (struct sqlite_source *)source;
}

/* ---- Whether it is still the same table ---- */

/* After the file was replaced. A copy that was vacuumed or restored with all its rows is no other
 * table: reading goes on where it was. */
static int is_other(struct sqlite_source *s, bool *other, struct error *err)
{
    struct batch *batch = batch_create(s->config->source.extra_count);
    int64_t last;
    const int64_t rows = sqlite_rows_read(s, s->anchor.id - 1, s->anchor.id, 1, batch, &last);
    *other = !anchor_holds(&s->anchor, batch);
    batch_destroy(&batch);
    return rows >= 0 ? STATUS_OK : sqlite_table_error(s, "cannot read the table", err);
}

static int check_for_rewind(struct sqlite_source *s, bool replaced, struct error *err)
{
    const int step = sqlite3_step(s->newest);
    const int64_t newest = step == SQLITE_ROW ? sqlite3_column_int64(s->newest, 0) : 0;
    sqlite3_reset(s->newest);
    if (step != SQLITE_ROW) {
        return sqlite_table_error(s, "cannot read the newest id", err);
    }
    const int64_t position = sqlite_state_position(s);
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
        sqlite_state_start_over(s);
    }
    return STATUS_OK;
}

/* Finds out whether the file is still the one that the position belongs to. */
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
    int64_t first;
    const int status = sqlite_table_find_history(s, &first, err);
    if (status == STATUS_OK && first != 0) {
        s->history_end = s->position;
        s->position = first - 1;
    }
    return status;
}

/* ---- Opening and closing ---- */

static void sqlite_close(struct source *source)
{
    struct sqlite_source *s = sqlite_of(source);
    sqlite3_finalize(s->select);
    sqlite3_finalize(s->newest);
    sqlite3_close(s->db);
    sqlite_wake_close(&s->wake);
    free(s);
}

static int sqlite_open(const struct config *config, struct str state, struct str journal,
                       uint64_t epoch, struct source **out, struct error *err)
{
    (void)journal; /* the order of delivery is that of the ids */
    (void)epoch;   /* ids are ordinals here, whatever the checkpoint said */
    struct sqlite_source *s = x_calloc(1, sizeof *s);
    s->base.ops = &source_sqlite;
    s->config = config;
    s->wake.inotify = -1;
    if (state.p != NULL) {
        sqlite_state_load(s, state);
    }
    int status = STATUS_OK;
    const int opened = sqlite3_open_v2(config->source.path, &s->db,
                                       SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL);
    if (opened != SQLITE_OK) {
        status = error_set(err, STATUS_IO, "cannot open the database %s: %s", config->source.path,
                           sqlite3_errmsg(s->db));
    } else {
        sqlite3_busy_timeout(s->db, BUSY_TIMEOUT_MS);
        sqlite_wake_open(&s->wake, config->source.path);
        status = sqlite_table_prepare(s, err);
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

static int sqlite_read(struct source *source, size_t max_rows, struct batch **out,
                       struct error *err)
{
    struct sqlite_source *s = sqlite_of(source);
    struct batch *batch = batch_create(s->config->source.extra_count);
    int64_t last = s->position;
    const int64_t until = s->history_end != 0 ? s->history_end : INT64_MAX;
    const int64_t rows = sqlite_rows_read(s, s->position, until, max_rows, batch, &last);
    *out = NULL;
    if (rows < 0) {
        batch_destroy(&batch);
        return sqlite_table_error(s, "cannot read the table", err);
    }
    s->position = last;
    anchor_drop(&s->anchor, batch);
    batch->history = s->history_end != 0;
    batch->more = rows == (int64_t)max_rows;
    if (batch->history && !batch->more) {
        s->position = s->history_end;
        s->history_end = 0;
    } else if (rows == 0 && !s->started_over && s->caught_up) {
        batch_destroy(&batch);
        const int status = check_for_rewind(s, false, err);
        return status == STATUS_OK && s->started_over ? sqlite_read(source, max_rows, out, err)
                                                      : status;
    }
    batch->ordinal = (uint64_t)s->position;
    batch->origin = s->origin;
    batch->restarted = s->started_over;
    s->caught_up = !batch->more;
    s->started_over = false;
    struct buf state = {0};
    sqlite_state_save(s, &state);
    batch_finish(batch, buf_str(&state), STR(""));
    buf_free(&state);
    *out = batch;
    return STATUS_OK;
}

static int sqlite_wait(struct source *source, int wake_fd, int timeout_ms, bool *woken,
                       struct error *err)
{
    struct sqlite_source *s = sqlite_of(source);
    const char *path = s->config->source.path;
    struct stat now;
    *woken = false;
    switch (sqlite_wake_wait(&s->wake, path, wake_fd, timeout_ms)) {
    case SQLITE_WAKE_NONE:
        return STATUS_OK;
    case SQLITE_WAKE_WRITTEN:
        *woken = true;
        return STATUS_OK;
    case SQLITE_WAKE_TIMEOUT:
        if (stat(path, &now) == 0 && now.st_ino == s->identity.st_ino) {
            return check_identity(s, err); /* rows may have been deleted and ids begun anew */
        }
        break;
    case SQLITE_WAKE_REPLACED:
        break;
    }
    /* The open connection still reads the old file. */
    return error_set(err, STATUS_IO, "%s was replaced or removed", path);
}

const struct source_ops source_sqlite = {
    .scheme = "sqlite",
    .stores = {&checkpoint_file, &lease_file},
    .open = sqlite_open,
    .close = sqlite_close,
    .state_is_newer = sqlite_state_is_newer,
    .read = sqlite_read,
    .wait = sqlite_wait,
    .renumber = NULL, /* nothing is journaled */
};
