/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What comes with the lease. A store fills it in (lease_store.h), the keeper hands it out
 * (lease.h), and the state is fenced with it (state_store.h).
 */
#ifndef COMMON_LEASE_LEASE_GRANT_H
#define COMMON_LEASE_LEASE_GRANT_H

#include <stdint.h>

struct lease_grant {
    uint64_t number; /* of this lease: the fence for state and journal */
    uint64_t epoch;  /* greater than that of each holder before */
    uint64_t inode;  /* of the lock file; 0 in PostgreSQL */
};

/* An epoch above the one before, and above those of all earlier times if they were lost: the time
 * of day in ms, unless `before` is that great already. */
uint64_t lease_epoch_after(uint64_t before);

#endif
