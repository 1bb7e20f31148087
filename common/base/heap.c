/* SPDX-License-Identifier: Apache-2.0 */
#include "common/base/heap.h"

#include <stdlib.h>

#include "common/base/xalloc.h"

void heap_free(struct heap *heap)
{
    free(heap->slots);
    *heap = (struct heap){0};
}

static bool before(const struct heap *heap, const struct heap_item *a, const struct heap_item *b)
{
    if (a->key != b->key || a->tie != b->tie) {
        return a->key < b->key || (a->key == b->key && a->tie < b->tie);
    }
    return heap->tie_before != NULL && heap->tie_before(a, b);
}

/* Puts the item into the slot, and lets it know. */
static void place(struct heap *heap, size_t index, struct heap_item *item)
{
    heap->slots[index] = item;
    item->index = index;
}

/* Finds the item's slot at or above `index`, which is free; larger items move down out of its way.
 */
static void sift_up(struct heap *heap, size_t index, struct heap_item *item)
{
    while (index > 0 && before(heap, item, heap->slots[(index - 1) / 2])) {
        place(heap, index, heap->slots[(index - 1) / 2]);
        index = (index - 1) / 2;
    }
    place(heap, index, item);
}

/* Finds the item's slot at or below `index`, which is free; smaller items move up out of its way.
 */
static void sift_down(struct heap *heap, size_t index, struct heap_item *item)
{
    for (;;) {
        size_t child = index * 2 + 1;
        if (child >= heap->count) {
            break;
        }
        if (child + 1 < heap->count && before(heap, heap->slots[child + 1], heap->slots[child])) {
            child++;
        }
        if (!before(heap, heap->slots[child], item)) {
            break;
        }
        place(heap, index, heap->slots[child]);
        index = child;
    }
    place(heap, index, item);
}

static void settle(struct heap *heap, size_t index, struct heap_item *item)
{
    if (index > 0 && before(heap, item, heap->slots[(index - 1) / 2])) {
        sift_up(heap, index, item);
    } else {
        sift_down(heap, index, item);
    }
}

void heap_set(struct heap *heap, struct heap_item *item, int64_t key)
{
    item->key = key;
    if (item->index != HEAP_NONE) {
        settle(heap, item->index, item);
        return;
    }
    if (heap->count == heap->cap) {
        heap->cap = heap->cap != 0 ? heap->cap * 2 : 16;
        heap->slots = x_reallocarray(heap->slots, heap->cap, sizeof(struct heap_item *));
    }
    sift_up(heap, heap->count++, item);
}

void heap_remove(struct heap *heap, struct heap_item *item)
{
    if (item->index == HEAP_NONE) {
        return;
    }
    const size_t index = item->index;
    struct heap_item *last = heap->slots[--heap->count];
    item->index = HEAP_NONE;
    if (last != item) {
        settle(heap, index, last);
    }
}

size_t heap_smallest(const struct heap *heap, struct heap_item **out, size_t max)
{
    /*
     * The frontier holds the slots whose parent was taken but which were not taken themselves. The
     * next smallest is always among them, and each that is taken adds one slot at most:
     *
     *             taken
     *            /     \
     *        taken      F          F: the frontier
     *        /   \     / \
     *       F     F   ·   ·
     */
    size_t frontier[64];
    size_t frontier_count = 0;
    size_t taken = 0;
    if (heap->count != 0) {
        frontier[frontier_count++] = 0;
    }
    while (taken < max && frontier_count != 0) {
        size_t best = 0;
        for (size_t i = 1; i < frontier_count; i++) {
            if (before(heap, heap->slots[frontier[i]], heap->slots[frontier[best]])) {
                best = i;
            }
        }
        const size_t index = frontier[best];
        frontier[best] = frontier[--frontier_count];
        out[taken++] = heap->slots[index];
        for (size_t child = index * 2 + 1; child <= index * 2 + 2; child++) {
            if (child < heap->count && frontier_count < sizeof frontier / sizeof *frontier) {
                frontier[frontier_count++] = child;
            }
        }
    }
    return taken;
}
