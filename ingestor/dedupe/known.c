/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/dedupe/known.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/xalloc.h"

#define RING_MIN 64

void known_free(struct known *known)
{
    free(known->ring);
    free(known->slots);
    *known = (struct known){.most = known->most};
}

static size_t place_of(const struct known *known, uint64_t number)
{
    assert(known->ring_cap != 0);
    return (size_t)(number % known->ring_cap);
}

/* The slot of that name's entry, or the empty one where it would be. */
static size_t slot_of(const struct known *known, const struct known_name *name)
{
    const size_t mask = known->slot_count - 1;
    size_t slot = (size_t)name->half[0] & mask;
    while (known->slots[slot] != 0 &&
           memcmp(&known->ring[known->slots[slot] - 1].name, name, sizeof *name) != 0) {
        slot = (slot + 1) & mask;
    }
    return slot;
}

const struct known_entry *known_find(const struct known *known, const struct known_name *name)
{
    if (known->first == known->end) {
        return NULL;
    }
    const uint32_t found = known->slots[slot_of(known, name)];
    return found != 0 ? &known->ring[found - 1] : NULL;
}

static void put(struct known *known, size_t place)
{
    known->slots[slot_of(known, &known->ring[place].name)] = (uint32_t)place + 1;
}

/* Empties a slot, and moves back what stands behind it only because it was taken. */
static void empty(struct known *known, size_t slot)
{
    const size_t mask = known->slot_count - 1;
    size_t next = slot;
    for (;;) {
        known->slots[slot] = 0;
        do {
            next = (next + 1) & mask;
            if (known->slots[next] == 0) {
                return;
            }
            const size_t home = (size_t)known->ring[known->slots[next] - 1].name.half[0] & mask;
            /* It may move if its home is not between the empty slot and its own. */
            if (((next - home) & mask) >= ((next - slot) & mask)) {
                break;
            }
        } while (true);
        known->slots[slot] = known->slots[next];
        slot = next;
    }
}

static void forget_oldest(struct known *known)
{
    const size_t place = place_of(known, known->first++);
    const size_t slot = slot_of(known, &known->ring[place].name);
    if (known->slots[slot] == place + 1) { /* Else a newer entry has the name. */
        empty(known, slot);
    }
}

static void grow(struct known *known)
{
    const size_t count = known_count(known);
    size_t cap = known->ring_cap != 0 ? 2 * known->ring_cap : RING_MIN;
    cap = cap < known->most ? cap : known->most;
    struct known_entry *ring = x_calloc(cap, sizeof *ring);
    for (uint64_t n = known->first; n < known->end; n++) {
        ring[n % cap] = known->ring[place_of(known, n)];
    }
    free(known->ring);
    free(known->slots);
    known->ring = ring;
    known->ring_cap = cap;
    known->slot_count = 2;
    while (known->slot_count < cap + cap / 2) {
        known->slot_count *= 2;
    }
    known->slots = x_calloc(known->slot_count, sizeof *known->slots);
    for (uint64_t n = known->end - count; n < known->end; n++) {
        put(known, place_of(known, n));
    }
}

bool known_add(struct known *known, const struct known_entry *entry, struct known_entry *gone)
{
    const bool full = known_count(known) == known->most;
    if (full) {
        *gone = known->ring[place_of(known, known->first)];
        forget_oldest(known);
    } else if (known_count(known) == known->ring_cap) {
        grow(known);
    }
    const size_t place = place_of(known, known->end);
    known->ring[place] = *entry;
    known->end++;
    put(known, place);
    return full;
}

void known_forget(struct known *known, int64_t reached_us)
{
    while (known->first < known->end &&
           known->ring[place_of(known, known->first)].reached_us < reached_us) {
        forget_oldest(known);
    }
}

void known_clear(struct known *known)
{
    const struct known before = *known;
    known_free(known);
    known->first = before.end;
    known->end = before.end;
    known->stored_part = before.stored_part;
    known->stored_end = before.stored_end;
}
