/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A binary min-heap of items that know their place, so that an item whose deadline changed moves,
 * or leaves, in O(log n). (No Debian package has an intrusive heap; this is the textbook one.)
 *
 *   slots[0] is the smallest; for every i > 0: slots[(i - 1) / 2] <= slots[i], and
 *   slots[i]->index == i. An item outside the heap has index HEAP_NONE.
 *
 * The heap owns its array, not the items.
 */
#ifndef COMMON_BASE_HEAP_H
#define COMMON_BASE_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HEAP_NONE SIZE_MAX

/* Embed this in the item. Set index to HEAP_NONE before the first use. Equal keys are in the order
 * of their ties, which the owner may set while the item is outside. */
struct heap_item {
    int64_t key;
    int64_t tie;
    size_t index;
};

struct heap {
    struct heap_item **slots;
    size_t count;
    size_t cap;
};

/* A zeroed struct heap is an empty heap. */
void heap_free(struct heap *heap);

/* Inserts the item, or moves it when it is in the heap already. */
void heap_set(struct heap *heap, struct heap_item *item, int64_t key);

/* Takes the item out; does nothing when it is not in. */
void heap_remove(struct heap *heap, struct heap_item *item);

/* The smallest, or NULL. */
static inline struct heap_item *heap_top(const struct heap *heap)
{
    return heap->count != 0 ? heap->slots[0] : NULL;
}

static inline bool heap_contains(const struct heap_item *item)
{
    return item->index != HEAP_NONE;
}

/* Writes the (up to) max smallest items to out, smallest first, and returns how many. O(max²); max
 * is at most 63. */
size_t heap_smallest(const struct heap *heap, struct heap_item **out, size_t max);

/* The struct that embeds the item: heap_entry(top, struct tile, expiry). */
#define heap_entry(item, type, member) ((type *)(void *)((char *)(item)-offsetof(type, member)))

#endif
