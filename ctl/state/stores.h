/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The state that the configuration names, for the commands. Who only reads may do so while an
 * ingestor writes. Who writes holds the lease like an ingestor: while one runs it cannot be had,
 * and while we have it none begins.
 */
#ifndef CTL_STATE_STORES_H
#define CTL_STATE_STORES_H

#include "common/config/config.h"
#include "common/lease/lease.h"
#include "common/state/state_store.h"

/* Adds the whole state as it was at one moment, records and journal, to lists that are empty.
 * journal may be NULL. STATUS_NOT_FOUND: there is no state; STATUS_INVALID: it is damaged as a
 * whole, or its journal is; STATUS_NEWER; STATUS_IO. */
int stores_read(const struct config *config, struct state_changes *records,
                struct state_changes *journal, struct error *err);

/* The right to write the state. Zeroed memory is none. */
struct stores_held {
    const struct config *config;             /* borrowed */
    const struct lease_store_ops *lease_ops; /* how it is held */
    struct lease *lease;                     /* it is held while this lives */
    struct lease_grant grant;                /* what was granted with it */
    struct state_store *store;               /* NULL: not open */
};

/* Takes the lease, and waits up to wait_ms for it. `held` must not move until stores_release, which
 * is called in any case. STATUS_AGAIN: an ingestor has it, and err says what to do; STATUS_DENIED:
 * it would be of no use to the ingestor's user; STATUS_IO. */
int stores_hold(struct stores_held *held, const struct config *config, int wait_ms,
                struct error *err);

/* Opens the state, to be written. The errors of state_store_ops.open. */
int stores_open(struct stores_held *held, struct error *err);

/* Closes the state, and gives the lease back. */
void stores_release(struct stores_held *held);

#endif
