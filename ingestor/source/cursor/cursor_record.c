/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/source/cursor/cursor_record.h"

static bool has_key(enum cursor_kind kind)
{
    return kind == CURSOR_LATE || kind == CURSOR_AHEAD;
}

static size_t width(enum cursor_kind kind)
{
    return has_key(kind) ? 3 : 1;
}

void cursor_draft_add(struct cursor_draft *draft, enum cursor_kind kind, struct str id,
                      const struct cursor_key *key)
{
    struct buf *list = &draft->lists[kind];
    mp_put_bin(list, id);
    if (has_key(kind)) {
        mp_put_bin(list, key->time);
        mp_put_bin(list, key->id);
    }
    draft->counts[kind]++;
}

void cursor_draft_add_settled(struct cursor_draft *draft)
{
    static const char empty[] = {'\xc4', '\0'}; /* as mp_put_bin writes it; most rows of a large
                                                   table are such */
    buf_append(&draft->lists[CURSOR_IN_ORDER], empty, sizeof empty);
    draft->counts[CURSOR_IN_ORDER]++;
}

bool cursor_draft_empty(const struct cursor_draft *draft)
{
    size_t count = 0;
    for (int kind = 0; kind < CURSOR_KINDS; kind++) {
        count += draft->counts[kind];
    }
    return count == 0;
}

void cursor_draft_clear(struct cursor_draft *draft)
{
    for (int kind = 0; kind < CURSOR_KINDS; kind++) {
        buf_clear(&draft->lists[kind]);
        draft->counts[kind] = 0;
    }
}

void cursor_draft_free(struct cursor_draft *draft)
{
    for (int kind = 0; kind < CURSOR_KINDS; kind++) {
        buf_free(&draft->lists[kind]);
    }
}

void cursor_draft_put(const struct cursor_draft *draft, uint64_t number, uint64_t ordinal,
                      struct str position, struct buf *out)
{
    mp_put_array(out, 3 + CURSOR_KINDS);
    mp_put_uint(out, number);
    mp_put_uint(out, ordinal);
    buf_append_str(out, position);
    for (int kind = 0; kind < CURSOR_KINDS; kind++) {
        mp_put_array(out, draft->counts[kind] * width((enum cursor_kind)kind));
        buf_append_str(out, buf_str(&draft->lists[kind]));
    }
}

bool cursor_record_read(const mp_value *value, struct cursor_record *out)
{
    out->position = mp_at(value, 2);
    bool ok = mp_as_uint(mp_at(value, 0), &out->number) &&
              mp_as_uint(mp_at(value, 1), &out->ordinal) && out->position != NULL;
    for (int kind = 0; kind < CURSOR_KINDS; kind++) {
        out->lists[kind] = mp_at(value, 3 + (size_t)kind);
        ok = ok && mp_is_array(out->lists[kind]) &&
             mp_count(out->lists[kind]) % width((enum cursor_kind)kind) == 0;
    }
    return ok;
}

bool cursor_record_at(const struct cursor_record *record, enum cursor_kind kind, size_t i,
                      struct str *id, struct cursor_key *key)
{
    const mp_value *list = record->lists[kind];
    const size_t at = i * width(kind);
    return mp_as_bin(mp_at(list, at), id) &&
           (!has_key(kind) || (mp_as_bin(mp_at(list, at + 1), &key->time) && key->time.len != 0 &&
                               mp_as_bin(mp_at(list, at + 2), &key->id)));
}

bool cursor_record_is_settled(const struct cursor_record *record)
{
    struct str id;
    struct cursor_key unused;
    return cursor_record_at(record, CURSOR_IN_ORDER, 0, &id, &unused) && id.len == 0;
}

uint64_t cursor_record_ordinal(const struct cursor_record *record, enum cursor_kind kind, size_t i)
{
    uint64_t ordinal = record->ordinal + 1 + i;
    for (int before = 0; before < (int)kind; before++) {
        ordinal += mp_count(record->lists[before]) / width((enum cursor_kind)before);
    }
    return ordinal;
}

uint64_t cursor_record_last(const struct cursor_record *record)
{
    return cursor_record_ordinal(record, CURSOR_PASSED, 0) - 1;
}
