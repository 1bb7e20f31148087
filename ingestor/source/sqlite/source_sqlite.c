/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SQLite. One writer at a time, so row ids are in the order of commits, and the position is the
 * last id read. (Rows that are inserted with an id below that are not seen; docs/sources.md says
 * so.)
 */
#include "ingestor/source/list.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/xalloc.h"
#include "common/lease/lease_file.h"
#include "common/program/log.h"
#include "common/state/state_file.h"
#include "ingestor/source/sqlite/sqlite_database.h"
#include "ingestor/source/sqlite/sqlite_past.h"
#include "ingestor/source/sqlite/sqlite_rows.h"
#include "ingestor/source/sqlite/sqlite_same.h"
#include "ingestor/source/sqlite/sqlite_state.h"
#include "ingestor/source/sqlite/sqlite_table.h"

static struct sqlite_source *sqlite_of(struct source *source)
{
    return (struct sqlite_source *)source;
}

/* ---- Opening and closing ---- */

/* Refuses ids that are no numbers, and counts single ones. */
static int check_ids(struct sqlite_source *s, struct error *err)
{
    uint64_t bad;
    const int status = sqlite_table_check_ids(s, &bad, err);
    if (status != STATUS_OK || bad <= s->bad_ids_seen) {
        s->bad_ids_seen = status == STATUS_OK ? bad : s->bad_ids_seen;
        return status;
    }
    if (s->bad_ids_seen == 0) {
        log_warn("%llu rows of table %s are passed over: their ids are no whole numbers above 0 "
                 "(further ones are only counted; see `tilewire stats`)",
                 (unsigned long long)bad, s->config->source.table);
    }
    s->bad_ids_new += bad - s->bad_ids_seen;
    s->bad_ids_seen = bad;
    return STATUS_OK;
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

static void sqlite_close(struct source *source)
{
    struct sqlite_source *s = sqlite_of(source);
    sqlite_table_close(s);
    sqlite3_close(s->db);
    sqlite_wake_close(&s->wake);
    free(s);
}

static int sqlite_open(const struct config *config, struct str state, struct str journal,
                       uint64_t epoch, struct source **out, struct error *err)
{
    (void)journal; /* the order of delivery is that of the ids */
    (void)epoch;   /* ids are ordinals here, whatever the state says */
    struct sqlite_source *s = x_calloc(1, sizeof *s);
    s->base.ops = &source_sqlite;
    s->config = config;
    s->wake.inotify = -1;
    if (state.p != NULL && !sqlite_state_load(s, state)) {
        log_warn("the checkpoint's place in the events table is that of another source or version: "
                 "all tiles are built again from it");
        sqlite_state_start_over(s);
    }
    int status = sqlite_database_open(s, err);
    if (status == STATUS_OK) {
        status = sqlite_table_prepare(s, err);
    }
    if (status == STATUS_OK) {
        status = sqlite_same_check_file(s, err);
    }
    if (status == STATUS_OK) {
        status = check_ids(s, err);
    }
    if (status == STATUS_OK) {
        status = sqlite_same_sequence(s, &s->given, err);
    }
    if (status == STATUS_OK && s->position > 0) {
        status = rewind_for_history(s, err);
    }
    if (status != STATUS_OK) {
        sqlite_close(&s->base);
        return status;
    }
    sqlite_wake_unlinked(&s->wake, config->source.path); /* remembers them: they are open now */
    *out = &s->base;
    return STATUS_OK;
}

/* ---- Reading ---- */

static int read_once(struct sqlite_source *s, size_t max_rows, struct batch *batch, int64_t *last,
                     struct error *err)
{
    const int64_t until = s->history_end != 0 ? s->history_end : INT64_MAX;
    *last = s->position;
    return sqlite_rows_read(s, s->position, until, max_rows, batch, last, &batch->more, err);
}

/*
 * Reads the next rows into the batch, and *last. When the schema has changed since the statements
 * were made, the rows may lack a column that there is now: they are read once more.
 */
static int read_rows(struct sqlite_source *s, size_t max_rows, struct batch **batch, int64_t *last,
                     struct error *err)
{
    int status = read_once(s, max_rows, *batch, last, err);
    if (sqlite_table_changed(s)) {
        batch_destroy(batch);
        *batch = batch_create(s->config->source.extra_count);
        status = sqlite_table_prepare(s, err);
        if (status == STATUS_OK) {
            status = read_once(s, max_rows, *batch, last, err);
        }
    }
    return status;
}

/* Ends the batch, which is delivered: s is behind it. */
static void finish(struct sqlite_source *s, struct batch *batch)
{
    anchor_drop(&s->anchor, batch);
    anchors_add_batch(&s->anchors, batch, batch->history);
    batch->ordinal = (uint64_t)s->position;
    batch->origin = s->origin;
    batch->accounted = s->given > 0 ? (uint64_t)s->given : 0;
    batch->restarted = s->started_over;
    batch->unusable += s->bad_ids_new;
    s->bad_ids_new = 0;
    s->caught_up = !batch->more && !batch->history; /* after history comes the present */
    s->started_over = false;
    struct buf state = {0};
    sqlite_state_save(s, &state);
    batch_finish(batch, buf_str(&state), STR(""));
    buf_free(&state);
}

static int sqlite_read(struct source *source, size_t max_rows, struct batch **out,
                       struct error *err)
{
    struct sqlite_source *s = sqlite_of(source);
    struct batch *batch = batch_create(s->config->source.extra_count);
    int64_t last;
    *out = NULL;
    int status = read_rows(s, max_rows, &batch, &last, err);
    const bool any = last != s->position || batch->unusable != 0;
    if (status == STATUS_OK && s->history_end == 0 && s->position != 0 && !s->started_over) {
        status = sqlite_same_check(s, any ? last : 0, err);
        if (status == STATUS_OK && s->started_over) {
            batch_destroy(&batch);
            return sqlite_read(source, max_rows, out, err);
        }
    }
    if (status != STATUS_OK ||
        (!any && s->history_end == 0 && !s->started_over && s->caught_up && s->bad_ids_new == 0)) {
        batch_destroy(&batch);
        return status;
    }
    batch->older_gone = s->position == 0 && sqlite_rows_older_gone(batch, 0);
    s->position = last;
    batch->history = s->history_end != 0;
    if (batch->history && !batch->more) {
        s->position = s->history_end;
        s->history_end = 0;
    }
    finish(s, batch);
    *out = batch;
    return STATUS_OK;
}

/* What poll_interval is for: what no notification tells of. */
static int check_all(struct sqlite_source *s, struct error *err)
{
    int status = sqlite_database_check(s, err);
    if (status == STATUS_OK) {
        status = sqlite_same_check_file(s, err); /* ids may have begun anew */
    }
    return status == STATUS_OK ? check_ids(s, err) : status;
}

static int sqlite_wait(struct source *source, int wake_fd, int timeout_ms, bool *woken,
                       struct error *err)
{
    struct sqlite_source *s = sqlite_of(source);
    bool over;
    const int status = sqlite_database_wait(s, wake_fd, timeout_ms, woken, &over, err);
    return status == STATUS_OK && over ? check_all(s, err) : status;
}

const struct source_ops source_sqlite = {
    .scheme = "sqlite",
    .stores = {&state_file, &lease_file},
    .open = sqlite_open,
    .close = sqlite_close,
    .open_past = sqlite_past_open,
    .state_is_newer = sqlite_state_is_newer,
    .read = sqlite_read,
    .wait = sqlite_wait,
    .renumber = NULL, /* nothing is journaled */
};
