/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a standby has seen of the holder, poll by poll: when the holder's heartbeat has stood still
 * for LEASE_EXPIRE_MS, the lease may be taken.
 *
 *   polls       │   │   │   │        stopped         │   │   │   │
 *   heartbeat   7   7   8   8                        8   8   8   8
 *   counts              0  +200                 +1000 +200 …        LEASE_BLINK_MS at most
 *
 * Pure.
 */
#ifndef COMMON_LEASE_LEASE_WATCH_H
#define COMMON_LEASE_LEASE_WATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "common/lease/boot_clock.h"

/* Zero-initialised: nothing was seen yet. */
struct lease_watch {
    uint64_t number;     /* The number of the lease that is watched; 0: none. */
    uint64_t heartbeat;  /* The heartbeat, as it was polled last. */
    boot_time polled_at; /* When that was, by this machine's clock. */
    int64_t still_us;    /* How long the heartbeat has been seen to stand still. */
};

/* The most that one interval between polls counts, because a standby that was stopped, perhaps with
 * all of the machine, saw nothing meanwhile. */
#define LEASE_BLINK_MS 1000

/* Notes what is seen now; true when the heartbeat has stood still for LEASE_EXPIRE_MS, or when
 * there is no lease (number is 0). */
bool lease_watch_expired(struct lease_watch *watch, uint64_t number, uint64_t heartbeat,
                         boot_time now);

/* Forgets what was seen, because the holder could not be polled and may have done anything. */
void lease_watch_forget(struct lease_watch *watch);

#endif
