/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Things in the order of their last changes, each of which has a number.
 *
 * It is an array that is only appended to; what changes leaves a hole (NULL) where it was. When
 * half of it is holes it is closed up. So a walk is a scan, and finding a start is a binary search.
 *
 *   places  [ 3:a | 4:· | 7:b | 8:c ]     4 was the change of b before 7
 */
#ifndef COMMON_STORE_CHANGE_ORDER_H
#define COMMON_STORE_CHANGE_ORDER_H

#include <stddef.h>
#include <stdint.h>

struct place {
    uint64_t change; /* the number of the change */
    void *thing;     /* borrowed; NULL: a hole */
};

/* A zeroed struct is empty. */
struct change_order {
    struct place *places; /* ascending */
    size_t count;         /* places in use, holes included */
    size_t cap;           /* places that there is memory for */
    size_t holes;         /* places without a thing */
    uint64_t last;        /* the last number that was given */
};

void change_order_free(struct change_order *order);

/* Puts the thing at the end, and returns the number of its change. `change`: that of its last one,
 * where it stood until now; 0: it stood nowhere yet. */
uint64_t change_order_append(struct change_order *order, uint64_t change, void *thing);

/* Leaves a hole where the thing stands. */
void change_order_leave(struct change_order *order, uint64_t change, const void *thing);

/* The thing with the smallest number above after; NULL when there is none. */
void *change_order_next(const struct change_order *order, uint64_t after);

#endif
