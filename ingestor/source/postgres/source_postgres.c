/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PostgreSQL. Rows come in the order of their ids, but ids do not commit in order: what is missing
 * is remembered (see holes.h) and delivered late. NOTIFY only wakes us up; each poll reads what is
 * there.
 *
 * Ordinals are id + offset. A late row gets the ordinal after the last one, and the offset grows so
 * that what follows is above it.
 *
 * A poll is one snapshot (REPEATABLE READ): its xmin and xmax, the rows behind the position, the
 * rows in the holes. Sent in one go (pipeline mode), so it costs one round trip.
 *
 * What a later poll could not tell any more, which ids were missing when the rows behind them were
 * delivered and in which place late rows came, goes into the journal before a batch is handed on
 * (pg_journal.h). After a crash the records younger than the state are gone through again, so
 * that each event keeps its ordinal.
 *
 * A poll that found neither holes nor late rows writes no record. After a crash its rows are read
 * again as the first of the present, and get the ordinals that they had; so late rows come only
 * behind all the other rows that a poll can see. Should some of those have been deleted meanwhile,
 * their ordinals are not used again either: no ordinal above the ceiling is used before a record
 * with a higher one is on disk, and late rows get ordinals above the ceiling that we opened with.
 */
#include "ingestor/source/list.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/xalloc.h"
#include "common/lease/lease_postgres.h"
#include "common/postgres/pg.h"
#include "common/postgres/pg_pooled.h"
#include "common/program/log.h"
#include "common/state/state_postgres.h"
#include "ingestor/source/postgres/pg_between.h"
#include "ingestor/source/postgres/pg_connection.h"
#include "ingestor/source/postgres/pg_deliver.h"
#include "ingestor/source/postgres/pg_lost.h"
#include "ingestor/source/postgres/pg_poll.h"
#include "ingestor/source/postgres/pg_replay.h"
#include "ingestor/source/postgres/pg_rows.h"
#include "ingestor/source/postgres/pg_state.h"
#include "ingestor/source/postgres/pg_statements.h"

#define JOURNAL_GAP 1000000 /* numbers of records that are left free behind a damaged journal */
#define CEILING_STEP 65536  /* ordinals; a record is written for each that many at least */

static struct postgres_source *postgres_of(struct source *source)
{
    return (struct postgres_source *)source;
}

/* ---- Opening and closing ---- */

static void postgres_close(struct source *source)
{
    struct postgres_source *s = postgres_of(source);
    PQfinish(s->db);
    pg_state_free(s);
    free(s);
}

static int connect_silently(struct postgres_source *s, struct error *err)
{
    int status = pg_connection_open(s, err);
    if (status == STATUS_OK) {
        status = pg_statements_prepare(s, err);
    }
    return status;
}

static int connect_and_prepare(struct postgres_source *s, struct error *err)
{
    int status = connect_silently(s, err);
    if (status == STATUS_OK) {
        status = pg_between_first_id(s, &s->first_id, err);
    }
    return status == STATUS_OK ? pg_connection_listen(s, err) : status;
}

static int postgres_open_past(const struct config *config, struct str from, struct str to,
                              struct str done, struct source **out, struct error *err)
{
    return pg_between_open(config, from, to, done, connect_silently, out, err);
}

/* Goes on from a saved state if it fits the table, else starts over. loaded: the state is one of
 * ours; oid: of its table. */
static void resume(struct postgres_source *s, bool loaded, int64_t oid, struct str journal)
{
    const char *table = buf_cstr(&s->table.name);
    if (!loaded) {
        log_warn("the checkpoint's place in the events table is that of another source or version: "
                 "all tiles are built again from it");
    } else if (oid != s->table.oid) {
        log_warn("table %s is another one than before: all tiles are built again from it", table);
    } else {
        if (journal.p == NULL || !pg_journal_load(&s->journal.replay, journal, s->journal.record)) {
            log_warn("records are missing in the journal, so the order of delivery since the "
                     "state was saved is not known: streams are told `reset`");
            pg_journal_free(&s->journal.replay);
            s->journal.record += JOURNAL_GAP;
            s->at.origin = source_new_origin(s->at.origin);
        }
        return;
    }
    pg_state_start_over(s);
}

static int postgres_open(const struct config *config, struct str state, struct str journal,
                         uint64_t epoch, struct source **out, struct error *err)
{
    struct postgres_source *s = x_calloc(1, sizeof *s);
    s->base.ops = &source_postgres;
    s->config = config;
    s->at.unplaced = INT64_MIN;
    s->at.origin = epoch; /* without a state, earlier ordinals may have been others */
    s->news.building = state.p == NULL;
    int64_t oid = 0;
    const bool loaded = state.p != NULL && pg_state_load(s, state, &oid);
    int status = connect_and_prepare(s, err);
    if (status == STATUS_OK && state.p != NULL) {
        resume(s, loaded, oid, journal);
    }
    if (status == STATUS_OK) {
        status = pg_lost_check(s, loaded && !s->news.started_over, err);
    }
    if (status == STATUS_OK) {
        status = pg_replay_find_history(s, err);
    }
    if (status != STATUS_OK) {
        postgres_close(&s->base);
        return status;
    }
    *out = &s->base;
    return STATUS_OK;
}

/* ---- What is delivered, in which order ---- */

/* Counts a row at which the database fails. */
static void pass_over(struct postgres_source *s, int64_t id, struct batch *batch)
{
    batch->unusable++;
    unusable_row_because(&s->unusable, UNUSABLE_UNREADABLE, id, s->broken.why.text);
}

/* Delivers a row that came into a hole: it is next in the order, whatever its id. row: -1 if the
 * database fails at it. */
static void take_late_row(struct postgres_source *s, const PGresult *rows, int row, int64_t id,
                          wall_time now, struct batch *batch)
{
    if (!holes_fill(&s->holes, id)) {
        return;
    }
    s->at.last_ordinal =
        (s->at.last_ordinal > s->journal.floor ? s->at.last_ordinal : s->journal.floor) + 1;
    if (row >= 0) {
        pg_deliver_row(s, rows, row, now, batch);
    } else {
        pass_over(s, id, batch);
    }
    pg_deliver_late(s, id);
    pg_draft_late(&s->journal.draft, id, s->at.last_ordinal);
}

/* Delivers the rows that came into holes. */
static void take_late(struct postgres_source *s, const PGresult *rows, wall_time now,
                      struct batch *batch)
{
    int64_t broken = INT64_MIN;
    for (int i = 0; i < PQntuples(rows); i++) {
        const int64_t id = pg_row_id(rows, i);
        int64_t next;
        while (pg_broken_above(&s->broken, broken, &next) && next < id) {
            broken = next;
            take_late_row(s, rows, -1, broken, now, batch);
        }
        take_late_row(s, rows, i, id, now, batch);
    }
    while (pg_broken_above(&s->broken, broken, &broken)) {
        take_late_row(s, rows, -1, broken, now, batch);
    }
}

/* Since when an id is missing: now, but in a table that is read for the first time about since the
 * row behind the hole was written. */
static wall_time hole_since(const struct postgres_source *s, const PGresult *rows, int row,
                            wall_time now)
{
    wall_time written;
    return s->news.building && pg_row_time(s, rows, row, &written) && written.us < now.us ? written
                                                                                          : now;
}

/* Goes on to the next row that is there; what it leaves out is missing from then on. */
static void step_to(struct postgres_source *s, int64_t id, wall_time since)
{
    if (id > s->at.position + 1) {
        holes_add(&s->holes, s->at.position + 1, id - 1, s->snapshot.xmax, since);
        pg_draft_hole(&s->journal.draft, s->at.position + 1, id - 1, since);
    }
    s->at.position = id;
    s->at.last_ordinal = (uint64_t)id + s->at.offset;
}

/* Passes over the rows in (*from, below) at which the database fails. */
static void take_broken(struct postgres_source *s, int64_t *from, int64_t below, wall_time now,
                        struct batch *batch)
{
    int64_t id;
    while (pg_broken_above(&s->broken, *from, &id) && id < below) {
        *from = id;
        if (id > 0) {
            step_to(s, id, now);
        } else {
            s->at.unplaced = id;
        }
        pass_over(s, id, batch);
    }
}

static void take_rows(struct postgres_source *s, const PGresult *rows, wall_time now,
                      struct batch *batch)
{
    int64_t broken = s->at.position > 0 ? s->at.position : s->at.unplaced;
    for (int i = 0; i < PQntuples(rows); i++) {
        const int64_t id = pg_row_id(rows, i);
        if (s->broken.count != 0) {
            take_broken(s, &broken, id, now, batch);
        }
        if (id > 0) {
            step_to(s, id, id > s->at.position + 1 ? hole_since(s, rows, i, now) : now);
            pg_deliver_row(s, rows, i, now, batch);
        } else {
            s->at.unplaced = id;
            pg_row_add(s, rows, i, 0, now, batch); /* it is unusable */
        }
    }
    take_broken(s, &broken, INT64_MAX, now, batch);
}

/* Writes down what of this poll a later one could not tell; and, when its ordinals are above the
 * ceiling, a higher one. */
static void make_record(struct postgres_source *s, int64_t before)
{
    const bool higher = s->at.last_ordinal > s->journal.ceiling;
    if (higher) {
        s->journal.ceiling = s->at.last_ordinal + CEILING_STEP;
    }
    /* While the table is read for the first time nothing has been delivered yet. */
    if (!s->news.building &&
        (higher || s->journal.draft.hole_count != 0 || s->journal.draft.late_count != 0)) {
        const struct pg_record record = {.number = ++s->journal.record,
                                         .before = before,
                                         .after = s->at.position,
                                         .fence = s->snapshot.xmax,
                                         .ceiling = s->journal.ceiling};
        pg_record_put(&s->journal.bytes, &record, &s->journal.draft);
    }
    pg_draft_clear(&s->journal.draft);
}

static void fill_batch(struct postgres_source *s, const struct pg_polled *polled, size_t max_rows,
                       struct batch *batch)
{
    const wall_time now = clock_wall();
    const int64_t before = s->at.position;
    bool all_late = true;
    take_rows(s, polled->rows, now, batch);
    batch->older_gone = before == 0 && pg_between_older_gone(batch, s->first_id);
    anchor_drop(&s->anchor, batch);
    s->news.full = PQntuples(polled->rows) == (int)max_rows || polled->until != INT64_MAX ||
                   pg_rows_are_full(polled->rows);
    const bool late_may_come = s->news.building || !s->news.full;
    if (polled->late != NULL && late_may_come) {
        take_late(s, polled->late, now, batch);
        all_late = PQntuples(polled->late) < (int)max_rows && polled->late_until == INT64_MAX &&
                   !pg_rows_are_full(polled->late);
    }
    make_record(s, before);
    /* A hole is forgotten only after it was polled once more. */
    if (late_may_come && all_late && (s->news.building || s->hole_poll.thorough)) {
        s->news.forgot =
            holes_forget(&s->holes, s->snapshot.xmin, now, s->config->source.late_window_ms) != 0;
    }
    batch->more = s->news.full || !all_late;
    s->news.building = s->news.building && batch->more;
}

/* Polls; and once more, from the start, if that shows that the ids begin anew. */
static int poll_table(struct postgres_source *s, size_t max_rows, struct pg_polled *polled,
                      struct error *err)
{
    bool other = false;
    int status = s->pooled ? pg_lost_inspect(s, err) : STATUS_OK;
    if (status == STATUS_OK) {
        status = pg_poll_table(s, max_rows, polled, err);
    }
    if (status == STATUS_OK && s->snapshot.replaced) {
        status = pg_replay_is_other(s, &other, err);
    }
    if (status != STATUS_OK) {
        return status;
    }
    enum rewind rewind = pg_rewind_seen(&s->rewind, s->at.position, s->snapshot.newest,
                                        holes_miss(&s->holes, s->snapshot.newest));
    rewind = other && rewind != REWIND_ANEW ? REWIND_OTHER : rewind;
    pg_rewind_log(&s->rewind, rewind, buf_cstr(&s->table.name), s->at.position, s->snapshot.newest);
    if (rewind != REWIND_ANEW && rewind != REWIND_OTHER) {
        return STATUS_OK;
    }
    pg_state_start_over(s);
    pg_poll_clear(polled);
    return pg_poll_table(s, max_rows, polled, err);
}

static int postgres_read(struct source *source, size_t max_rows, struct batch **out,
                         struct error *err)
{
    struct postgres_source *s = postgres_of(source);
    struct pg_polled polled = {0};
    struct pg_record record;
    *out = NULL;
    if (s->at.history_from != 0) {
        return pg_replay_history(s, out, err);
    }
    if (pg_journal_next(&s->journal.replay, s->journal.record, s->at.position, &record)) {
        return pg_replay_record(s, &record, max_rows, out, err);
    }
    const int status = poll_table(s, max_rows, &polled, err);
    if (status == STATUS_OK) {
        struct batch *batch = batch_create(s->config->source.extra_count);
        fill_batch(s, &polled, max_rows, batch);
        if (batch->count == 0 && batch->unusable == 0 && !s->news.started_over &&
            s->journal.bytes.len == 0 && s->news.caught_up && !s->news.forgot) {
            batch_destroy(&batch);
        } else {
            *out = pg_deliver_finish(s, batch);
        }
    }
    pg_poll_clear(&polled);
    return status;
}

static int postgres_wait(struct source *source, int wake_fd, int timeout_ms, bool *woken,
                         struct error *err)
{
    return pg_connection_wait(postgres_of(source), wake_fd, timeout_ms, woken, err);
}

static uint64_t postgres_renumber(struct source *source)
{
    struct postgres_source *s = postgres_of(source);
    s->at.origin = source_new_origin(s->at.origin);
    return s->at.origin;
}

const struct source_ops source_postgres = {
    .scheme = "postgresql",
    .journals = true,
    .stores = {&state_postgres, &lease_postgres},
    .open = postgres_open,
    .close = postgres_close,
    .open_past = postgres_open_past,
    .state_is_newer = pg_state_is_newer,
    .read = postgres_read,
    .wait = postgres_wait,
    .renumber = postgres_renumber,
};
