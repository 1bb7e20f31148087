/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/source/cursor/cursor_state.h"

#include "common/codec/mp_check.h"
#include "common/program/log.h"

#define KIND "cursor"
#define FORMAT 1
#define MARKS_IN_WINDOW 600

void cursor_state_free(struct cursor_state *state)
{
    buf_free(&state->identity);
    cursor_mark_free(&state->position);
    cursor_marks_free(&state->marks);
    cursor_set_free(&state->set);
}

void cursor_state_start_over(struct cursor_state *state)
{
    const uint64_t record = state->record;
    const uint64_t origin = state->origin;
    cursor_mark_free(&state->position);
    cursor_marks_free(&state->marks);
    cursor_set_free(&state->set);
    state->record = record + 1; /* so that what follows is not taken for what came before */
    state->origin = source_new_origin(origin);
    state->record_bytes = SIZE_MAX;
}

/* So many bytes are not kept: the floor rises before its time. */
static void shorten(struct cursor_state *state)
{
    struct cursor_marks *marks = &state->marks;
    while (state->set.bytes > CURSOR_SET_BYTES_MAX && marks->floor < marks->count) {
        marks->floor++;
        cursor_set_forget(&state->set, cursor_marks_floor(marks)->ordinal);
        if (state->given_up++ == 0) {
            log_warn("so many rows come that the ids of source.late_window take more than %zu MiB: "
                     "a row that is committed late is only read when that is sooner (further ones "
                     "are counted; see `tilewire stats`)",
                     CURSOR_SET_BYTES_MAX >> 20);
        }
    }
}

void cursor_state_settle(struct cursor_state *state)
{
    const struct config *config = state->config;
    if (config == NULL || state->position.time.len == 0) {
        return;
    }
    const int64_t window_us = config->source.late_window_ms * US_PER_MS;
    const int64_t step_us = window_us / MARKS_IN_WINDOW;
    const uint64_t last = state->position.ordinal;
    cursor_marks_add(&state->marks, &state->position, step_us);
    cursor_marks_raise(&state->marks, state->position.us - window_us);
    const struct cursor_mark *floor = cursor_marks_floor(&state->marks);
    if (floor != NULL) {
        const uint64_t logged = last > config->ingestor.events ? last - config->ingestor.events : 0;
        const uint64_t gone = floor->ordinal < logged ? floor->ordinal : logged;
        cursor_set_forget(&state->set, gone);
        cursor_marks_forget(&state->marks, gone);
    }
    shorten(state);
}

bool cursor_state_apply(struct cursor_state *state, const struct cursor_record *record)
{
    struct str id;
    struct cursor_key key;
    for (int kind = 0; kind < CURSOR_PASSED; kind++) {
        for (size_t i = 0; cursor_record_at(record, (enum cursor_kind)kind, i, &id, &key); i++) {
            if (id.len != 0) {
                (void)cursor_set_add(&state->set, id,
                                     cursor_record_ordinal(record, (enum cursor_kind)kind, i),
                                     kind == CURSOR_IN_ORDER ? NULL : &key, kind == CURSOR_AHEAD);
            }
        }
    }
    if (!mp_is_nil(record->position) && !cursor_mark_load(&state->position, record->position)) {
        return false;
    }
    state->position.ordinal = cursor_record_last(record);
    for (size_t i = 0; cursor_record_at(record, CURSOR_PASSED, i, &id, &key); i++) {
        struct cursor_entry *entry = cursor_set_find(&state->set, id);
        if (entry != NULL) {
            cursor_set_pass(&state->set, entry, state->position.ordinal);
        }
    }
    state->record = record->number;
    if (cursor_record_is_settled(record)) {
        cursor_marks_floor_at(&state->marks, &state->position);
    }
    cursor_state_settle(state);
    return true;
}

void cursor_state_save(struct cursor_state *state, struct buf *out)
{
    const size_t before = out->len;
    mp_put_array(out, 9);
    mp_put_text(out, KIND);
    mp_put_int(out, FORMAT);
    mp_put_bin(out, buf_str(&state->identity));
    mp_put_uint(out, state->origin);
    mp_put_uint(out, state->record);
    mp_put_uint(out, state->position.ordinal);
    cursor_mark_save(&state->position, out);
    cursor_marks_save(&state->marks, out);
    cursor_set_save(&state->set, out);
    state->whole_bytes = out->len - before;
    state->record_bytes = 0;
}

static bool load_whole(struct cursor_state *state, const mp_value *value)
{
    struct str kind;
    struct str identity;
    int64_t format;
    uint64_t ordinal;
    if (!mp_as_str(mp_at(value, 0), &kind) || !str_is(kind, KIND) ||
        !mp_as_int(mp_at(value, 1), &format) || format != FORMAT ||
        !mp_as_bin(mp_at(value, 2), &identity) || !mp_as_uint(mp_at(value, 3), &state->origin) ||
        !mp_as_uint(mp_at(value, 4), &state->record) || !mp_as_uint(mp_at(value, 5), &ordinal) ||
        !cursor_mark_load(&state->position, mp_at(value, 6)) ||
        !cursor_marks_load(&state->marks, mp_at(value, 7)) ||
        !cursor_set_load(&state->set, mp_at(value, 8))) {
        return false;
    }
    state->position.ordinal = ordinal;
    buf_append_str(&state->identity, identity);
    return true;
}

bool cursor_state_load(struct cursor_state *state, struct str saved)
{
    struct mp_doc doc;
    bool ok = saved.len != 0;
    mp_doc_init(&doc);
    for (bool first = true; ok && saved.len != 0; first = false) {
        struct cursor_record record;
        const size_t len = mp_length(saved.p, saved.len);
        ok = len != 0 && mp_parse(&doc, saved.p, len) == STATUS_OK &&
             (first ? load_whole(state, &doc.root)
                    : cursor_record_read(&doc.root, &record) &&
                          record.number == state->record + 1 && cursor_state_apply(state, &record));
        saved = (struct str){saved.p + len, saved.len - len};
    }
    mp_doc_free(&doc);
    state->record_bytes = SIZE_MAX;
    return ok;
}

bool cursor_state_is_newer(struct str saved)
{
    struct mp_doc doc;
    struct str kind;
    int64_t format;
    const size_t len = mp_length(saved.p, saved.len);
    mp_doc_init(&doc);
    const bool newer = len != 0 && mp_parse(&doc, saved.p, len) == STATUS_OK &&
                       mp_as_str(mp_at(&doc.root, 0), &kind) && str_is(kind, KIND) &&
                       mp_as_int(mp_at(&doc.root, 1), &format) && format > FORMAT;
    mp_doc_free(&doc);
    return newer;
}
