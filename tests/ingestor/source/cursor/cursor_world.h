/* SPDX-License-Identifier: Apache-2.0 */
/* A table in memory, and an ingestor that reads it by a cursor. */
#ifndef TESTS_INGESTOR_SOURCE_CURSOR_CURSOR_WORLD_H
#define TESTS_INGESTOR_SOURCE_CURSOR_CURSOR_WORLD_H

#include "ingestor/source/cursor/cursor.h"

#include <stdio.h>
#include <time.h>

#include "common/base/xalloc.h"
#include "common/codec/mp_check.h"
#include "tests/unit.h"

#define ROWS_MAX 4000
#define EVENTS 50 /* of the event log */

struct world_row {
    int64_t us;
    char id[40];
    bool deleted;
    bool misplaced;     /* no time can be made of its column */
    uint64_t delivered; /* its ordinal; 0: not yet */
    unsigned past;      /* how often it came as a row of the past */
};

struct world {
    struct config *config;
    struct world_row *rows; /* as committed, in the order of (time, id) */
    size_t count;
    unsigned seed;
    struct cursor cursor;

    /* What an ingestor holds: the state after the last batch, that of its checkpoint, and the
     * journal's records since the checkpoint. */
    struct buf state;
    struct buf saved;
    struct buf journal;
    bool has_saved;
    uint64_t record; /* the last one in the state */
    uint64_t saved_record;
    uint64_t origin;

    char (*order)[40];           /* ids by ordinal */
    uint64_t last;               /* the greatest ordinal that was handed on */
    const struct world_row *row; /* in hand */
    char times[2][24];           /* of the keys of the last two rows, in turns */
    char ids[2][40];             /* likewise */
    size_t turn;                 /* which of them was written last */
    bool keys_last;              /* Keys are valid as long as these: in every other scan. */
    size_t handed;               /* rows that scans have handed out */
    size_t finds;                /* calls of `find` that were about a key */
};

/* ---- The table ---- */

static inline void key_of(const struct world_row *row, char time[24], struct cursor_key *key)
{
    snprintf(time, 24, "%020lld", (long long)row->us);
    *key = (struct cursor_key){str_of(time), str_of(row->id)};
}

static inline int compare(const struct cursor_key *a, const struct cursor_key *b)
{
    const int order = event_id_compare(event_id_of_text(a->time), event_id_of_text(b->time));
    return order != 0 ? order : event_id_compare(event_id_of_text(a->id), event_id_of_text(b->id));
}

static inline bool hand_out(struct world *w, const struct world_row *row, size_t asked,
                            cursor_take *take, void *arg)
{
    const size_t turn = w->keys_last ? ++w->turn % 2 : 0;
    struct cursor_row handed = {.placed = !row->misplaced,
                                .key_lasts = w->keys_last,
                                .time = {row->us},
                                .id = str_of(row->id),
                                .asked = asked};
    key_of(row, w->times[turn], &handed.key);
    memcpy(w->ids[turn], row->id, sizeof row->id);
    handed.key.id = str_of(w->ids[turn]);
    w->row = row;
    return take(arg, &handed);
}

static inline int scan(void *arg, const struct cursor_range *range, cursor_take *take,
                       void *take_arg, bool *more, struct error *err)
{
    struct world *w = arg;
    size_t handed = 0;
    bool wanted = true;
    (void)err;
    w->keys_last = !w->keys_last;
    for (size_t i = 0; i < w->count && wanted && handed < range->max_rows; i++) {
        char time[24];
        struct cursor_key key;
        key_of(&w->rows[i], time, &key);
        if (!w->rows[i].deleted && (range->after == NULL || compare(&key, range->after) > 0) &&
            (range->until == NULL || compare(&key, range->until) <= 0)) {
            handed += !w->rows[i].misplaced;
            wanted = hand_out(w, &w->rows[i], 0, take, take_arg);
            w->handed++;
        }
    }
    *more = handed == range->max_rows;
    return STATUS_OK;
}

static inline int find(void *arg, const struct cursor_key *keys, size_t count, cursor_take *take,
                       void *take_arg, struct error *err)
{
    struct world *w = arg;
    bool wanted = true;
    (void)err;
    w->finds += count != 0;
    for (size_t k = 0; k < count && wanted; k++) {
        for (size_t i = 0; i < w->count; i++) {
            char time[24];
            struct cursor_key other;
            key_of(&w->rows[i], time, &other);
            if (!w->rows[i].deleted && compare(&other, &keys[k]) == 0) {
                wanted = hand_out(w, &w->rows[i], k, take, take_arg);
                break;
            }
        }
    }
    return STATUS_OK;
}

static inline int newest(void *arg, size_t behind, wall_time *time, bool *found, struct error *err)
{
    const struct world *w = arg;
    (void)err;
    *found = false;
    for (size_t i = w->count; i > 0 && !*found; i--) {
        const struct world_row *row = &w->rows[i - 1];
        if (!row->deleted && behind-- == 0) {
            *found = !row->misplaced;
            time->us = row->us;
            break;
        }
    }
    return STATUS_OK;
}

static inline enum unusable fill(void *arg, struct batch *batch, struct event *event)
{
    const struct world *w = arg;
    event->timestamp.us = w->row->us;
    event->event_type = batch_text(batch, STR("t"));
    return UNUSABLE_KINDS;
}

static inline int by_place(const void *a, const void *b)
{
    const struct world_row *x = a;
    const struct world_row *y = b;
    return x->us != y->us ? (x->us > y->us) - (x->us < y->us) : strcmp(x->id, y->id);
}

static inline struct world_row *row_of(struct world *w, struct str id)
{
    for (size_t i = 0; i < w->count; i++) {
        if (str_equal(str_of(w->rows[i].id), id)) {
            return &w->rows[i];
        }
    }
    fail_msg("an id that no row has");
    abort(); /* for compilers that do not know that this is never reached */
}

/* Commits a row whose time is so long ago. Returns its id. */
static inline struct str commit(struct world *w, int64_t ago_us)
{
    char id[40];
    assert_true(w->count < ROWS_MAX);
    struct world_row *row = &w->rows[w->count++];
    *row = (struct world_row){.us = clock_wall().us - ago_us};
    row->us -= row->us % 1000; /* some have the same time */
    snprintf(id, sizeof id, "%08x-%zu", (unsigned)rand_r(&w->seed), w->count);
    memcpy(row->id, id, sizeof id);
    qsort(w->rows, w->count, sizeof *w->rows, by_place);
    return str_of(row_of(w, str_of(id))->id);
}

static inline void commit_misplaced(struct world *w, int64_t ago_us)
{
    row_of(w, commit(w, ago_us))->misplaced = true;
}

/* ---- The ingestor ---- */

static inline void start(struct world *w, struct str journal)
{
    const struct cursor_db db = {
        .arg = w, .scan = scan, .find = find, .newest = newest, .fill = fill};
    struct error err;
    assert_int_equal(cursor_open(&w->cursor, w->config, &db,
                                 w->has_saved ? buf_str(&w->saved) : STR_NULL, journal, 7,
                                 STR("table"), &err),
                     STATUS_OK);
}

static inline void world_init(struct world *w, const char *late_window, unsigned seed)
{
    struct buf text = {0};
    struct error err = {{0}};
    *w = (struct world){.seed = seed};
    buf_printf(&text,
               "source: {uri: \"sqlite:x.db\", cursor: [at, id], poll_interval: 10ms, "
               "late_window: %s}\n"
               "ingestor: {events: %d}\ntiles: [{key: a, type: count}]\n",
               late_window, EVENTS);
    if (config_parse(text.data, text.len, "test.yaml", &w->config, &err) != STATUS_OK) {
        fail_msg("%s", err.text);
    }
    buf_free(&text);
    w->rows = x_calloc(ROWS_MAX, sizeof *w->rows);
    w->order = x_calloc(ROWS_MAX + 1, sizeof *w->order);
    start(w, STR_NULL);
}

static inline void world_free(struct world *w)
{
    cursor_close(&w->cursor);
    config_destroy(&w->config);
    buf_free(&w->state);
    buf_free(&w->saved);
    buf_free(&w->journal);
    free(w->rows);
    free(w->order);
}

/* An event is one that was delivered before with that ordinal, or is the first with it. */
static inline void check_event(struct world *w, const struct event *event, bool history)
{
    struct world_row *row = row_of(w, event->id.text);
    assert_true(event->ordinal <= ROWS_MAX);
    if (event->ordinal <= w->last) {
        assert_str(event->id.text, w->order[event->ordinal]);
        assert_int_equal(row->delivered, event->ordinal);
        return;
    }
    assert_true(!history && row->delivered == 0); /* each once */
    row->delivered = event->ordinal;
    memcpy(w->order[event->ordinal], row->id, sizeof row->id);
}

/* Takes one batch as an ingestor does. Returns how many events were in it. */
static inline size_t take_batch(struct world *w, size_t max_rows)
{
    struct batch *batch;
    struct error err;
    assert_int_equal(cursor_read(&w->cursor, max_rows, &batch, &err), STATUS_OK);
    if (batch == NULL) {
        return 0;
    }
    buf_append_str(&w->journal, batch->journal);
    for (size_t i = 0; i < batch->count; i++) {
        assert_true(i == 0 || batch->events[i].ordinal > batch->events[i - 1].ordinal);
        check_event(w, &batch->events[i], batch->history);
    }
    if (!batch->history) {
        if (!batch->state_appends) {
            buf_clear(&w->state);
        }
        buf_append_str(&w->state, batch->state);
        w->last = batch->ordinal > w->last ? batch->ordinal : w->last;
    } else {
        assert_true(batch->count <= EVENTS);
    }
    w->origin = batch->origin;
    w->record = batch->record;
    const size_t count = batch->count;
    batch_destroy(&batch);
    return count;
}

/* Takes the records out of the journal that the state holds. */
static inline void truncate_journal(struct world *w)
{
    struct buf rest = {0};
    struct mp_doc doc;
    mp_doc_init(&doc);
    for (size_t at = 0; at < w->journal.len;) {
        const size_t len = mp_length(w->journal.data + at, w->journal.len - at);
        uint64_t number;
        assert_int_equal(mp_parse(&doc, w->journal.data + at, len), STATUS_OK);
        assert_true(mp_as_uint(mp_at(&doc.root, 0), &number));
        if (number > w->record) {
            buf_append(&rest, w->journal.data + at, len);
        }
        at += len;
    }
    mp_doc_free(&doc);
    buf_free(&w->journal);
    w->journal = rest;
}

static inline void save(struct world *w)
{
    if (w->state.len != 0 && !w->cursor.building) {
        buf_clear(&w->saved);
        buf_append_str(&w->saved, buf_str(&w->state));
        truncate_journal(w);
        w->saved_record = w->record;
        w->has_saved = true;
    }
}

static inline void crash(struct world *w)
{
    cursor_close(&w->cursor);
    buf_clear(&w->state);
    buf_append_str(&w->state, buf_str(&w->saved));
    w->record = w->saved_record;
    start(w, buf_str(&w->journal));
}

static inline bool all_delivered(const struct world *w)
{
    for (size_t i = 0; i < w->count; i++) {
        if (w->rows[i].delivered == 0 && !w->rows[i].deleted && !w->rows[i].misplaced) {
            return false;
        }
    }
    return true;
}

static inline void pause_briefly(void)
{
    nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
}

/* Reads until all rows were delivered, which a look at each poll_interval sees to. */
static inline void settle(struct world *w, size_t max_rows)
{
    for (int tries = 0; !all_delivered(w); tries++) {
        if (tries > 3000) {
            fail_msg("a row was not delivered");
        }
        cursor_woken(&w->cursor);
        if (take_batch(w, max_rows) == 0) {
            pause_briefly();
        }
    }
}

#endif
