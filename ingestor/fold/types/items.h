/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The items of an SLA or backlog tile. Each is in the state that the latest event about it says, by
 * (timestamp, id), so rows may come in any order:
 *
 *             opened            closed             too many are closed
 *   unknown ──────────► open ◄──────────► closed ─────────────────────────► unknown
 *      │                       opened       ▲       (the oldest is forgotten)
 *      └────────────────────────────────────┘
 *                     closed
 *
 * A closed item stays as a tombstone, so that an earlier row that comes late does not revive it.
 * The last ITEMS_CLOSED_MAX tombstones are kept, in a list by the time they were closed here; the
 * oldest is forgotten first. At most ITEMS_OPEN_MAX items are open.
 *
 * Each item is saved as a record of its own, under a number that it keeps. Those that have changed
 * since the last save are in a list, so that saving costs what has changed.
 *
 * The tile keeps its open items in heaps of its own, by item.heap: sla_risk.c has one for each
 * risk, by deadline; backlog.c has one, by age. A closed item is in none; but those of duration.c
 * that have ended are in one of their own, which is told when they are forgotten. An item of
 * presence.c is open until it is forgotten for being silent.
 */
#ifndef INGESTOR_FOLD_TYPES_ITEMS_H
#define INGESTOR_FOLD_TYPES_ITEMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/table.h"

#include "common/base/buf.h"
#include "common/base/heap.h"
#include "common/base/str.h"
#include "ingestor/fold/rank.h"
#include "ingestor/fold/types/sla_clock.h"

#define ITEMS_OPEN_MAX 1000000  /* rows that would open more are passed over */
#define ITEMS_CLOSED_MAX 100000 /* tombstones */
#define ITEMS_ID_MAX 1024       /* bytes; longer ids are cut */

/* Signs of life that are near each other, in µs since 1970. */
struct item_run {
    int64_t begin_us; /* the first of them */
    int64_t end_us;   /* the last of them */
};

struct item {
    struct rank latest; /* of the latest event about it; duration and presence: unused */
    /* backlog and presence: the smallest timestamp of any event about it; duration: of those that
     * open it. */
    int64_t first_us;
    /* sla_risk: its deadline; INT64_MAX when it has none. duration: the smallest timestamp of the
     * events that close it; INT64_MAX when there is none. */
    int64_t due_us;
    int state;               /* backlog: index of its state; others: 0; all: TILE_STATE_CLOSED */
    uint32_t risk;           /* sla_risk and presence: the heap that it is in */
    uint32_t part;           /* backlog: index of its breakdown value; 0 for none */
    struct rank parted;      /* backlog: of the event that part comes from */
    struct heap_item heap;   /* its place in the heap of its risk or its age */
    struct sla_clock *clock; /* sla_risk with pauses or kept deadlines: owned; others: NULL */
    struct item_run *runs;   /* presence: owned; others: NULL */
    uint32_t run_count;      /* how many there are */
    struct item *newer;      /* the tombstone that was closed next; NULL for the last one */
    struct item *older;      /* the tombstone that was closed before; NULL for the first one */
    uint64_t number;         /* of its record; from 1, in the order of coming */
    uint64_t closing;        /* the last of all closings that was its own */
    struct item *prev;       /* in items.unsaved */
    struct item *next;       /* the next one in items.unsaved */
    bool unsaved;            /* it is in that list */
    bool recorded; /* there is a record of it, or there is in what was handed over to be saved */
    UT_hash_handle by_id; /* links the items by `id` */
    uint32_t id_len;      /* the bytes of `id` */
    char id[];            /* NUL-terminated */
};

/* A struct that is all zero holds no items. */
struct items {
    struct item *table;         /* uthash by id, open ones and tombstones; owned */
    size_t open;                /* how many are open */
    size_t closed;              /* how many tombstones there are */
    struct item *oldest_closed; /* the tombstone that is forgotten next; NULL: there is none */
    struct item *newest_closed; /* the tombstone that was closed last; NULL: there is none */
    uint64_t numbers;           /* the last one given out */
    uint64_t closings;          /* how often an item was closed */
    struct item *unsaved;       /* utlist: those that have changed since they were saved */
    struct buf gone;            /* numbers of records that have no item any more, as uint64_t */
    /* Called for a tombstone before it is forgotten; NULL: nobody wants to know. */
    void (*forgetting)(struct items *items, struct item *item);
};

void items_finish(struct items *items);

/* The item of that id, open or closed; NULL when nothing is known of it. */
struct item *items_find(const struct items *items, struct str id);

/* A new item, closed, with no event about it yet. will_open says that the caller is going to open
 * it: then NULL is returned when ITEMS_OPEN_MAX are open. The id must not be known. */
struct item *items_add(struct items *items, struct str id, bool will_open);

/* Sets an item's state, and moves it between the open ones and the tombstones. It must be in no
 * heap when it is closed. Closing may free another item, the oldest tombstone. */
void items_set_state(struct items *items, struct item *item, int state);

/* The item has changed, and has to be saved. */
void items_touch(struct items *items, struct item *item);

/* `save` of a type whose items, each a record of its own, are all that there is to save. */
void items_save_nothing(const void *state, const struct tile_config *config, struct buf *out);

/* `load` of such a type. */
bool items_load_nothing(void *state, const struct tile_config *config, const mp_value *value);

/* For loading: a new item, closed, as items_add makes it, with the number of its record and the
 * closing that it had. NULL when the number or the id is one that is there already. */
struct item *items_load(struct items *items, struct str id, uint64_t number, uint64_t closing);

/* To be called when all are loaded: brings the tombstones into the order of their closings. */
void items_loaded(struct items *items);

/* Calls put for each item that was not saved since it changed, which then counts as saved, and gone
 * for each number whose record is no more. */
void items_save(struct items *items, void (*put)(void *arg, const struct item *item),
                void (*gone)(void *arg, uint64_t number), void *arg);

/* Of all items: none is saved. */
void items_unsave(struct items *items);

/* For heaps of items: orders those with equal keys by their ids, byte by byte. */
bool items_id_before(const struct heap_item *a, const struct heap_item *b);

/* Appends a moment of an item, in µs since 1970, as text. */
void items_put_time(struct buf *out, int64_t us);

#endif
