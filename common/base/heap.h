/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A min-heap of items that know their place, so that an item whose deadline changed moves, or
 * leaves, in O(log n). It is the textbook one (Sedgewick and Wayne, "Algorithms", 2.4) with four
 * children a slot, because no Debian package has an intrusive heap.
 *
 *                 3                      slots   [ 3 | 5 | 4 | 9 | 6 | 7 | 8 ]
 *            /  |   |  \                 index     0   1   2   3   4   5   6
 *          5    4   9   6                slots[i].item->index == i
 *         / \
 *        7   8      The children of slot i are 4i + 1 to 4i + 4, and none is smaller than it: so
 *                   slots[0] is the smallest of all.
 *
 *   Each item stands in a struct of its owner, and knows its slot:
 *
 *     slots[1] ──► struct tile { …; struct heap_item expiry { key 5, index 1 }; … }
 *
 * A slot has a copy of its item's key. So a way through the heap reads the array alone, and not a
 * struct or two in each level, which are not in the processor's cache when there are many; and of
 * each item that makes way its struct is written, which is why there are few levels.
 *
 * The heap owns its array and not the items: an item is removed before its owner frees it,
 * unless nothing but heap_free is called after that. A heap belongs to one thread at a time.
 */
#ifndef COMMON_BASE_HEAP_H
#define COMMON_BASE_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HEAP_CHILDREN 4
#define HEAP_SMALLEST_MAX 63

/* The index of an item that is in no heap. */
#define HEAP_NONE SIZE_MAX

/* Embedded in the struct that is to be ordered. */
struct heap_item {
    int64_t key;  /* set by heap_set */
    int64_t tie;  /* orders equal keys; the owner may set it while the item is in no heap */
    size_t index; /* the owner sets it to HEAP_NONE before the first use */
};

struct heap_slot {
    int64_t key;            /* item->key */
    struct heap_item *item; /* The item in this slot; borrowed. */
};

/* A zeroed struct is an empty heap. */
struct heap {
    struct heap_slot *slots; /* The slots, the least first; owned. */
    size_t count;            /* The items in the heap. */
    size_t cap;              /* The slots that there is memory for. */
    /* Orders items with equal keys and ties; NULL: they stand in any order. The owner may set it
     * while the heap is empty. */
    bool (*tie_before)(const struct heap_item *a, const struct heap_item *b);
};

/* Frees the array; the items, and what their indexes say, are left as they are. */
void heap_free(struct heap *heap);

/* Inserts the item, or moves it when it is in the heap already. O(log n). */
void heap_set(struct heap *heap, struct heap_item *item, int64_t key);

/* Takes the item out; does nothing when it is in no heap. O(log n). */
void heap_remove(struct heap *heap, struct heap_item *item);

/* The smallest item, or NULL when the heap is empty. */
static inline struct heap_item *heap_top(const struct heap *heap)
{
    return heap->count != 0 ? heap->slots[0].item : NULL;
}

static inline bool heap_contains(const struct heap_item *item)
{
    return item->index != HEAP_NONE;
}

/* Writes the smallest items to out, at most max of them, the smallest first, and returns how many.
 * max is at most HEAP_SMALLEST_MAX. Takes O(max²), however large the heap is. */
size_t heap_smallest(const struct heap *heap, struct heap_item **out, size_t max);

/* The struct that the item is embedded in: heap_entry(top, struct tile, expiry). */
#define heap_entry(item, type, member) ((type *)(void *)((char *)(item)-offsetof(type, member)))
#define heap_const_entry(item, type, member)                                                       \
    ((const type *)(const void *)((const char *)(item)-offsetof(type, member)))

#endif
