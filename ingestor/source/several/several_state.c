/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/source/several/several_state.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/xalloc.h"
#include "common/codec/mp_check.h"
#include "ingestor/source/source.h"

#define FORMAT 1
static const char kind[] = "several";

void several_state_free(struct several_state *state)
{
    for (size_t i = 0; i < state->count; i++) {
        buf_free(&state->places[i].state);
    }
    free(state->runs);
    *state = (struct several_state){0};
}

/* ---- Places ---- */

static size_t find_place(const struct several_state *state, struct str name)
{
    size_t i = 0;
    while (i < state->count && !str_is(name, state->places[i].name)) {
        i++;
    }
    return i;
}

static void drop_runs_of(struct several_state *state, size_t place)
{
    size_t kept = 0;
    for (size_t i = 0; i < state->run_count; i++) {
        if (state->runs[i].place != place) {
            state->runs[kept++] = state->runs[i];
        }
    }
    state->run_count = kept;
}

static void begin_anew(struct several_state *state, size_t index, const char *name, uint64_t table)
{
    struct several_place *place = &state->places[index];
    buf_free(&place->state);
    *place = (struct several_place){.table = table};
    snprintf(place->name, sizeof place->name, "%s", name);
    drop_runs_of(state, index);
}

const struct several_place *several_state_known(const struct several_state *state, const char *name,
                                                uint64_t table)
{
    const size_t index = find_place(state, str_of(name));
    return index < state->count && state->places[index].table == table ? &state->places[index]
                                                                       : NULL;
}

bool several_state_begun(const struct several_state *state, const char *name)
{
    const size_t index = find_place(state, str_of(name));
    return index < state->count && state->places[index].state.len != 0;
}

size_t several_state_place(struct several_state *state, const char *name, uint64_t table)
{
    const size_t index = find_place(state, str_of(name));
    if (index < state->count) {
        if (state->places[index].table != table) {
            begin_anew(state, index, name, table);
        }
        return index;
    }
    assert(index < SEVERAL_PLACES_MAX);
    state->count++;
    begin_anew(state, index, name, table);
    return index;
}

/* ---- Runs ---- */

uint64_t several_state_renumber(struct several_state *state)
{
    state->origin = source_new_origin(state->origin);
    state->run_count = 0;
    return state->origin;
}

void several_state_lose_order(struct several_state *state)
{
    for (size_t i = 0; i < state->count; i++) {
        state->places[i].again = true;
    }
    (void)several_state_renumber(state);
}

void several_state_anew(struct several_state *state, size_t place)
{
    char name[sizeof state->places[place].name];
    memcpy(name, state->places[place].name, sizeof name);
    begin_anew(state, place, name, state->places[place].table);
    (void)several_state_renumber(state);
}

/* Gives up runs at the beginning whose rows nobody keeps any more. */
static void drop_old(struct several_state *state)
{
    if (state->runs == NULL) {
        return; /* There is none yet. */
    }
    uint64_t rows = 0;
    size_t first = state->run_count;
    while (first > 0 && rows < state->keep && state->run_count - first < SEVERAL_RUNS_MAX) {
        rows += state->runs[--first].count;
    }
    /* Many at a time, so that moving the others costs little. */
    if (first > SEVERAL_RUNS_MAX / 4 || state->run_count >= 2 * SEVERAL_RUNS_MAX) {
        state->run_count -= first;
        memmove(state->runs, state->runs + first, state->run_count * sizeof *state->runs);
    }
}

static void add_run(struct several_state *state, const struct several_run *run)
{
    struct several_run *last = state->run_count != 0 ? &state->runs[state->run_count - 1] : NULL;
    if (last != NULL && last->place == run->place && last->to == run->from &&
        several_ordinal(last, last->to) == run->ordinal) {
        last->to = run->to;
        last->count += run->count;
        return;
    }
    drop_old(state);
    state->runs = x_reallocarray(state->runs, state->run_count + 1, sizeof *state->runs);
    state->runs[state->run_count++] = *run;
}

struct several_run several_state_advance(struct several_state *state, size_t place,
                                         const struct several_news *news)
{
    struct several_place *p = &state->places[place];
    const bool begun = p->state.len != 0 || p->ordinal != 0;
    uint64_t from = p->ordinal;
    if (!begun || p->origin != news->origin || news->to < p->ordinal ||
        (news->first != 0 && news->first <= p->ordinal)) {
        from = news->first != 0 ? news->first - 1 : news->to;
        if (begun) {
            (void)several_state_renumber(state);
        }
    }
    const struct several_run run = {place, from, news->to, state->ordinal, news->count};
    p->origin = news->origin;
    p->ordinal = news->to;
    p->delivered += news->count;
    if (run.to != run.from) {
        add_run(state, &run);
        state->ordinal += run.to - run.from;
    }
    return run;
}

uint64_t several_state_find(const struct several_state *state, size_t place, uint64_t ordinal)
{
    for (size_t i = state->run_count; i-- > 0;) {
        const struct several_run *run = &state->runs[i];
        if (run->place == place && ordinal > run->from && ordinal <= run->to) {
            return several_ordinal(run, ordinal);
        }
    }
    return 0;
}

uint64_t several_state_before(const struct several_state *state, size_t place, uint64_t ordinal)
{
    for (size_t i = state->run_count; i-- > 0;) {
        const struct several_run *run = &state->runs[i];
        if (run->place == place && run->from + 1 < ordinal) {
            return several_ordinal(run, ordinal - 1 < run->to ? ordinal - 1 : run->to);
        }
    }
    return 0;
}

/* ---- The saved form ---- */

void several_state_save(const struct several_state *state, struct buf *out)
{
    mp_put_array(out, 7);
    mp_put_int(out, FORMAT);
    mp_put_text(out, kind);
    mp_put_uint(out, state->origin);
    mp_put_uint(out, state->record);
    mp_put_uint(out, state->ordinal);
    mp_put_array(out, state->count);
    for (size_t i = 0; i < state->count; i++) {
        const struct several_place *place = &state->places[i];
        mp_put_array(out, 8);
        mp_put_text(out, place->name);
        mp_put_uint(out, place->table);
        mp_put_uint(out, place->origin);
        mp_put_uint(out, place->ordinal);
        mp_put_uint(out, place->delivered);
        mp_put_bool(out, place->read_once);
        mp_put_bin(out, buf_str(&place->state));
        mp_put_bool(out, place->again);
    }
    mp_put_array(out, state->run_count);
    for (size_t i = 0; i < state->run_count; i++) {
        const struct several_run *run = &state->runs[i];
        mp_put_array(out, 5);
        mp_put_uint(out, run->place);
        mp_put_uint(out, run->from);
        mp_put_uint(out, run->to);
        mp_put_uint(out, run->ordinal);
        mp_put_uint(out, run->count);
    }
}

static void take_state(struct several_place *place, struct str own, bool appends)
{
    if (!appends) {
        buf_clear(&place->state);
    }
    buf_append_str(&place->state, own);
}

void several_state_change(struct several_state *state, const struct several_change *change,
                          struct buf *out)
{
    struct several_place *place = &state->places[change->place];
    const struct several_run *run = change->run;
    take_state(place, change->state, change->appends);
    mp_put_array(out, 10);
    mp_put_uint(out, change->place);
    mp_put_uint(out, place->origin);
    mp_put_uint(out, place->ordinal);
    mp_put_uint(out, place->delivered);
    mp_put_bool(out, place->read_once);
    mp_put_bool(out, change->appends);
    mp_put_bin(out, change->state);
    mp_put_uint(out, state->record);
    if (run->to == run->from) {
        mp_put_nil(out);
    } else {
        mp_put_array(out, 4);
        mp_put_uint(out, run->from);
        mp_put_uint(out, run->to);
        mp_put_uint(out, run->ordinal);
        mp_put_uint(out, run->count);
    }
    mp_put_bool(out, place->again);
}

/* What older programs did not write. */
static bool load_again(const mp_value *value, bool *out)
{
    *out = false;
    return mp_is_nil(value) || mp_as_bool(value, out);
}

static bool load_place(struct several_state *state, const mp_value *value)
{
    struct several_place *place = &state->places[state->count];
    struct str name;
    struct str saved;
    *place = (struct several_place){0};
    if (!mp_as_str(mp_at(value, 0), &name) || name.len > CONFIG_SOURCE_NAME_MAX ||
        !mp_as_uint(mp_at(value, 1), &place->table) ||
        !mp_as_uint(mp_at(value, 2), &place->origin) ||
        !mp_as_uint(mp_at(value, 3), &place->ordinal) ||
        !mp_as_uint(mp_at(value, 4), &place->delivered) ||
        !mp_as_bool(mp_at(value, 5), &place->read_once) || !mp_as_bin(mp_at(value, 6), &saved) ||
        !load_again(mp_at(value, 7), &place->again)) {
        return false;
    }
    memcpy(place->name, name.p, name.len);
    buf_append_str(&place->state, saved);
    state->count++;
    return true;
}

/* Reads from, to, ordinal and count. */
static bool load_run(const mp_value *value, size_t at, struct several_run *run)
{
    return mp_as_uint(mp_at(value, at), &run->from) && mp_as_uint(mp_at(value, at + 1), &run->to) &&
           mp_as_uint(mp_at(value, at + 2), &run->ordinal) &&
           mp_as_uint(mp_at(value, at + 3), &run->count) && run->from < run->to;
}

static bool load_lists(struct several_state *state, const mp_value *places, const mp_value *runs)
{
    const size_t run_count = mp_count(runs);
    bool good = mp_count(places) <= SEVERAL_PLACES_MAX && run_count <= 2 * SEVERAL_RUNS_MAX;
    for (size_t i = 0; good && i < mp_count(places); i++) {
        good = load_place(state, mp_at(places, i));
    }
    state->runs = x_calloc(run_count + 1, sizeof *state->runs);
    for (size_t i = 0; good && i < run_count; i++) {
        struct several_run *run = &state->runs[i];
        uint64_t place;
        good = mp_as_uint(mp_at(mp_at(runs, i), 0), &place) && place < state->count &&
               load_run(mp_at(runs, i), 1, run);
        run->place = (size_t)place;
        state->run_count += good;
    }
    return good;
}

static bool load_parts(struct several_state *state, const mp_value *parts)
{
    struct str name;
    int64_t format;
    return mp_as_int(mp_at(parts, 0), &format) && format == FORMAT &&
           mp_as_str(mp_at(parts, 1), &name) && str_is(name, kind) &&
           mp_as_uint(mp_at(parts, 2), &state->origin) &&
           mp_as_uint(mp_at(parts, 3), &state->record) &&
           mp_as_uint(mp_at(parts, 4), &state->ordinal) &&
           load_lists(state, mp_at(parts, 5), mp_at(parts, 6));
}

static bool load_change(struct several_state *state, const mp_value *parts)
{
    uint64_t index;
    uint64_t origin;
    uint64_t ordinal;
    uint64_t delivered;
    bool read_once;
    bool appends;
    bool again;
    struct str own;
    if (!mp_as_uint(mp_at(parts, 0), &index) || index >= state->count ||
        !mp_as_uint(mp_at(parts, 1), &origin) || !mp_as_uint(mp_at(parts, 2), &ordinal) ||
        !mp_as_uint(mp_at(parts, 3), &delivered) || !mp_as_bool(mp_at(parts, 4), &read_once) ||
        !mp_as_bool(mp_at(parts, 5), &appends) || !mp_as_bin(mp_at(parts, 6), &own) ||
        !mp_as_uint(mp_at(parts, 7), &state->record) || !load_again(mp_at(parts, 9), &again)) {
        return false;
    }
    struct several_place *place = &state->places[index];
    place->origin = origin;
    place->ordinal = ordinal;
    place->delivered = delivered;
    place->read_once = read_once;
    place->again = again;
    take_state(place, own, appends);
    struct several_run run = {.place = (size_t)index};
    const mp_value *saved = mp_at(parts, 8);
    if (mp_is_nil(saved)) {
        return true;
    }
    const bool good = load_run(saved, 0, &run) && run.ordinal == state->ordinal;
    if (good) {
        add_run(state, &run);
        state->ordinal += run.to - run.from;
    }
    return good;
}

bool several_state_load(struct several_state *state, struct str saved)
{
    struct mp_doc doc;
    mp_doc_init(&doc);
    bool good = saved.len != 0;
    for (bool first = true; good && saved.len != 0; first = false) {
        const size_t len = mp_length(saved.p, saved.len);
        good = len != 0 && mp_parse(&doc, saved.p, len) == STATUS_OK &&
               (first ? load_parts(state, &doc.root) : load_change(state, &doc.root));
        saved = (struct str){saved.p + len, saved.len - len};
    }
    mp_doc_free(&doc);
    return good;
}

bool several_state_is_newer(struct str saved)
{
    return source_state_is_newer((struct str){saved.p, mp_length(saved.p, saved.len)}, FORMAT);
}

struct str several_state_of(struct str saved, const char *name, struct buf *out)
{
    struct several_state state = {0};
    const size_t index = saved.p != NULL && several_state_load(&state, saved)
                             ? find_place(&state, str_of(name))
                             : state.count;
    buf_clear(out);
    if (index < state.count) {
        buf_append_str(out, buf_str(&state.places[index].state));
    }
    several_state_free(&state);
    return out->len != 0 ? buf_str(out) : STR_NULL;
}

/* ---- Records ---- */

void several_record_put(const struct several_state *state, const struct several_run *runs,
                        size_t count, struct str journal, struct buf *out)
{
    mp_put_array(out, 3);
    mp_put_uint(out, state->record);
    mp_put_array(out, count);
    for (size_t i = 0; i < count; i++) {
        const struct several_place *place = &state->places[runs[i].place];
        mp_put_array(out, 6);
        mp_put_text(out, place->name);
        mp_put_uint(out, place->origin);
        mp_put_uint(out, runs[i].from);
        mp_put_uint(out, runs[i].to);
        mp_put_uint(out, runs[i].ordinal);
        mp_put_uint(out, runs[i].count);
    }
    mp_put_array(out, journal.len != 0 ? 1 : 0);
    if (journal.len != 0) {
        mp_put_array(out, 2);
        mp_put_text(out, state->places[runs[0].place].name);
        mp_put_bin(out, journal);
    }
}

uint64_t several_record_number(const mp_value *value)
{
    uint64_t number;
    return mp_as_uint(mp_at(value, 0), &number) && mp_is_array(mp_at(value, 1)) &&
                   mp_is_array(mp_at(value, 2))
               ? number
               : 0;
}

bool several_record_runs(const struct several_state *state, const mp_value *value, struct buf *runs)
{
    const mp_value *list = mp_at(value, 1);
    for (size_t i = 0; i < mp_count(list); i++) {
        const mp_value *parts = mp_at(list, i);
        struct several_run run = {0};
        struct str name;
        if (!mp_as_str(mp_at(parts, 0), &name)) {
            return false;
        }
        run.place = find_place(state, name);
        if (load_run(parts, 2, &run) && run.place < state->count) {
            buf_append(runs, &run, sizeof run);
        }
    }
    return several_record_number(value) != 0;
}

void several_record_journal(struct str journal, const char *name, struct buf *out)
{
    struct mp_doc doc;
    mp_doc_init(&doc);
    size_t len;
    while ((len = mp_length(journal.p, journal.len)) != 0 &&
           mp_parse(&doc, journal.p, len) == STATUS_OK) {
        const mp_value *list = mp_at(&doc.root, 2);
        for (size_t i = 0; i < mp_count(list); i++) {
            struct str of;
            struct str own;
            if (mp_as_str(mp_at(mp_at(list, i), 0), &of) && str_is(of, name) &&
                mp_as_bin(mp_at(mp_at(list, i), 1), &own)) {
                buf_append_str(out, own);
            }
        }
        journal = (struct str){journal.p + len, journal.len - len};
    }
    mp_doc_free(&doc);
}
