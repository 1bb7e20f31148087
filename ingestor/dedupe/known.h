/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names that are known: a hash table over a ring, which is left in the order in which it was
 * entered. Each entry has a number, counted from 0 and never used again.
 *
 *   ring    │ 41 │ 42 │ 43 │ 40 │      first: 40, end: 44
 *             ▲         ▲
 *   slots   │ · │ │ · │ │ │ │          a name's newest entry, found by its hash
 *
 * An entry is 32 bytes, and 48 with its share of the slots. At the bound the oldest entry leaves.
 *
 * Pure.
 */
#ifndef INGESTOR_DEDUPE_KNOWN_H
#define INGESTOR_DEDUPE_KNOWN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/state/changes.h"

/* Bytes of an entry, with its share of the slots when these are fewest used. */
#define KNOWN_ENTRY_BYTES 48

/* A name is known by 128 bits of a keyed hash: among 10^9 names two have the same by chance with a
 * probability of 10^-21, and nobody can choose two. */
struct known_name {
    uint64_t half[2]; /* the two halves of a hash of 128 bits */
};

struct known_entry {
    struct known_name name; /* what the event is known by */
    int64_t time_us;        /* the event's */
    int64_t reached_us;     /* how far time had come with it; an older entry's may be later */
};

/* Private. Zeroed memory with `most` set knows nothing. */
struct known {
    size_t most;              /* entries; at least 1 */
    struct known_entry *ring; /* the entries, oldest first; owned */
    size_t ring_cap;          /* entries that the ring has memory for */
    uint32_t *slots;          /* 1 + a place in the ring; 0: empty */
    size_t slot_count;        /* slots that there are; a power of two */
    uint64_t first;           /* number of the oldest entry */
    uint64_t end;             /* number of the next one */

    /* What the store has: parts from stored_part on, and of them the entries up to stored_end. */
    uint64_t stored_part;
    uint64_t stored_end; /* number of the first entry that is not stored */
};

void known_free(struct known *known);

/* Forgets everything. */
void known_clear(struct known *known);

/* The newest entry of that name, or NULL. Valid until the next change. */
const struct known_entry *known_find(const struct known *known, const struct known_name *name);

/* Adds an entry, also of a name that has one. If there is no room, the oldest leaves: it is copied
 * to *gone then, and the result is true. */
bool known_add(struct known *known, const struct known_entry *entry, struct known_entry *gone);

/* Forgets the entries whose reached_us is less; those behind one that has not are not looked at. */
void known_forget(struct known *known, int64_t reached_us);

static inline size_t known_count(const struct known *known)
{
    return (size_t)(known->end - known->first);
}

/* ---- The state: parts of 256 entries, items of (0, member); each is [number of the first entry,
 * entries of four little-endian integers]. Entries before known.first mean nothing any more. ----
 */

/* Appends what has changed since the last call. */
void known_save(struct known *known, uint64_t member, struct state_changes *out);

/* The store has nothing of it any more. */
void known_unsave(struct known *known);

/* Fills it, which knows nothing yet, with the entries from `first` up to `end`. False when some are
 * missing or damaged; it is then only good for known_free. */
bool known_load(struct known *known, uint64_t member, uint64_t first, uint64_t end,
                const struct state_changes *saved);

#endif
