/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests that wait (long-polling): for a tile or an event that they selected, or for their time
 * to be over; or to resume after an event that has not come here yet. Such a request costs a record
 * here and its connection, no thread.
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

#include "common/base/clock.h"
#include "common/base/heap.h"
#include "common/store/eventlog.h"
#include "gateway/base/selection.h"

enum waiting_for { WAITING_FOR_TILES, WAITING_FOR_EVENTS, WAITING_TO_RESUME };
enum waiting_end { WAITING_CHANGED, WAITING_OVER, WAITING_LET_GO };

/* Lies in the request that waits. Zeroed: it does not wait. */
struct waiting_item {
    struct selection selection; /* owned while it waits */
    enum waiting_for what;
    int64_t event_id; /* WAITING_TO_RESUME: of the event that it wants to resume after */
    bool waits;
    struct heap_item end;
    struct waiting_item *prev; /* among those that wait for the same */
    struct waiting_item *next;
};

struct waiting_counters {
    uint64_t begun;
    uint64_t changed; /* ended by a change, */
    uint64_t over;    /* by their time, */
    uint64_t gone;    /* by their client; the owner counts them */
    uint64_t refused; /* there were too many; the owner counts them, too */
    uint64_t ahead;   /* those of `begun` that wanted to resume after an event that had not come */
};

struct waiting;

/* max: that wait at once. wake: called for each that has waited, after it was taken out; it must
 * not change the set. */
struct waiting *waiting_create(size_t max,
                               void (*wake)(void *arg, struct waiting_item *waiter,
                                            enum waiting_end reason),
                               void *arg);
/* None may be left. */
void waiting_destroy(struct waiting **waiting);

/* Those that wait already go on waiting. */
void waiting_set_max(struct waiting *waiting, size_t max);
bool waiting_full(const struct waiting *waiting);

/* Takes the selection over. There must be room, see waiting_full. */
void waiting_add(struct waiting *waiting, struct waiting_item *waiter, enum waiting_for what,
                 struct selection *selection, mono_time end);

/* Waits for the event with that id to come, or for all to begin anew. There must be room. */
void waiting_add_resume(struct waiting *waiting, struct waiting_item *waiter, int64_t event_id,
                        mono_time end);

/* Takes it out, without a call of wake; does nothing when it does not wait. */
void waiting_remove(struct waiting *waiting, struct waiting_item *waiter);

/* The tile with that key changed, or is gone. */
void waiting_tile(struct waiting *waiting, struct str key);

/* Takes up the events that came since the last call. */
void waiting_events(struct waiting *waiting, const struct eventlog *events);

/* Wakes those whose time is over. */
void waiting_expire(struct waiting *waiting, mono_time now);

/* When waiting_expire has something to do; MONO_NEVER when nobody waits. */
mono_time waiting_next(const struct waiting *waiting);

/* Wakes at most max, those that would end first; returns how many are left. */
size_t waiting_drain(struct waiting *waiting, size_t max);

size_t waiting_count(const struct waiting *waiting);
struct waiting_counters *waiting_counters(struct waiting *waiting);

#endif
