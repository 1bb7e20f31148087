/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/source/cursor/cursor_replay.h"

#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#include "common/codec/mp_check.h"

/* ---- The journal ---- */

static struct str rest_of(const struct cursor *c)
{
    return (struct str){c->journal.data + c->journal_at, c->journal.len - c->journal_at};
}

/* Numbers go on behind that of the state one by one; those in the state are skipped. */
bool cursor_replay_open(struct cursor *c, struct str journal)
{
    struct mp_doc doc;
    uint64_t number = c->state.record;
    bool ok = journal.p != NULL;
    mp_doc_init(&doc);
    while (ok && journal.len != 0) {
        struct cursor_record record;
        const size_t len = mp_length(journal.p, journal.len);
        ok = len != 0 && mp_parse(&doc, journal.p, len) == STATUS_OK &&
             cursor_record_read(&doc.root, &record) && record.number <= number + 1;
        if (ok && record.number == number + 1) {
            buf_append(&c->journal, journal.p, len);
            number++;
        }
        journal = (struct str){journal.p + len, journal.len - len};
    }
    mp_doc_free(&doc);
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
    uint64_t ordinal;         /* of the row that is looked for by its key */
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

static bool take_one(void *arg, const struct cursor_row *row)
{
    struct replay *r = arg;
    cursor_add_event(r->c, r->batch, row, r->ordinal, r->now);
    return false;
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
        if (cursor_set_find(&r->wanted, id) == NULL) {
            cursor_set_add(&r->wanted, id, cursor_record_ordinal(record, CURSOR_IN_ORDER, i), NULL,
                           false);
        }
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
        for (size_t i = 0;
             status == STATUS_OK && cursor_record_at(&record, (enum cursor_kind)kind, i, &id, &key);
             i++) {
            r.ordinal = cursor_record_ordinal(&record, (enum cursor_kind)kind, i);
            status = c->db.find(c->db.arg, &key, take_one, &r, err);
        }
    }
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
        cursor_add_event(r->c, r->batch, row, entry->ordinal, r->now);
    }
    return true;
}

/* Rows that came late or ahead of time are found by their keys. */
static int find_keyed(struct replay *r, const struct cursor_entry *list, struct error *err)
{
    const struct cursor_entry *entry;
    int status = STATUS_OK;
    DL_FOREACH(list, entry)
    {
        if (entry->time_len != 0 && entry->ordinal > r->after && status == STATUS_OK) {
            const struct cursor_key key = cursor_entry_key(entry);
            r->ordinal = entry->ordinal;
            status = r->c->db.find(r->c->db.arg, &key, take_one, r, err);
        }
    }
    return status;
}

static int by_ordinal(const void *a, const void *b)
{
    const struct event *x = a;
    const struct event *y = b;
    return (x->ordinal > y->ordinal) - (x->ordinal < y->ordinal);
}

int cursor_replay_history(struct cursor *c, struct batch **out, struct error *err)
{
    struct cursor_state *state = &c->state;
    const uint64_t last = state->position.ordinal;
    const uint64_t wanted = state->config->ingestor.events;
    struct replay r = {.c = c, .now = clock_wall(), .after = last > wanted ? last - wanted : 0};
    struct cursor_key keys[2];
    int status = STATUS_OK;
    r.batch = batch_create(state->config->source.extra_count);
    if (state->position.time.len != 0) {
        const struct cursor_mark *first = state->marks.floor != 0 ? &state->marks.list[0] : NULL;
        status = scan_all(&r, cursor_mark_key(first, &keys[0]),
                          cursor_mark_key(&state->position, &keys[1]), take_history, err);
    }
    if (status == STATUS_OK) {
        status = find_keyed(&r, state->set.passed, err);
    }
    if (status == STATUS_OK) {
        status = find_keyed(&r, state->set.ahead, err);
    }
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
