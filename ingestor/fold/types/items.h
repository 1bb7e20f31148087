/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The items of an SLA or backlog tile: each is in the state that the latest event about it says, by
 * (timestamp, id); so rows may come in any order.
 *
 * A closed item stays as a tombstone, lest an earlier row that comes late revive it: the last
 * ITEMS_CLOSED_MAX of them, by the time they were closed here. At most ITEMS_OPEN_MAX are open.
 */
#ifndef INGESTOR_FOLD_TYPES_ITEMS_H
#define INGESTOR_FOLD_TYPES_ITEMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <uthash.h>

#include "common/base/buf.h"
#include "common/base/heap.h"
#include "common/base/str.h"

#define ITEMS_OPEN_MAX 1000000
#define ITEMS_CLOSED_MAX 100000
#define ITEMS_ID_MAX 1024 /* bytes; longer ids are cut */

struct item {
    int64_t latest_us; /* the latest event about it */
    int64_t latest_id;
    int64_t first_us; /* the smallest timestamp of any event about it */
    int64_t due_us;   /* sla: INT64_MAX when it has none */
    int state;        /* backlog: index of the state; sla: 0 for open; STATE_CLOSED */
    uint32_t risk;    /* sla: which heap it is in */
    uint32_t part;    /* backlog: index of its breakdown value, 0 for none */
    int64_t part_us;  /* the event that part comes from */
    int64_t part_id;
    struct heap_item heap; /* sla: by due; backlog: by first_us */
    struct item *newer;    /* tombstones, in the order of closing */
    struct item *older;
    UT_hash_handle by_id;
    uint32_t id_len;
    char id[]; /* NUL-terminated */
};

struct items {
    struct item *table;
    size_t open;
    size_t closed;
    struct item *oldest_closed;
    struct item *newest_closed;
};

void items_finish(struct items *items);

struct item *items_find(const struct items *items, struct str id);

/* A new item, closed, that nothing is known of; NULL when ITEMS_OPEN_MAX are open and this one
 * would be, too. */
struct item *items_add(struct items *items, struct str id, bool will_open);

/* Moves an item between open and closed, with the bookkeeping that goes with it: forgets the oldest
 * tombstone when there are too many. Must not be in a heap when it is closed. */
void items_set_state(struct items *items, struct item *item, int state);

/* True when (us, id) is later than the latest event about the item. */
static inline bool items_is_later(const struct item *item, int64_t us, int64_t id)
{
    return us > item->latest_us || (us == item->latest_us && id > item->latest_id);
}

/* Appends a moment of an item, in µs since 1970, as text. */
void items_put_time(struct buf *out, int64_t us);

#endif
