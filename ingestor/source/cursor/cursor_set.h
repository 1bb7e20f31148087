/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rows that were delivered, by their ids, as long as they may be met again: those of the late
 * window, and as many as the event log holds. Each is in one of two lists:
 *
 *   passed   in the order of delivery; the oldest are forgotten
 *   ahead    of the future, so that the position has not come to them yet
 *
 * Whole ids are kept, so that no two are taken for one. Pure.
 */
#ifndef INGESTOR_SOURCE_CURSOR_CURSOR_SET_H
#define INGESTOR_SOURCE_CURSOR_CURSOR_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/buf.h"
#include "common/base/table.h"
#include "common/codec/mp.h"
#include "ingestor/source/cursor/cursor_row.h"

struct cursor_entry {
    uint64_t ordinal; /* with which it was delivered */
    uint64_t passed;  /* A mark with this ordinal, or a later one, is behind it; 0: it is ahead. */
    UT_hash_handle by_id;      /* links the entries by their id */
    struct cursor_entry *prev; /* the entry before it in its list */
    struct cursor_entry *next; /* the entry behind it in its list */
    uint32_t id_len;           /* the bytes of the id */
    uint32_t time_len; /* of its key; 0: it was delivered in order, and its key is not kept */
    uint32_t key_len;  /* the bytes of both texts of the key */
    char bytes[];      /* the id, and then both texts of the key */
};

/* Zero-initialised: empty. */
struct cursor_set {
    struct cursor_entry *table; /* uthash by id; owned */
    struct cursor_entry
        *passed; /* those that the position has passed, in the order of their marks */
    struct cursor_entry *ahead; /* those ahead of the position */
    size_t bytes;               /* of memory, of all entries */
    size_t ahead_bytes;         /* of those ahead */
};

void cursor_set_free(struct cursor_set *set);

/* The entry of an id; NULL: it was not delivered, or is forgotten. */
struct cursor_entry *cursor_set_find(const struct cursor_set *set, struct str id);

/* Adds an id, unless it is there. Ordinals grow. key: NULL for a row that came in order; a row that
 * is ahead has one. Returns the entry that was there already; NULL: none was, and it is added. */
struct cursor_entry *cursor_set_add(struct cursor_set *set, struct str id, uint64_t ordinal,
                                    const struct cursor_key *key, bool ahead);

/* The position has come to a row that was ahead; `ordinal` is the last one. Marks with that one may
 * lie before the row, and those with later ones cannot. */
void cursor_set_pass(struct cursor_set *set, struct cursor_entry *entry, uint64_t ordinal);

/* Forgets those that lie before each mark with that ordinal. */
void cursor_set_forget(struct cursor_set *set, uint64_t ordinal);

struct str cursor_entry_id(const struct cursor_entry *entry);

/* Meaningful only when time_len is not 0. */
struct cursor_key cursor_entry_key(const struct cursor_entry *entry);

/* Appends [[ordinal, passed, id], …], where those whose key is kept have its two texts as well. */
void cursor_set_save(const struct cursor_set *set, struct buf *out);

/* Loads what cursor_set_save wrote into an empty set. False when the value is nothing of the kind.
 */
bool cursor_set_load(struct cursor_set *set, const mp_value *value);

#endif
