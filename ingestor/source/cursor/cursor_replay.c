/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/source/cursor/cursor_replay.h"

#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#include "common/base/xalloc.h"
#include "common/codec/mp_check.h"
#include "ingestor/source/cursor/cursor_keys.h"
#include "ingestor/source/records.h"

/* ---- The journal ---- */

static struct str rest_of(const struct cursor *c)
{
    return (struct str){c->journal.data + c->journal_at, c->journal.len - c->journal_at};
}

static uint64_t number_of(const mp_value *value)
{
    struct cursor_record record;
    return cursor_record_read(value, &record) ? record.number : 0;
}

bool cursor_replay_open(struct cursor *c, struct str journal)
{
    uint64_t number = c->state.record;
    const bool ok = journal.p != NULL && records_behind(journal, number_of, &number, &c->journal);
    if (!ok) {
        buf_free(&c->journal);
        c->state.record = number; /* so that what follows is not taken for what is there */
    }
    return ok;
}

bool cursor_replay_left(const struct cursor *c)
{
    return c->journal_at < c->journal.len;
}

/* ---- What was delivered ---- */

/* Rows that are read again, and the ordinals that they had. */
struct replay {
    struct cursor *c;
    struct batch *batch;
    wall_time now;
    struct cursor_set wanted; /* rows of the record that came in order */
    uint64_t after;           /* History: rows up to this ordinal are not wanted. */
    struct cursor_keys keys;  /* of rows that are looked for by them, with their ordinals */
    size_t *lengths;          /* History: bytes of the rows behind `after`; NULL: not measured. */
    bool too_long;            /* They take more than BATCH_HISTORY_BYTES_MAX. */
};

static bool take_wanted(void *arg, const struct cursor_row *row)
{
    struct replay *r = arg;
    const struct cursor_entry *entry = row->placed ? cursor_set_find(&r->wanted, row->id) : NULL;
    if (entry != NULL) {
        cursor_add_event(r->c, r->batch, row, entry->ordinal, r->now);
    }
    return true;
}

/* Rows that are too many are only measured. */
static void add(struct replay *r, const struct cursor_row *row, uint64_t ordinal)
{
    const size_t before = batch_bytes(r->batch);
    cursor_add_event(r->c, r->batch, row, ordinal, r->now);
    if (r->lengths != NULL) {
        r->lengths[ordinal - r->after - 1] = batch_bytes(r->batch) - before;
        if (batch_bytes(r->batch) > BATCH_HISTORY_BYTES_MAX) {
            batch_destroy(&r->batch);
            r->batch = batch_create(r->c->state.config->source.extra_count);
            r->too_long = true;
        }
    }
}

static bool take_keyed(void *arg, const struct cursor_row *row)
{
    struct replay *r = arg;
    add(r, row, r->keys.numbers[row->asked]);
    return true;
}

static int find_keyed(struct replay *r, struct error *err)
{
    const int status = r->c->db.find(r->c->db.arg, r->keys.list, r->keys.count, take_keyed, r, err);
    cursor_keys_free(&r->keys);
    return status;
}

/* Hands out all rows of a range, however many. */
static int scan_all(struct replay *r, const struct cursor_key *after,
                    const struct cursor_key *until, cursor_take *take, struct error *err)
{
    const struct cursor_range range = {.after = after, .until = until, .max_rows = CURSOR_ALL_ROWS};
    bool more;
    return r->c->db.scan(r->c->db.arg, &range, take, r, &more, err);
}

static int replay_in_order(struct replay *r, const struct cursor_record *record, struct error *err)
{
    struct cursor *c = r->c;
    struct cursor_mark until = {.us = 0};
    struct cursor_key keys[2];
    struct cursor_key unused;
    struct str id;
    int status = STATUS_OK;
    for (size_t i = 0; cursor_record_at(record, CURSOR_IN_ORDER, i, &id, &unused); i++) {
        (void)cursor_set_add(&r->wanted, id, cursor_record_ordinal(record, CURSOR_IN_ORDER, i),
                             NULL, false);
    }
    if (r->wanted.table != NULL && cursor_mark_load(&until, record->position)) {
        status = scan_all(r, cursor_mark_key(&c->state.position, &keys[0]),
                          cursor_mark_key(&until, &keys[1]), take_wanted, err);
    }
    cursor_mark_free(&until);
    cursor_set_free(&r->wanted);
    return status;
}

int cursor_replay_record(struct cursor *c, struct batch **out, struct error *err)
{
    struct replay r = {.c = c, .now = clock_wall()};
    struct mp_doc doc;
    struct cursor_record record;
    struct str id;
    struct cursor_key key;
    const struct str rest = rest_of(c);
    const size_t len = mp_length(rest.p, rest.len);
    int status = STATUS_OK;
    mp_doc_init(&doc);
    (void)mp_parse(&doc, rest.p, len);
    (void)cursor_record_read(&doc.root, &record); /* as it was when it was taken over */
    r.batch = batch_create(c->state.config->source.extra_count);
    status = replay_in_order(&r, &record, err);
    for (int kind = CURSOR_LATE; kind <= CURSOR_AHEAD; kind++) {
        for (size_t i = 0; cursor_record_at(&record, (enum cursor_kind)kind, i, &id, &key); i++) {
            cursor_keys_add(&r.keys, &key,
                            cursor_record_ordinal(&record, (enum cursor_kind)kind, i));
        }
    }
    if (status == STATUS_OK) {
        status = find_keyed(&r, err);
    }
    cursor_keys_free(&r.keys);
    if (status == STATUS_OK) {
        (void)cursor_state_apply(&c->state, &record);
        c->journal_at += len;
        r.batch->more = true; /* the present comes next */
        cursor_finish(c, r.batch, (struct str){rest.p, len}, false);
        *out = r.batch;
    } else {
        batch_destroy(&r.batch);
    }
    mp_doc_free(&doc);
    return status;
}

/* ---- Before the state was saved, for the event log ---- */

static bool take_history(void *arg, const struct cursor_row *row)
{
    struct replay *r = arg;
    const struct cursor_entry *entry =
        row->placed ? cursor_set_find(&r->c->state.set, row->id) : NULL;
    if (entry != NULL && entry->time_len == 0 && entry->ordinal > r->after) {
        add(r, row, entry->ordinal);
    }
    return true;
}

/* Rows that came late or ahead of time are found by their keys. */
static void add_keyed(struct replay *r, const struct cursor_entry *list)
{
    const struct cursor_entry *entry;
    DL_FOREACH(list, entry)
    {
        if (entry->time_len != 0 && entry->ordinal > r->after) {
            const struct cursor_key key = cursor_entry_key(entry);
            cursor_keys_add(&r->keys, &key, entry->ordinal);
        }
    }
}

static int by_ordinal(const void *a, const void *b)
{
    const struct event *x = a;
    const struct event *y = b;
    return (x->ordinal > y->ordinal) - (x->ordinal < y->ordinal);
}

/* Reads the rows behind r->after. */
static int read_history(struct replay *r, struct error *err)
{
    const struct cursor_state *state = &r->c->state;
    struct cursor_key keys[2];
    int status = STATUS_OK;
    r->batch = batch_create(state->config->source.extra_count);
    if (state->position.time.len != 0) {
        const struct cursor_mark *first = state->marks.floor != 0 ? &state->marks.list[0] : NULL;
        status = scan_all(r, cursor_mark_key(first, &keys[0]),
                          cursor_mark_key(&state->position, &keys[1]), take_history, err);
    }
    if (status == STATUS_OK) {
        add_keyed(r, state->set.passed);
        add_keyed(r, state->set.ahead);
        status = find_keyed(r, err);
    }
    return status;
}

/* Rows come in another order than that of their ordinals, so which are the newest that are not too
 * long together is known when all were read: they are read once more. */
static int read_bounded(struct replay *r, uint64_t last, struct error *err)
{
    size_t *lengths = x_calloc((size_t)(last - r->after) + 1, sizeof *lengths);
    r->lengths = lengths;
    int status = read_history(r, err);
    if (status == STATUS_OK && r->too_long) {
        const uint64_t after = r->after;
        size_t left = BATCH_HISTORY_BYTES_MAX;
        r->after = last;
        while (r->after > after && lengths[r->after - after - 1] <= left) {
            left -= lengths[r->after - after - 1];
            r->after--;
        }
        r->lengths = NULL;
        batch_destroy(&r->batch);
        status = read_history(r, err);
    }
    free(lengths);
    return status;
}

int cursor_replay_history(struct cursor *c, struct batch **out, struct error *err)
{
    struct cursor_state *state = &c->state;
    const uint64_t last = state->position.ordinal;
    const uint64_t wanted = state->config->ingestor.events;
    struct replay r = {.c = c, .now = clock_wall(), .after = last > wanted ? last - wanted : 0};
    const int status = read_bounded(&r, last, err);
    if (status != STATUS_OK) {
        batch_destroy(&r.batch);
        return status;
    }
    r.batch->history = true;
    r.batch->unusable = 0; /* they were counted the first time */
    cursor_finish(c, r.batch, STR(""), false);
    state->record_bytes = SIZE_MAX; /* whoever was given a state to open with goes on from that */
    if (r.batch->count != 0) {
        qsort(r.batch->events, r.batch->count, sizeof *r.batch->events, by_ordinal);
    }
    *out = r.batch;
    return STATUS_OK;
}
