/* SPDX-License-Identifier: Apache-2.0 */
#include "common/base/heap.h"

#include <stdlib.h>

#include "common/base/xalloc.h"

void heap_free(struct heap *heap)
{
    free(heap->slots);
    *heap = (struct heap){0};
}

static bool before(const struct heap *heap, struct heap_slot a, struct heap_slot b)
{
    if (a.key != b.key) {
        return a.key < b.key;
    }
    if (a.item->tie != b.item->tie) {
        return a.item->tie < b.item->tie;
    }
    return heap->tie_before != NULL && heap->tie_before(a.item, b.item);
}

static size_t parent_of(size_t index)
{
    return (index - 1) / HEAP_CHILDREN;
}

/* The slot of the smallest child; 0 when there is none. */
static size_t smallest_child(const struct heap *heap, size_t index)
{
    const size_t first = index * HEAP_CHILDREN + 1;
    const size_t room = heap->count > first ? heap->count - first : 0;
    const size_t count = room < HEAP_CHILDREN ? room : HEAP_CHILDREN;
    size_t smallest = count != 0 ? first : 0;
    for (size_t child = first + 1; child < first + count; child++) {
        smallest = before(heap, heap->slots[child], heap->slots[smallest]) ? child : smallest;
    }
    return smallest;
}

/* Puts the item into the slot, and lets it know. */
static void place(struct heap *heap, size_t index, struct heap_slot slot)
{
    heap->slots[index] = slot;
    slot.item->index = index;
}

/* Finds the item's slot at or above `index`, which is free; larger items move down out of its way.
 */
static void sift_up(struct heap *heap, size_t index, struct heap_slot slot)
{
    while (index > 0 && before(heap, slot, heap->slots[parent_of(index)])) {
        place(heap, index, heap->slots[parent_of(index)]);
        index = parent_of(index);
    }
    place(heap, index, slot);
}

/* Finds the item's slot at or below `index`, which is free; smaller items move up out of its way.
 */
static void sift_down(struct heap *heap, size_t index, struct heap_slot slot)
{
    for (size_t child; (child = smallest_child(heap, index)) != 0; index = child) {
        if (!before(heap, heap->slots[child], slot)) {
            break;
        }
        place(heap, index, heap->slots[child]);
    }
    place(heap, index, slot);
}

static void settle(struct heap *heap, size_t index, struct heap_slot slot)
{
    if (index > 0 && before(heap, slot, heap->slots[parent_of(index)])) {
        sift_up(heap, index, slot);
    } else {
        sift_down(heap, index, slot);
    }
}

void heap_set(struct heap *heap, struct heap_item *item, int64_t key)
{
    const struct heap_slot slot = {key, item};
    item->key = key;
    if (item->index != HEAP_NONE) {
        settle(heap, item->index, slot);
        return;
    }
    if (heap->count == heap->cap) {
        heap->cap = heap->cap != 0 ? heap->cap * 2 : 16;
        heap->slots = x_reallocarray(heap->slots, heap->cap, sizeof *heap->slots);
    }
    sift_up(heap, heap->count++, slot);
}

void heap_remove(struct heap *heap, struct heap_item *item)
{
    if (item->index == HEAP_NONE) {
        return;
    }
    const size_t index = item->index;
    const struct heap_slot last = heap->slots[--heap->count];
    item->index = HEAP_NONE;
    if (last.item != item) {
        settle(heap, index, last);
    }
}

size_t heap_smallest(const struct heap *heap, struct heap_item **out, size_t max)
{
    /*
     * The frontier holds the slots whose parent was taken but which were not taken themselves. The
     * next smallest is always among them, and each that is taken adds its children in its place:
     *
     *               taken
     *            /  |   |  \
     *        taken  F   F   F          F: the frontier
     *       / | | \
     *      F  F F  F
     */
    size_t frontier[1 + HEAP_SMALLEST_MAX * (HEAP_CHILDREN - 1)];
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
        out[taken++] = heap->slots[index].item;
        const size_t first = index * HEAP_CHILDREN + 1;
        for (size_t child = first; child < first + HEAP_CHILDREN; child++) {
            if (child < heap->count && frontier_count < sizeof frontier / sizeof *frontier) {
                frontier[frontier_count++] = child;
            }
        }
    }
    return taken;
}
