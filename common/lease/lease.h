/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The lease: which of several ingestors with the same lanes is the one that publishes. Its keeper
 * is a thread of its own, so that neither a slow disk nor a slow database costs it the lease.
 *
 * The holder renews each LEASE_RENEW_MS: the heartbeat in the shared state changes. Each renewal
 * lets it publish for LEASE_VALID_MS from when the renewal *began*.
 *
 * A standby polls each LEASE_POLL_MS, and takes the lease when it was given back, when its holder
 * is known to be dead, or when its heartbeat has stood still for LEASE_EXPIRE_MS by the standby's
 * own clock. Clocks of two machines are never compared.
 *
 *   renewed ├───── may publish ─────┤ silent            │
 *           0                      1.75 s              2.5 s: taken over, under a greater number
 *
 * Why a lock alone will not do: a stopped process (SIGSTOP, a frozen machine) keeps its flock() and
 * its advisory lock, and one that is cut off keeps the latter for hours. And one that goes on after
 * a stop does not know that time has passed, so whatever publishes looks at the clock first
 * (lease_valid: CLOCK_BOOTTIME, which goes on while the machine sleeps). What was looked at just
 * before a stop and is done just after it, is fenced: each lease has a number, state and
 * journal refuse an older one, and the epochs that come with the numbers grow, so that replicas
 * drop what an older holder sent.
 *
 * lease_valid, lease_hold, lease_lose and lease_give_back may be called by any thread.
 */
#ifndef COMMON_LEASE_LEASE_H
#define COMMON_LEASE_LEASE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/lease/lease_store.h"

#define LEASE_RENEW_MS 400
#define LEASE_VALID_MS 1750
#define LEASE_EXPIRE_MS 2500 /* the difference is for clocks that run at different speeds */
#define LEASE_POLL_MS 200
#define LEASE_HOLD_MS 1500 /* how long lease_hold waits for a renewal */

enum lease_state {
    LEASE_WAITING, /* another has it, or it is not known yet who */
    LEASE_BLOCKED, /* it cannot be had, nor polled: something has to be mended */
    LEASE_HELD,    /* ours; whether it is valid just now, lease_valid says */
    LEASE_LOST,    /* another took it. This state is the last one. */
};

struct lease;

/* Starts the keeper. config is borrowed; ops says where the lease lies. */
struct lease *lease_create(const struct config *config, const struct lease_store_ops *ops);

/* Gives the lease back, and ends the keeper, within the time that one call of the store takes. */
void lease_destroy(struct lease **lease);

/* Waits until the state is neither LEASE_WAITING nor LEASE_BLOCKED, at most wait_ms. grant is set
 * when it is LEASE_HELD; why says what is waited for, or how it was lost (empty: not known yet). */
enum lease_state lease_await(struct lease *lease, int wait_ms, struct lease_grant *grant,
                             struct error *why);

/* Ours, and renewed so lately that nobody else can have it. */
bool lease_valid(const struct lease *lease);

/* The same, but waits up to LEASE_HOLD_MS for the renewal that is under way. */
bool lease_hold(struct lease *lease);

/* Gives the lease back, without waiting for that: another ingestor may have it from now on. The
 * state is LEASE_LOST. */
void lease_give_back(struct lease *lease);

/* Somebody else found out that it is lost. */
void lease_lose(struct lease *lease, const struct error *why);

#endif
