/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/source/redis/redis_state.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/xalloc.h"
#include "common/codec/mp_check.h"

#define KIND "redis"
#define FORMAT 1
#define RUN_FIELDS 6
#define ANCHOR_FIELDS 3
#define REDIS_RUNS_MIN 64

static void free_runs(struct redis_runs *runs)
{
    free(runs->list);
    *runs = (struct redis_runs){0};
}

void redis_state_free(struct redis_state *state)
{
    free_runs(&state->runs);
    *state = (struct redis_state){0};
}

uint64_t redis_state_renumber(struct redis_state *state)
{
    state->origin = source_new_origin(state->origin);
    state->numbered = state->ordinal + 1;
    state->record_bytes = SIZE_MAX;
    return state->origin;
}

void redis_state_verify(struct redis_state *state)
{
    if (state->anchors.count != 0 && state->ordinal > state->verified_ordinal) {
        state->verified = state->anchors.list[state->anchors.count - 1];
        state->verified_ordinal = state->ordinal;
    }
}

void redis_state_doubt(struct redis_state *state)
{
    state->verified = (struct redis_anchor){0};
    state->verified_ordinal = state->ordinal;
}

/* ---- What was read ---- */

static bool same(struct redis_anchor a, struct redis_anchor b)
{
    return redis_id_compare(a.id, b.id) == 0 && a.digest == b.digest;
}

static bool holds(const struct redis_anchors *anchors, struct redis_anchor entry)
{
    for (size_t i = anchors->count; i > 0; i--) {
        if (same(anchors->list[i - 1], entry)) {
            return true;
        }
    }
    return false;
}

bool redis_state_knows(const struct redis_state *state, struct redis_anchor entry)
{
    if (holds(&state->anchors, entry) || holds(&state->milestones, entry)) {
        return true;
    }
    for (size_t i = state->runs.count; i > 0; i--) {
        if (same(state->runs.list[i - 1].last, entry)) {
            return true;
        }
    }
    return false;
}

static void keep_anchor(struct redis_anchors *anchors, struct redis_anchor anchor)
{
    if (anchors->count == REDIS_ANCHORS_MAX) {
        memmove(anchors->list, anchors->list + 1,
                (REDIS_ANCHORS_MAX - 1) * sizeof anchors->list[0]);
        anchors->count--;
    }
    anchors->list[anchors->count++] = anchor;
}

static void push(struct redis_runs *runs, struct redis_run run)
{
    if (runs->count == runs->cap) {
        runs->cap = runs->cap != 0 ? runs->cap * 2 : 64;
        runs->list = x_reallocarray(runs->list, runs->cap, sizeof *runs->list);
    }
    assert(runs->list != NULL);
    runs->list[runs->count++] = run;
}

/* Adds a run; a short one is joined to the one before, unless that is of an older numbering. */
static void keep_run(struct redis_state *state, const struct redis_run *run)
{
    struct redis_runs *runs = &state->runs;
    struct redis_run *last = runs->count != 0 ? &runs->list[runs->count - 1] : NULL;
    const uint64_t end = run->ordinal + run->count - 1;
    if (end >= 2 * state->milestone) {
        keep_anchor(&state->milestones, run->last);
        state->milestone = end;
    }
    if (last != NULL && last->count + run->count <= REDIS_RUN_MAX &&
        last->ordinal + last->count == run->ordinal &&
        (last->ordinal >= state->numbered || run->ordinal < state->numbered)) {
        last->count += run->count;
        last->last = run->last;
    } else {
        push(runs, *run);
    }
}

/* Forgets those that the event log does not reach back to, but for some by which the stream is
 * known again. The oldest ones, half of them at a time, so that moving the rest costs little. */
static void trim(struct redis_state *state)
{
    struct redis_runs *runs = &state->runs;
    const uint64_t from = state->ordinal > state->keep ? state->ordinal - state->keep : 0;
    size_t gone = 0;
    while (gone + REDIS_RUNS_MIN < runs->count &&
           runs->list[gone].ordinal + runs->list[gone].count <= from + 1) {
        gone++;
    }
    if (gone > runs->count / 2) {
        runs->count -= gone;
        memmove(runs->list, runs->list + gone, runs->count * sizeof *runs->list);
    }
}

/* ---- Drafts ---- */

static void pass(struct redis_draft *draft, struct redis_state *state, struct redis_id id)
{
    state->position = id;
    state->added += state->added != REDIS_ADDED_UNKNOWN;
    draft->moved = true;
}

static bool is_power_of_two(uint64_t number)
{
    return (number & (number - 1)) == 0;
}

/* Runs end where a milestone may be. */
uint64_t redis_draft_deliver(struct redis_draft *draft, struct redis_state *state,
                             struct redis_anchor entry)
{
    struct redis_runs *runs = &draft->runs;
    struct redis_run *last = runs->count != 0 ? &runs->list[runs->count - 1] : NULL;
    const uint64_t ordinal = ++state->ordinal;
    if (last != NULL && last->count < REDIS_RUN_MAX && !is_power_of_two(ordinal - 1) &&
        redis_id_compare(last->last.id, entry.id) < 0) {
        last->count++;
        last->last = entry;
    } else {
        push(runs, (struct redis_run){entry.id, entry, 1, ordinal});
    }
    pass(draft, state, entry.id);
    keep_anchor(&state->anchors, entry);
    if (redis_id_is_zero(state->verified.id)) { /* it is the first one of what is read now */
        redis_state_verify(state);
    }
    return ordinal;
}

void redis_draft_pass(struct redis_draft *draft, struct redis_state *state, struct redis_id id)
{
    pass(draft, state, id);
}

void redis_draft_move(struct redis_draft *draft, struct redis_state *state,
                      struct redis_id position, int64_t added)
{
    state->position = position;
    state->added = added;
    draft->moved = true;
}

bool redis_draft_empty(const struct redis_draft *draft)
{
    return !draft->moved;
}

void redis_draft_free(struct redis_draft *draft)
{
    free_runs(&draft->runs);
    *draft = (struct redis_draft){0};
}

/* ---- As MessagePack ---- */

static void put_id(struct redis_id id, struct buf *out)
{
    mp_put_uint(out, id.ms);
    mp_put_uint(out, id.seq);
}

static bool read_id(const mp_value *list, size_t at, struct redis_id *out)
{
    return mp_as_uint(mp_at(list, at), &out->ms) && mp_as_uint(mp_at(list, at + 1), &out->seq);
}

static void put_runs(const struct redis_runs *runs, struct buf *out)
{
    mp_put_array(out, runs->count * RUN_FIELDS);
    for (size_t i = 0; i < runs->count; i++) {
        put_id(runs->list[i].first, out);
        put_id(runs->list[i].last.id, out);
        mp_put_uint(out, runs->list[i].last.digest);
        mp_put_uint(out, runs->list[i].count);
    }
}

/* Their ordinals follow one another from `ordinal` on. */
static bool read_runs(const mp_value *list, uint64_t ordinal, struct redis_runs *out)
{
    const size_t fields = mp_count(list);
    bool ok = mp_is_array(list) && fields % RUN_FIELDS == 0;
    for (size_t at = 0; ok && at < fields; at += RUN_FIELDS) {
        struct redis_run run = {.ordinal = ordinal};
        uint64_t count = 0;
        ok = read_id(list, at, &run.first) && read_id(list, at + 2, &run.last.id) &&
             mp_as_uint(mp_at(list, at + 4), &run.last.digest) &&
             mp_as_uint(mp_at(list, at + 5), &count) && count >= 1 && count <= REDIS_RUN_MAX;
        run.count = (uint32_t)count;
        ordinal += count;
        push(out, run);
    }
    return ok;
}

/* The newest ones, at most `most`. */
static void put_anchors(const struct redis_anchors *anchors, size_t most, struct buf *out)
{
    const size_t count = anchors->count < most ? anchors->count : most;
    mp_put_array(out, count * ANCHOR_FIELDS);
    for (size_t i = anchors->count - count; i < anchors->count; i++) {
        put_id(anchors->list[i].id, out);
        mp_put_uint(out, anchors->list[i].digest);
    }
}

static bool read_anchors(const mp_value *list, struct redis_anchors *out)
{
    const size_t fields = mp_count(list);
    bool ok = mp_is_array(list) && fields % ANCHOR_FIELDS == 0;
    for (size_t at = 0; ok && at < fields; at += ANCHOR_FIELDS) {
        struct redis_anchor anchor;
        ok = read_id(list, at, &anchor.id) && mp_as_uint(mp_at(list, at + 2), &anchor.digest);
        if (ok) {
            keep_anchor(out, anchor);
        }
    }
    return ok;
}

static void put_verified(const struct redis_state *state, struct buf *out)
{
    put_id(state->verified.id, out);
    mp_put_uint(out, state->verified.digest);
    mp_put_uint(out, state->verified_ordinal);
}

static bool read_verified(const mp_value *list, size_t at, struct redis_anchor *entry,
                          uint64_t *ordinal)
{
    return read_id(list, at, &entry->id) && mp_as_uint(mp_at(list, at + 2), &entry->digest) &&
           mp_as_uint(mp_at(list, at + 3), ordinal);
}

/* ---- Records ---- */

/* [number, ordinal before, added, position, [run, …], [anchor, …], verified]; a position is two
 * numbers, and what is verified four. */
void redis_draft_put(struct redis_draft *draft, struct redis_state *state, struct buf *out)
{
    uint64_t entries = 0;
    for (size_t i = 0; i < draft->runs.count; i++) {
        entries += draft->runs.list[i].count;
        keep_run(state, &draft->runs.list[i]);
    }
    mp_put_array(out, 11);
    mp_put_uint(out, ++state->record);
    mp_put_uint(out, state->ordinal - entries);
    mp_put_int(out, state->added);
    put_id(state->position, out);
    put_runs(&draft->runs, out);
    put_anchors(&state->anchors, entries, out);
    put_verified(state, out);
    trim(state);
    draft->runs.count = 0;
    draft->moved = false;
}

uint64_t redis_record_number(const mp_value *value)
{
    uint64_t number;
    return mp_as_uint(mp_at(value, 0), &number) ? number : 0;
}

bool redis_record_read(const mp_value *value, struct redis_record *out)
{
    uint64_t ordinal;
    *out = (struct redis_record){.number = redis_record_number(value)};
    return out->number != 0 && mp_as_uint(mp_at(value, 1), &ordinal) &&
           mp_as_int(mp_at(value, 2), &out->added) && read_id(value, 3, &out->position) &&
           read_runs(mp_at(value, 5), ordinal + 1, &out->runs) &&
           read_anchors(mp_at(value, 6), &out->anchors) &&
           read_verified(value, 7, &out->verified, &out->verified_ordinal);
}

void redis_record_free(struct redis_record *record)
{
    free_runs(&record->runs);
    *record = (struct redis_record){0};
}

void redis_state_apply(struct redis_state *state, const struct redis_record *record)
{
    for (size_t i = 0; i < record->runs.count; i++) {
        const struct redis_run *run = &record->runs.list[i];
        keep_run(state, run);
        state->ordinal = run->ordinal + run->count - 1;
    }
    for (size_t i = 0; i < record->anchors.count; i++) {
        keep_anchor(&state->anchors, record->anchors.list[i]);
    }
    state->position = record->position;
    state->added = record->added;
    state->verified = record->verified;
    state->verified_ordinal = record->verified_ordinal;
    state->record = record->number;
    trim(state);
}

/* ---- The saved form ---- */

void redis_state_save(struct redis_state *state, const char *stream, struct buf *out)
{
    const size_t before = out->len;
    mp_put_array(out, 19);
    mp_put_int(out, FORMAT);
    mp_put_text(out, KIND);
    mp_put_text(out, stream);
    mp_put_uint(out, state->origin);
    mp_put_uint(out, state->numbered);
    mp_put_uint(out, state->record);
    mp_put_uint(out, state->ordinal);
    mp_put_int(out, state->added);
    put_id(state->position, out);
    mp_put_uint(out, state->runs.count != 0 ? state->runs.list[0].ordinal : state->ordinal + 1);
    put_runs(&state->runs, out);
    put_anchors(&state->anchors, REDIS_ANCHORS_MAX, out);
    put_anchors(&state->milestones, REDIS_ANCHORS_MAX, out);
    mp_put_uint(out, state->milestone);
    put_verified(state, out);
    state->whole_bytes = out->len - before;
    state->record_bytes = 0;
}

static bool load_whole(struct redis_state *state, const char *stream, const mp_value *value)
{
    struct str kind;
    struct str name;
    int64_t format;
    uint64_t first;
    return mp_as_int(mp_at(value, 0), &format) && format == FORMAT &&
           mp_as_str(mp_at(value, 1), &kind) && str_is(kind, KIND) &&
           mp_as_str(mp_at(value, 2), &name) && str_is(name, stream) &&
           mp_as_uint(mp_at(value, 3), &state->origin) &&
           mp_as_uint(mp_at(value, 4), &state->numbered) &&
           mp_as_uint(mp_at(value, 5), &state->record) &&
           mp_as_uint(mp_at(value, 6), &state->ordinal) &&
           mp_as_int(mp_at(value, 7), &state->added) && read_id(value, 8, &state->position) &&
           mp_as_uint(mp_at(value, 10), &first) &&
           read_runs(mp_at(value, 11), first, &state->runs) &&
           read_anchors(mp_at(value, 12), &state->anchors) &&
           read_anchors(mp_at(value, 13), &state->milestones) &&
           mp_as_uint(mp_at(value, 14), &state->milestone) &&
           read_verified(value, 15, &state->verified, &state->verified_ordinal);
}

static bool load_record(struct redis_state *state, const mp_value *value)
{
    struct redis_record record;
    const bool ok = redis_record_read(value, &record) && record.number == state->record + 1;
    if (ok) {
        redis_state_apply(state, &record);
    }
    redis_record_free(&record);
    return ok;
}

bool redis_state_load(struct redis_state *state, const char *stream, struct str saved)
{
    struct mp_doc doc;
    bool ok = saved.len != 0;
    mp_doc_init(&doc);
    for (bool first = true; ok && saved.len != 0; first = false) {
        const size_t len = mp_length(saved.p, saved.len);
        ok = len != 0 && mp_parse(&doc, saved.p, len) == STATUS_OK &&
             (first ? load_whole(state, stream, &doc.root) : load_record(state, &doc.root));
        saved = (struct str){saved.p + len, saved.len - len};
    }
    mp_doc_free(&doc);
    state->record_bytes = SIZE_MAX;
    return ok;
}

bool redis_state_is_newer(struct str saved)
{
    return source_state_is_newer((struct str){saved.p, mp_length(saved.p, saved.len)}, FORMAT);
}
