/* SPDX-License-Identifier: Apache-2.0 */
#include "common/store/change_order.h"

#include <assert.h>
#include <stdlib.h>

#include "common/base/xalloc.h"

#define HOLES_MIN 64 /* so many are left alone */

void change_order_free(struct change_order *order)
{
    free(order->places);
    *order = (struct change_order){0};
}

/* Returns the index of the first place whose change is above `after`. */
static size_t find(const struct change_order *order, uint64_t after)
{
    size_t low = 0;
    size_t high = order->count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (order->places[middle].change <= after) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

void change_order_leave(struct change_order *order, uint64_t change, const void *thing)
{
    const size_t index = find(order, change - 1);
    assert(index < order->count && order->places[index].thing == thing);
    (void)thing;
    order->places[index].thing = NULL;
    order->holes++;
}

/* Closes the holes up; the order stays the same. */
static void close_up(struct change_order *order)
{
    size_t kept = 0;
    for (size_t i = 0; i < order->count; i++) {
        if (order->places[i].thing != NULL) {
            order->places[kept++] = order->places[i];
        }
    }
    order->count = kept;
    order->holes = 0;
}

uint64_t change_order_append(struct change_order *order, uint64_t change, void *thing)
{
    if (change != 0) {
        change_order_leave(order, change, thing);
    }
    if (order->holes > HOLES_MIN && order->holes > order->count / 2) {
        close_up(order);
    }
    if (order->count == order->cap) {
        order->cap = order->cap != 0 ? order->cap * 2 : 64;
        order->places = x_reallocarray(order->places, order->cap, sizeof *order->places);
    }
    order->places[order->count++] = (struct place){++order->last, thing};
    return order->last;
}

void *change_order_next(const struct change_order *order, uint64_t after)
{
    if (after >= order->last) {
        return NULL;
    }
    for (size_t i = find(order, after); i < order->count; i++) {
        if (order->places[i].thing != NULL) {
            return order->places[i].thing;
        }
    }
    return NULL;
}
