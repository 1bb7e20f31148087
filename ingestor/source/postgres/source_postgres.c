/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PostgreSQL. Rows come in the order of their ids, but ids do not commit in order: what is missing
 * is remembered (see holes.h) and delivered late. NOTIFY only wakes us up; each look reads what is
 * there.
 *
 * Ordinals are id + offset. A late row gets the ordinal after the last one, and the offset grows so
 * that what follows is above it.
 *
 * A look is one snapshot (REPEATABLE READ): its xmin and xmax, the rows behind the position, the
 * rows in the holes. Sent in one go (pipeline mode), so it costs one round trip.
 *
 * State: [format, position, offset, last ordinal, origin, table oid, holes, record, order,
 * ceiling, file, anchor].
 *
 * What a later look could not tell any more, which ids were missing when the rows behind them were
 * delivered and in which place late rows came, goes into the journal before a batch is handed on
 * (pg_journal.h). After a crash the records younger than the checkpoint are gone through again, so
 * that each event keeps its ordinal.
 *
 * A look that found neither holes nor late rows writes no record. After a crash its rows are read
 * again as the first of the present, and get the ordinals that they had; so late rows come only
 * behind all the other rows that a look can see. Should some of those have been deleted meanwhile,
 * their ordinals are not used again either: no ordinal above the ceiling is used before a record
 * with a higher one is on disk, and late rows get ordinals above the ceiling that we opened with.
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/xalloc.h"
#include "common/codec/mp.h"
#include "common/program/log.h"
#include "ingestor/source/postgres/pg_state.h"

#define STATE_FORMAT 4
#define CEILING_STEP 65536 /* ordinals; a record is written for each that many at least */

static struct postgres_source *postgres_of(struct source *source)
{
    return (struct postgres_source *)source;
}

/* ---- State ---- */

static void save_state(const struct postgres_source *s, struct buf *out)
{
    mp_put_array(out, 12);
    mp_put_int(out, STATE_FORMAT);
    mp_put_int(out, s->position);
    mp_put_uint(out, s->offset);
    mp_put_uint(out, s->last_ordinal);
    mp_put_uint(out, s->origin);
    mp_put_int(out, s->table.oid);
    holes_save(&s->holes, out);
    mp_put_uint(out, s->record);
    order_save(&s->order, out);
    mp_put_uint(out, s->ceiling);
    mp_put_int(out, s->file);
    anchor_save(&s->anchor, out);
}

static bool load_state(struct postgres_source *s, struct str state, int64_t *oid)
{
    struct mp_doc doc;
    mp_doc_init(&doc);
    int64_t format;
    const bool ok =
        mp_parse(&doc, state.p, state.len) == STATUS_OK &&
        mp_as_int(mp_at(&doc.root, 0), &format) && format == STATE_FORMAT &&
        mp_as_int(mp_at(&doc.root, 1), &s->position) &&
        mp_as_uint(mp_at(&doc.root, 2), &s->offset) &&
        mp_as_uint(mp_at(&doc.root, 3), &s->last_ordinal) &&
        mp_as_uint(mp_at(&doc.root, 4), &s->origin) && mp_as_int(mp_at(&doc.root, 5), oid) &&
        holes_load(&s->holes, mp_at(&doc.root, 6)) && mp_as_uint(mp_at(&doc.root, 7), &s->record) &&
        order_load(&s->order, mp_at(&doc.root, 8)) &&
        mp_as_uint(mp_at(&doc.root, 9), &s->ceiling) && mp_as_int(mp_at(&doc.root, 10), &s->file) &&
        anchor_load(&s->anchor, mp_at(&doc.root, 11));
    s->floor = s->ceiling;
    if (!ok) { /* it may have been read in part */
        holes_free(&s->holes);
        order_free(&s->order);
    }
    mp_doc_free(&doc);
    return ok;
}

/* The table is another, or was emptied and its ids begin anew: so does everything here. */
static void start_over(struct postgres_source *s)
{
    s->position = 0;
    s->history_from = 0;
    s->offset = 0;
    s->last_ordinal = 0;
    s->ceiling = 0;
    s->floor = 0;
    s->origin = source_new_origin(s->origin);
    s->holes.count = 0;
    s->rewind = (struct rewind_watch){0};
    s->anchor = (struct anchor){0};
    order_free(&s->order);
    pg_journal_free(&s->replay);
    s->record++; /* so that what follows is not taken for what came before */
    s->building = true;
    s->started_over = true;
}

/* ---- Opening and closing ---- */

static int listen_for_rows(struct postgres_source *s, struct error *err)
{
    struct buf channel = {0};
    struct buf sql = {0};
    pg_channel(&channel, &s->config->source);
    buf_append_text(&sql, "LISTEN ");
    pg_quote(s->db, &sql, buf_cstr(&channel));
    const int status = pg_run(s->db, buf_cstr(&sql), "cannot LISTEN", err);
    buf_free(&channel);
    buf_free(&sql);
    return status;
}

static void postgres_close(struct source *source)
{
    struct postgres_source *s = postgres_of(source);
    PQfinish(s->db);
    pg_table_free(&s->table);
    holes_free(&s->holes);
    order_free(&s->order);
    buf_free(&s->first_ids);
    buf_free(&s->last_ids);
    pg_look_free(&s->look);
    buf_free(&s->journal);
    pg_journal_free(&s->replay);
    free(s);
}

static int postgres_open(const struct config *config, struct str state, struct str journal,
                         uint64_t epoch, struct source **out, struct error *err)
{
    struct postgres_source *s = x_calloc(1, sizeof *s);
    s->base.ops = &source_postgres;
    s->config = config;
    s->epoch = epoch;
    s->origin = epoch; /* without a state, earlier ordinals may have been others */
    s->building = state.p == NULL;
    int64_t oid = 0;
    const bool resumed = state.p != NULL && load_state(s, state, &oid);
    int status = pg_connect(config, &s->db, err);
    if (status == STATUS_OK) {
        status = pg_table_describe(s->db, &config->source, &s->table, err);
    }
    if (status == STATUS_OK) {
        status = pg_look_prepare(s, err);
    }
    if (status == STATUS_OK) {
        status = listen_for_rows(s, err);
    }
    if (status == STATUS_OK && state.p != NULL && !resumed) {
        log_warn("the checkpoint's place in the events table is that of another source or version: "
                 "all tiles are built again from it");
        start_over(s);
    } else if (status == STATUS_OK && resumed && oid != s->table.oid) {
        log_warn("table %s is another one than before: all tiles are built again from it",
                 buf_cstr(&s->table.name));
        start_over(s);
    } else if (status == STATUS_OK && resumed &&
               (journal.p == NULL || !pg_journal_load(&s->replay, journal, s->record))) {
        log_warn("records are missing in the journal, so the order of delivery since the "
                 "checkpoint is not known: all tiles are built again from table %s",
                 buf_cstr(&s->table.name));
        start_over(s);
    }
    if (status == STATUS_OK) {
        status = pg_find_history(s, err);
    }
    if (status != STATUS_OK) {
        postgres_close(&s->base);
        return status;
    }
    *out = &s->base;
    return STATUS_OK;
}

/* ---- What is delivered, in which order ---- */

void pg_place_late(struct postgres_source *s, int64_t id)
{
    if (s->last_ordinal > (uint64_t)s->position + s->offset) {
        s->offset = s->last_ordinal - (uint64_t)s->position;
    }
    order_late(&s->order, id, s->last_ordinal, s->position, s->offset);
}

/* Rows that came into holes: next in the order, whatever their ids. */
static void take_late(struct postgres_source *s, const PGresult *rows, wall_time now,
                      struct batch *batch)
{
    for (int i = 0; i < PQntuples(rows); i++) {
        const int64_t id = pg_row_id(rows, i);
        if (holes_fill(&s->holes, id)) {
            s->last_ordinal = (s->last_ordinal > s->floor ? s->last_ordinal : s->floor) + 1;
            pg_row_deliver(s, rows, i, now, batch);
            pg_place_late(s, id);
            pg_look_late(&s->look, id, s->last_ordinal);
        }
    }
}

/* When a hole seen in a table that is read for the first time began: about when the row behind it
 * was written. */
static wall_time hole_since(const struct postgres_source *s, const PGresult *rows, int row,
                            wall_time now)
{
    wall_time written;
    return s->building && pg_row_time(s, rows, row, &written) && written.us < now.us ? written
                                                                                     : now;
}

static void take_rows(struct postgres_source *s, const PGresult *rows, wall_time now,
                      struct batch *batch)
{
    for (int i = 0; i < PQntuples(rows); i++) {
        const int64_t id = pg_row_id(rows, i);
        if (id > s->position + 1) {
            const wall_time since = hole_since(s, rows, i, now);
            holes_add(&s->holes, s->position + 1, id - 1, s->xmax, since);
            pg_look_hole(&s->look, s->position + 1, id - 1, since);
        }
        s->position = id;
        s->last_ordinal = (uint64_t)id + s->offset;
        pg_row_deliver(s, rows, i, now, batch);
    }
}

/* What of this look a later one could not tell; and when its ordinals are above the ceiling, a
 * higher one. */
static void write_journal(struct postgres_source *s, int64_t before)
{
    const bool higher = s->last_ordinal > s->ceiling;
    if (higher) {
        s->ceiling = s->last_ordinal + CEILING_STEP;
    }
    /* While the table is read for the first time nothing has been delivered yet. */
    if (!s->building && (higher || s->look.hole_count != 0 || s->look.late_count != 0)) {
        const struct pg_record record = {.number = ++s->record,
                                         .before = before,
                                         .after = s->position,
                                         .fence = s->xmax,
                                         .ceiling = s->ceiling};
        pg_record_put(&s->journal, &record, &s->look);
    }
    pg_look_clear(&s->look);
}

static void fill_batch(struct postgres_source *s, const struct pg_seen *seen, size_t max_rows,
                       struct batch *batch)
{
    const wall_time now = clock_wall();
    const int64_t before = s->position;
    bool all_late = true;
    take_rows(s, seen->rows, now, batch);
    anchor_drop(&s->anchor, batch);
    s->full = PQntuples(seen->rows) == (int)max_rows;
    const bool late_may_come = s->building || !s->full;
    if (seen->late != NULL && late_may_come) {
        take_late(s, seen->late, now, batch);
        all_late = PQntuples(seen->late) < (int)max_rows;
    }
    write_journal(s, before);
    /* Not before a hole was looked at once more. */
    if (late_may_come && all_late && (s->building || s->cold)) {
        s->forgot = holes_forget(&s->holes, s->xmin, now, s->config->source.late_window_ms) != 0;
    }
    batch->more = s->full || !all_late;
    s->building = s->building && batch->more;
}

struct batch *pg_finish_batch(struct postgres_source *s, struct batch *batch)
{
    batch->ordinal = s->last_ordinal;
    batch->origin = s->origin;
    batch->restarted = s->started_over;
    batch->pending_ids = holes_ids(&s->holes);
    batch->pending_since = holes_oldest(&s->holes);
    batch->given_up = s->holes.given_up;
    batch->record = s->record;
    s->started_over = false;
    s->looked = !batch->more;
    s->forgot = false;
    order_forget(&s->order, s->config->ingestor.events);
    struct buf state = {0};
    save_state(s, &state);
    batch_finish(batch, buf_str(&state), buf_str(&s->journal));
    buf_clear(&s->journal);
    buf_free(&state);
    return batch;
}

/* Takes a look; and another one, from the start, if it shows that the table began anew. */
static int look(struct postgres_source *s, size_t max_rows, struct pg_seen *seen, struct error *err)
{
    bool other = false;
    int status = pg_look_take(s, max_rows, seen, err);
    if (status == STATUS_OK && s->replaced) {
        status = pg_is_other(s, &other, err);
    }
    if (status != STATUS_OK) {
        return status;
    }
    enum rewind rewind = rewind_seen(&s->rewind, s->position, s->newest, s->replaced,
                                     holes_miss(&s->holes, s->newest));
    rewind = other && rewind != REWIND_ANEW ? REWIND_OTHER : rewind;
    rewind_log(rewind, buf_cstr(&s->table.name), s->position, s->newest);
    if (rewind != REWIND_ANEW && rewind != REWIND_OTHER) {
        return STATUS_OK;
    }
    start_over(s);
    PQclear(seen->rows);
    PQclear(seen->late);
    *seen = (struct pg_seen){0};
    return pg_look_take(s, max_rows, seen, err);
}

static int postgres_read(struct source *source, size_t max_rows, struct batch **out,
                         struct error *err)
{
    struct postgres_source *s = postgres_of(source);
    struct pg_seen seen = {0};
    struct pg_record record;
    *out = NULL;
    if (s->history_from != 0) {
        return pg_read_history(s, out, err);
    }
    if (pg_journal_next(&s->replay, s->record, s->position, &record)) {
        return pg_replay(s, &record, max_rows, out, err);
    }
    const int status = look(s, max_rows, &seen, err);
    if (status == STATUS_OK) {
        struct batch *batch = batch_create(s->config->source.extra_count);
        fill_batch(s, &seen, max_rows, batch);
        if (batch->count == 0 && batch->unusable == 0 && !s->started_over && s->journal.len == 0 &&
            s->looked && !s->forgot) {
            batch_destroy(&batch);
        } else {
            *out = pg_finish_batch(s, batch);
        }
    }
    PQclear(seen.rows);
    PQclear(seen.late);
    return status;
}

static bool take_notifications(struct postgres_source *s)
{
    bool any = false;
    PGnotify *notify;
    while ((notify = PQnotifies(s->db)) != NULL) {
        any = true;
        PQfreemem(notify);
    }
    return any;
}

static int postgres_wait(struct source *source, int wake_fd, int timeout_ms, bool *woken,
                         struct error *err)
{
    struct postgres_source *s = postgres_of(source);
    /* Those that came during the look are in the connection's memory, and no socket tells of them
     * any more. */
    *woken = take_notifications(s);
    if (*woken) {
        return STATUS_OK;
    }
    struct pollfd fds[] = {{wake_fd, POLLIN, 0}, {PQsocket(s->db), POLLIN, 0}};
    poll(fds, 2, timeout_ms);
    if (fds[1].revents != 0 && PQconsumeInput(s->db) == 0) {
        return pg_error(s->db, NULL, "the connection to PostgreSQL is lost", err);
    }
    *woken = take_notifications(s);
    if (PQstatus(s->db) != CONNECTION_OK) {
        return pg_error(s->db, NULL, "the connection to PostgreSQL is lost", err);
    }
    return STATUS_OK;
}

static uint64_t postgres_renumber(struct source *source)
{
    struct postgres_source *s = postgres_of(source);
    s->origin = source_new_origin(s->origin);
    return s->origin;
}

const struct source_ops source_postgres = {
    .scheme = "postgresql",
    .journals = true,
    .open = postgres_open,
    .close = postgres_close,
    .read = postgres_read,
    .wait = postgres_wait,
    .renumber = postgres_renumber,
};
