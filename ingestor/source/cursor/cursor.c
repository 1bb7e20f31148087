/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/source/cursor/cursor.h"

#include "common/base/xalloc.h"
#include "common/program/log.h"
#include "ingestor/source/cursor/cursor_keys.h"
#include "ingestor/source/cursor/cursor_replay.h"

#define AHEAD_US (2 * US_PER_S) /* clocks of producers may be so much ahead of ours */
#define HOT_US (10 * US_PER_S)
#define RECHECK_SHARE 20 /* a look takes a twentieth of the time at most */

/* ---- Opening and closing ---- */

static bool note_row(void *arg, const struct cursor_row *row)
{
    (void)row;
    *(bool *)arg = true;
    return false;
}

/* Another identity may be that of a copy, which has the row that was read last, too. */
static int is_same_table(struct cursor *c, struct str identity, bool *same, struct error *err)
{
    struct cursor_key key;
    const struct str before = buf_str(&c->state.identity);
    *same = (c->db.same != NULL ? c->db.same(c->db.arg, before, identity)
                                : str_equal(before, identity)) ||
            cursor_mark_key(&c->state.position, &key) == NULL;
    return *same ? STATUS_OK : c->db.find(c->db.arg, &key, 1, note_row, same, err);
}

static void start_over(struct cursor *c)
{
    cursor_state_start_over(&c->state);
    buf_free(&c->journal);
    c->journal_at = 0;
    c->history_due = false;
    c->building = true;
    c->started_over = true;
}

int cursor_open(struct cursor *c, const struct config *config, const struct cursor_db *db,
                struct str state, struct str journal, uint64_t epoch, struct str identity,
                struct error *err)
{
    bool same = true;
    int status = STATUS_OK;
    *c = (struct cursor){.state = {.config = config, .origin = epoch, .record_bytes = SIZE_MAX},
                         .db = *db,
                         .building = state.p == NULL};
    c->hot.asked = true;
    c->thorough.asked = true;
    if (state.p == NULL) {
        buf_append_str(&c->state.identity, identity);
        return STATUS_OK;
    }
    if (!cursor_state_load(&c->state, state)) {
        cursor_state_free(&c->state);
        c->state = (struct cursor_state){.config = config, .origin = epoch};
        log_warn("the checkpoint's place in the events table is that of another source, "
                 "source.cursor or version: all tiles are built again from it");
        same = false;
    } else {
        status = is_same_table(c, identity, &same, err);
        if (status == STATUS_OK && !same) {
            log_warn("table %s is another one than before, or has lost the newest row that was "
                     "read, as after a failover or when it was restored: all tiles are built again "
                     "from it",
                     config->source.table);
        }
    }
    c->history_due = true;
    if (status == STATUS_OK && !same) {
        start_over(c);
    } else if (status == STATUS_OK && !cursor_replay_open(c, journal)) {
        log_warn("records are missing in the journal, so the order of delivery since the "
                 "checkpoint is not known: streams begin anew, and tiles go on");
        (void)cursor_renumber(c);
        c->history_due = false;
    }
    buf_clear(&c->state.identity);
    buf_append_str(&c->state.identity, identity);
    return status;
}

void cursor_close(struct cursor *c)
{
    cursor_state_free(&c->state);
    cursor_draft_free(&c->draft);
    buf_free(&c->journal);
    buf_free(&c->position);
}

uint64_t cursor_renumber(struct cursor *c)
{
    c->state.origin = source_new_origin(c->state.origin);
    c->state.record_bytes = SIZE_MAX;
    return c->state.origin;
}

/* ---- Delivering ---- */

/* A poll under way. */
struct poll {
    struct cursor *c;
    struct batch *batch;
    wall_time now;
    size_t max_rows;
    struct cursor_row passed;  /* The position is to be set to its key, if that is placed. */
    bool patient;              /* However many rows without a place come, it reads on. */
    size_t misplaced;          /* How many came one behind the other. */
    bool future;               /* A row of the future was met: what follows is ahead. */
    bool full;                 /* The batch is. */
    struct cursor_draft found; /* rows that a look has found, late or ahead */
    enum cursor_kind looking_for;
    int64_t looked_us; /* time that looking took */
};

/* Delivers the row, unless it was; then its entry is returned. */
static struct cursor_entry *deliver(struct poll *p, const struct cursor_row *row,
                                    enum cursor_kind kind)
{
    struct cursor *c = p->c;
    const struct cursor_key *key = kind != CURSOR_IN_ORDER ? &row->key : NULL;
    const uint64_t ordinal = c->state.position.ordinal + 1;
    struct cursor_entry *known =
        cursor_set_add(&c->state.set, row->id, ordinal, key, kind == CURSOR_AHEAD);
    if (known == NULL) {
        c->state.position.ordinal = ordinal;
        cursor_add_event(c, p->batch, row, ordinal, p->now);
        cursor_draft_add(&c->draft, kind, row->id, key);
        p->full = batch_is_full(p->batch);
    }
    return known;
}

/* The same of a row that is never met again: its id need not be known. */
static void deliver_settled(struct poll *p, const struct cursor_row *row)
{
    struct cursor *c = p->c;
    cursor_add_event(c, p->batch, row, ++c->state.position.ordinal, p->now);
    cursor_draft_add_settled(&c->draft);
    p->full = batch_is_full(p->batch);
}

static void set_position(struct poll *p)
{
    if (p->passed.placed) {
        cursor_mark_set(&p->c->state.position, &p->passed);
        p->passed.placed = false;
    }
}

/* The position goes to the row. To copy each key costs more than to read it, so that waits until
 * it is the last one, or the key would not be valid any more. */
static void pass(struct poll *p, const struct cursor_row *row)
{
    p->passed = *row;
    if (!row->key_lasts) {
        set_position(p);
    }
}

static bool take_next(void *arg, const struct cursor_row *row)
{
    struct poll *p = arg;
    struct cursor *c = p->c;
    if (!row->placed) {
        set_position(p);
        c->skipped++;
        unusable_text_row(&c->unusable, UNUSABLE_TIMESTAMP, row->id);
        return p->patient || ++p->misplaced < p->max_rows;
    }
    p->misplaced = 0;
    if (row->time.us > p->now.us + AHEAD_US) {
        return false;
    }
    const bool settled = c->settling && row->time.us < c->settled_us;
    if (c->settling && !settled && !cursor_draft_empty(&c->draft)) {
        p->full = true; /* a batch has rows of one sort alone */
        return false;
    }
    c->settling = settled;
    if (settled) {
        deliver_settled(p, row);
    } else {
        struct cursor_entry *known = deliver(p, row, CURSOR_IN_ORDER);
        if (known != NULL && known->passed == 0) {
            cursor_draft_add(&c->draft, CURSOR_PASSED, row->id, NULL);
            cursor_set_pass(&c->state.set, known, c->state.position.ordinal);
        }
    }
    pass(p, row);
    if (c->skipped != 0) {
        p->batch->unusable += c->skipped;
        c->skipped = 0;
    }
    return !p->full;
}

/* Rows behind the position. Those without a place that are the last of all stay behind it, and are
 * met again each time; if they are many, what may be behind them is read when a thorough look is
 * due. */
static int read_next(struct poll *p, struct error *err)
{
    struct cursor *c = p->c;
    struct cursor_key key;
    const struct cursor_key *position = cursor_mark_key(&c->state.position, &key);
    struct buf time = {0}; /* copies: the position moves meanwhile */
    struct buf id = {0};
    if (position != NULL) {
        buf_append_str(&time, key.time);
        buf_append_str(&id, key.id);
        key = (struct cursor_key){buf_str(&time), buf_str(&id)};
    }
    const struct cursor_range range = {.after = position, .max_rows = p->max_rows};
    bool more = false;
    c->skipped = 0;
    p->patient = c->building || clock_mono().us >= c->thorough.due_at.us;
    const mono_time began = clock_mono();
    const int status = c->db.scan(c->db.arg, &range, take_next, p, &more, err);
    set_position(p);
    p->looked_us += p->misplaced != 0 ? clock_mono().us - began.us : 0;
    p->batch->more = more || p->full;
    buf_free(&time);
    buf_free(&id);
    return status;
}

/* ---- Looking again ---- */

static bool take_key(void *arg, const struct cursor_row *row)
{
    struct poll *p = arg;
    if (!row->placed) {
        return true;
    }
    p->future |= row->time.us > p->now.us + AHEAD_US;
    if (p->looking_for == CURSOR_AHEAD && !p->future) {
        return true; /* it came just now, and the next poll reads it */
    }
    if (cursor_set_find(&p->c->state.set, row->id) == NULL) {
        cursor_draft_add(&p->found, p->looking_for, row->id, &row->key);
    }
    return p->found.counts[p->looking_for] < p->max_rows;
}

static bool take_found(void *arg, const struct cursor_row *row)
{
    struct poll *p = arg;
    const struct cursor_set *set = &p->c->state.set;
    if (row->placed) {
        (void)deliver(p, row, p->looking_for);
    }
    return !p->full &&
           (p->looking_for != CURSOR_AHEAD || set->ahead_bytes <= CURSOR_AHEAD_BYTES_MAX);
}

/* Delivers what the look has found. */
static int deliver_found(struct poll *p, struct error *err)
{
    struct cursor *c = p->c;
    struct buf bytes = {0};
    struct mp_doc doc;
    struct cursor_record record;
    struct cursor_keys keys = {.count = 0};
    int status = STATUS_OK;
    mp_doc_init(&doc);
    cursor_draft_put(&p->found, 0, 0, STR("\xc0"), &bytes);
    if (mp_parse(&doc, bytes.data, bytes.len) == STATUS_OK &&
        cursor_record_read(&doc.root, &record)) {
        struct str id;
        struct cursor_key key;
        for (size_t i = 0; cursor_record_at(&record, p->looking_for, i, &id, &key); i++) {
            cursor_keys_add(&keys, &key, i);
        }
        status = c->db.find(c->db.arg, keys.list, keys.count, take_found, p, err);
    }
    cursor_keys_free(&keys);
    mp_doc_free(&doc);
    buf_free(&bytes);
    return status;
}

/* Looks for rows of a range that were not delivered. `after` NULL: from the first one. */
static int read_again(struct poll *p, enum cursor_kind kind, const struct cursor_mark *after,
                      const struct cursor_mark *until, bool *more, struct error *err)
{
    struct cursor_key keys[2];
    const struct cursor_range range = {.after = cursor_mark_key(after, &keys[0]),
                                       .until = cursor_mark_key(until, &keys[1]),
                                       .keys_only = true,
                                       .max_rows = CURSOR_ALL_ROWS};
    bool unused;
    p->looking_for = kind;
    p->future = false;
    cursor_draft_clear(&p->found);
    const mono_time began = clock_mono();
    int status = p->c->db.scan(p->c->db.arg, &range, take_key, p, &unused, err);
    p->looked_us += clock_mono().us - began.us;
    if (status == STATUS_OK) {
        status = deliver_found(p, err);
    }
    *more |= p->full || p->found.counts[kind] >= p->max_rows;
    return status;
}

/* Only looking in vain is to be bounded: what was found and delivered does not count, and where
 * there is more, the next look is due now. */
static void plan(struct cursor_recheck *recheck, int64_t looked_us, int64_t at_least_ms, bool more)
{
    const mono_time now = clock_mono();
    const int64_t pause_ms = more ? 0 : looked_us / US_PER_MS * RECHECK_SHARE;
    recheck->asked = more;
    recheck->due_at = mono_add_ms(now, pause_ms > at_least_ms ? pause_ms : at_least_ms);
}

/* Before a mark that was forgotten there is nothing to look at. */
static int recheck(struct poll *p, struct error *err)
{
    struct cursor *c = p->c;
    struct cursor_state *state = &c->state;
    const mono_time began = clock_mono();
    const bool thorough = began.us >= c->thorough.due_at.us;
    bool more = false;
    int status = STATUS_OK;
    if (!thorough && !(c->hot.asked && began.us >= c->hot.due_at.us)) {
        return STATUS_OK;
    }
    const struct cursor_mark *floor = cursor_marks_floor(&state->marks);
    const struct cursor_mark *from =
        thorough ? floor : cursor_marks_before(&state->marks, state->position.us - HOT_US);
    from = floor != NULL && (from == NULL || from->ordinal < floor->ordinal) ? floor : from;
    if (state->position.time.len != 0) {
        status = read_again(p, CURSOR_LATE, from, &state->position, &more, err);
    }
    if (status == STATUS_OK && thorough && !more &&
        state->set.ahead_bytes <= CURSOR_AHEAD_BYTES_MAX) {
        status = read_again(p, CURSOR_AHEAD, &state->position, NULL, &more, err);
    }
    plan(&c->hot, p->looked_us, 0, more);
    if (thorough) {
        plan(&c->thorough, p->looked_us, more ? 0 : state->config->source.poll_interval_ms, more);
    }
    return status;
}

/* ---- Batches ---- */

static void make_record(struct cursor *c, uint64_t ordinal, struct buf *out)
{
    if (!cursor_draft_empty(&c->draft)) {
        buf_clear(&c->position);
        cursor_mark_save(&c->state.position, &c->position);
        cursor_draft_put(&c->draft, ++c->state.record, ordinal, buf_str(&c->position), out);
        cursor_draft_clear(&c->draft);
    }
}

/*
 * A table that is read from its start may have many rows that lie behind the late window of its
 * newest one, and behind what the event log holds. They come first, and their ids are not kept: the
 * floor goes with the position.
 */
static int begin_settling(struct cursor *c, struct error *err)
{
    const struct config *config = c->state.config;
    wall_time newest;
    wall_time logged;
    bool there = false;
    bool more = false;
    int status = STATUS_OK;
    if (c->db.newest != NULL) {
        status = c->db.newest(c->db.arg, 0, &newest, &there, err);
    }
    if (status == STATUS_OK && there) {
        status = c->db.newest(c->db.arg, config->ingestor.events, &logged, &more, err);
    }
    c->settling = status == STATUS_OK && more;
    if (c->settling) {
        const wall_time now = clock_wall();
        const int64_t last = newest.us < now.us ? newest.us : now.us;
        const int64_t window = last - config->source.late_window_ms * US_PER_MS;
        c->settled_us = window < logged.us ? window : logged.us;
    }
    return status;
}

/* Polls; the batch is left empty when there is nothing new. All rows of a table that is read from
 * its start have just been met, so it is looked at again only when those have been handed on. */
static int poll_table(struct cursor *c, size_t max_rows, struct batch *batch, struct error *err)
{
    struct poll p = {.c = c, .batch = batch, .now = clock_wall(), .max_rows = max_rows};
    int status = read_next(&p, err);
    if (status == STATUS_OK && !c->building && !p.full) {
        const bool more = batch->more;
        status = recheck(&p, err);
        batch->more = more || p.full;
    }
    cursor_draft_free(&p.found);
    return status;
}

int cursor_read(struct cursor *c, size_t max_rows, struct batch **out, struct error *err)
{
    const uint64_t before = c->state.position.ordinal;
    struct buf record = {0};
    *out = NULL;
    if (c->history_due) {
        c->history_due = false;
        return cursor_replay_history(c, out, err);
    }
    if (cursor_replay_left(c)) {
        return cursor_replay_record(c, out, err);
    }
    struct batch *batch = batch_create(c->state.config->source.extra_count);
    int status = STATUS_OK;
    if (c->building && before == 0) {
        status = begin_settling(c, err);
    }
    if (status == STATUS_OK) {
        status = poll_table(c, max_rows, batch, err);
    }
    if (c->settling && !cursor_draft_empty(&c->draft)) {
        cursor_marks_floor_at(&c->state.marks, &c->state.position);
    }
    make_record(c, before, &record);
    if (status != STATUS_OK || (record.len == 0 && batch->unusable == 0 && c->caught_up &&
                                !batch->more && !c->started_over)) {
        batch_destroy(&batch);
        buf_free(&record);
        return status;
    }
    cursor_state_settle(&c->state);
    cursor_finish(c, batch, buf_str(&record), !c->building);
    c->building = c->building && batch->more;
    buf_free(&record);
    *out = batch;
    return STATUS_OK;
}

/* ---- When to poll ---- */

void cursor_woken(struct cursor *c)
{
    c->hot.asked = true;
}

static mono_time next_recheck(const struct cursor *c)
{
    mono_time next = MONO_NEVER;
    if (c->hot.asked) {
        next = c->hot.due_at;
    }
    if (c->thorough.asked && c->thorough.due_at.us < next.us) {
        next = c->thorough.due_at;
    }
    return next;
}

int cursor_wait_ms(const struct cursor *c, int timeout_ms)
{
    return mono_ms_until(clock_mono(), next_recheck(c), timeout_ms);
}

bool cursor_due(const struct cursor *c)
{
    return clock_mono().us >= next_recheck(c).us;
}
