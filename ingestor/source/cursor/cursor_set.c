/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/source/cursor/cursor_set.h"

#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#include "common/base/xalloc.h"

static size_t bytes_of(const struct cursor_entry *entry)
{
    return sizeof *entry + entry->id_len + entry->time_len + entry->key_len;
}

static void drop(struct cursor_set *set, struct cursor_entry *entry)
{
    /* The analyzer does not know that a table with an entry has a bucket for it.
     * NOLINTNEXTLINE(clang-analyzer-core.NullDereference) */
    HASH_DELETE(by_id, set->table, entry);
    set->bytes -= bytes_of(entry);
    free(entry);
}

void cursor_set_free(struct cursor_set *set)
{
    struct cursor_entry *entry;
    struct cursor_entry *next;
    HASH_ITER(by_id, set->table, entry, next)
    {
        drop(set, entry);
    }
    *set = (struct cursor_set){0};
}

struct cursor_entry *cursor_set_find(const struct cursor_set *set, struct str id)
{
    struct cursor_entry *entry;
    HASH_FIND(by_id, set->table, id.p, id.len, entry);
    return entry;
}

static struct cursor_entry *new_entry(struct str id, uint64_t ordinal, const struct cursor_key *key)
{
    const size_t key_bytes = key != NULL ? key->time.len + key->id.len : 0;
    struct cursor_entry *entry = x_calloc(1, sizeof *entry + id.len + key_bytes);
    entry->ordinal = ordinal;
    entry->id_len = (uint32_t)id.len;
    memcpy(entry->bytes, id.p, id.len);
    if (key != NULL) {
        entry->time_len = (uint32_t)key->time.len;
        entry->key_len = (uint32_t)key->id.len;
        memcpy(entry->bytes + id.len, key->time.p, key->time.len);
        memcpy(entry->bytes + id.len + key->time.len, key->id.p, key->id.len);
    }
    return entry;
}

/* The entry of an id, which is added unless it was there. The id is hashed once for both. */
static struct cursor_entry *put(struct cursor_set *set, struct str id, uint64_t ordinal,
                                const struct cursor_key *key, bool ahead, bool *was_there)
{
    const unsigned hash = table_hash(id.p, id.len);
    struct cursor_entry *entry;
    HASH_FIND_BYHASHVALUE(by_id, set->table, id.p, id.len, hash, entry);
    *was_there = entry != NULL;
    if (*was_there) {
        return entry;
    }
    entry = new_entry(id, ordinal, key);
    HASH_ADD_KEYPTR_BYHASHVALUE(by_id, set->table, entry->bytes, entry->id_len, hash, entry);
    set->bytes += bytes_of(entry);
    if (ahead) {
        set->ahead_bytes += bytes_of(entry);
        DL_APPEND(set->ahead, entry);
    } else {
        entry->passed = ordinal;
        DL_APPEND(set->passed, entry);
    }
    return entry;
}

struct cursor_entry *cursor_set_add(struct cursor_set *set, struct str id, uint64_t ordinal,
                                    const struct cursor_key *key, bool ahead)
{
    bool was_there;
    struct cursor_entry *entry = put(set, id, ordinal, key, ahead, &was_there);
    return was_there ? entry : NULL;
}

void cursor_set_pass(struct cursor_set *set, struct cursor_entry *entry, uint64_t ordinal)
{
    if (entry->passed == 0) {
        entry->passed = ordinal + 1;
        set->ahead_bytes -= bytes_of(entry);
        DL_DELETE(set->ahead, entry);
        DL_APPEND(set->passed, entry);
    }
}

void cursor_set_forget(struct cursor_set *set, uint64_t ordinal)
{
    struct cursor_entry *entry;
    while ((entry = set->passed) != NULL && entry->passed <= ordinal) {
        DL_DELETE(set->passed, entry);
        drop(set, entry);
    }
}

struct str cursor_entry_id(const struct cursor_entry *entry)
{
    return (struct str){entry->bytes, entry->id_len};
}

struct cursor_key cursor_entry_key(const struct cursor_entry *entry)
{
    const char *time = entry->bytes + entry->id_len;
    return (struct cursor_key){{time, entry->time_len}, {time + entry->time_len, entry->key_len}};
}

/* ---- Saving and loading ---- */

static void save_entry(const struct cursor_entry *entry, struct buf *out)
{
    mp_put_array(out, entry->time_len != 0 ? 5 : 3);
    mp_put_uint(out, entry->ordinal);
    mp_put_uint(out, entry->passed);
    mp_put_bin(out, cursor_entry_id(entry));
    if (entry->time_len != 0) {
        mp_put_bin(out, cursor_entry_key(entry).time);
        mp_put_bin(out, cursor_entry_key(entry).id);
    }
}

void cursor_set_save(const struct cursor_set *set, struct buf *out)
{
    const struct cursor_entry *entry;
    mp_put_array(out, HASH_CNT(by_id, set->table));
    DL_FOREACH(set->passed, entry)
    {
        save_entry(entry, out);
    }
    DL_FOREACH(set->ahead, entry)
    {
        save_entry(entry, out);
    }
}

bool cursor_set_load(struct cursor_set *set, const mp_value *value)
{
    for (size_t i = 0; i < mp_count(value); i++) {
        const mp_value *saved = mp_at(value, i);
        const bool keyed = mp_count(saved) == 5;
        uint64_t ordinal;
        uint64_t passed;
        struct str id;
        struct cursor_key key = {STR_NULL, STR_NULL};
        if (!mp_as_uint(mp_at(saved, 0), &ordinal) || !mp_as_uint(mp_at(saved, 1), &passed) ||
            !mp_as_bin(mp_at(saved, 2), &id) || (passed == 0 && !keyed) ||
            (keyed && (!mp_as_bin(mp_at(saved, 3), &key.time) || key.time.len == 0 ||
                       !mp_as_bin(mp_at(saved, 4), &key.id)))) {
            return false;
        }
        bool was_there;
        struct cursor_entry *entry =
            put(set, id, ordinal, keyed ? &key : NULL, passed == 0, &was_there);
        if (was_there) {
            return false;
        }
        entry->passed = passed;
    }
    return mp_is_array(value);
}
