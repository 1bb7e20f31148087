/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests that wait (long-polling): a request waits for a tile or an event that it selected, or to
 * resume after an event that has not come here yet, until its time is over. It costs a record here
 * and its connection, but no thread.
 *
 *   add ──► waiting ── something selected changed ──► wake(WAITING_CHANGED)
 *                  └── its time is over ────────────► wake(WAITING_OVER)
 *                  └── all are let go, bit by bit ──► wake(WAITING_LET_GO)
 *
 * Pure: no sockets, no clock. One thread.
 */
#ifndef GATEWAY_HTTP_WAITING_H
#define GATEWAY_HTTP_WAITING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/heap.h"
#include "common/base/time/clock.h"
#include "common/store/eventlog.h"
#include "gateway/base/selection.h"

enum waiting_for { WAITING_FOR_TILES, WAITING_FOR_EVENTS, WAITING_TO_RESUME };
#define WAITING_LISTS 3

enum waiting_end {
    WAITING_CHANGED, /* Something selected changed. */
    WAITING_OVER,    /* Its time is over. */
    WAITING_LET_GO,  /* Its owner lets all go, or its client is gone. */
};

/* The part of a request that waits. An item that is all zero does not wait. */
struct waiting_item {
    bool waits;                 /* True while it is in the set. */
    enum waiting_for what;      /* The list in which it is. */
    struct selection selection; /* The tiles or events that it waits for; owned while it waits. */
    struct event_id event_id;   /* WAITING_TO_RESUME: what it wants to resume after. Borrowed. */
    struct heap_item end;       /* The moment when its time is over. */
    struct waiting_item *prev;  /* Links the items that wait for the same thing. */
    struct waiting_item *next;  /* Links the items that wait for the same thing. */
};

struct waiting_counters {
    uint64_t begun;   /* Times that a request began to wait. */
    uint64_t changed; /* Waits that a change ended. */
    uint64_t over;    /* Waits that ended with their time. */
    uint64_t gone;    /* Waits whose client went away; the owner counts them. */
    uint64_t refused; /* Requests that were not let wait; the owner counts them. */
    /* Waits to resume after an event that had not come; they count in `begun`, too. */
    uint64_t ahead;
};

struct waiting;

/* max: how many may wait at once. wake: called for each whose wait ends, after it was taken out of
 * the set; it must not change the set. */
struct waiting *waiting_create(size_t max,
                               void (*wake)(void *arg, struct waiting_item *item,
                                            enum waiting_end reason),
                               void *arg);
/* Asserts that no item waits. */
void waiting_destroy(struct waiting **waiting);

/* Sets how many may wait. Items that wait already go on waiting, even if they are more. */
void waiting_set_max(struct waiting *waiting, size_t max);

/* True when no more may wait; and how many more may. */
bool waiting_full(const struct waiting *waiting);
size_t waiting_unused(const struct waiting *waiting);

/* Lets the item wait until something selected changes, or until `end`. Takes the selection over.
 * There must be room, see waiting_full. */
void waiting_add(struct waiting *waiting, struct waiting_item *item, enum waiting_for what,
                 struct selection *selection, mono_time end);

/* Lets the item wait until the event with that id comes, all events begin anew, or until `end`.
 * There must be room. The id's text is borrowed until then. */
void waiting_add_resume(struct waiting *waiting, struct waiting_item *item,
                        struct event_id event_id, mono_time end);

/* Takes the item out, without a call of wake; does nothing when it does not wait. */
void waiting_remove(struct waiting *waiting, struct waiting_item *item);

/* Wakes the items that wait for the tile with that key, for which the number stands: it changed, or
 * is gone. */
void waiting_tile(struct waiting *waiting, struct str key, struct name_number number);

/* Wakes the items that wait for one of the events that came since the last call. */
void waiting_events(struct waiting *waiting, const struct eventlog *events);

/* Wakes the items whose time is over. */
void waiting_expire(struct waiting *waiting, mono_time now);

/* The time when waiting_expire has something to do; MONO_NEVER when nobody waits. */
mono_time waiting_next(const struct waiting *waiting);

/* Lets at most max items go, those whose time would be over first; returns how many are left. */
size_t waiting_drain(struct waiting *waiting, size_t max);

/* How many items wait. */
size_t waiting_count(const struct waiting *waiting);

/* Borrowed; the owner adds to the counters that are its own. */
struct waiting_counters *waiting_counters(struct waiting *waiting);

#endif
