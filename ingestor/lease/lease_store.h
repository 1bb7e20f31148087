/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the lease lies. One small vtable: lease_file.c (files beside the checkpoint file) and
 * lease_postgres.c (a row in the schema `tilewire`) implement it. Used by the keeper's thread only
 * (lease.c); calls may block.
 */
#ifndef INGESTOR_LEASE_LEASE_STORE_H
#define INGESTOR_LEASE_LEASE_STORE_H

#include "common/base/clock.h"
#include "ingestor/lease/lease.h"

struct lease_store;

struct lease_store_ops {
    int (*open)(const struct config *config, struct lease_store **out, struct error *err);

    /* Gives the lease back if it is held. */
    void (*close)(struct lease_store *store);

    /* One look, and the lease if it can be had. STATUS_AGAIN: another ingestor has it, and err says
     * which; STATUS_IO. now: a clock that goes on while the machine sleeps. */
    int (*acquire)(struct lease_store *store, mono_time now, struct lease_grant *out,
                   struct error *err);

    /* Still ours, and others see that we live. STATUS_DENIED: lost for good; STATUS_IO: not
     * known. */
    int (*renew)(struct lease_store *store, struct error *err);
};

struct lease_store {
    const struct lease_store_ops *ops;
};

extern const struct lease_store_ops lease_file;
extern const struct lease_store_ops lease_postgres;

/* What a standby has seen of the holder. Zero-initialised: nothing. */
struct lease_watch {
    uint64_t number; /* of the lease watched; 0: none */
    uint64_t beat;
    mono_time looked_at;
    int64_t still_us; /* for so long the beat has been seen to stand still */
};

/* What counts at most of the time between two looks: a standby that was stopped itself, perhaps
 * with all of the machine, saw nothing meanwhile. */
#define LEASE_BLINK_MS 1000

/* Notes what is seen now; true when the beat has stood still for LEASE_EXPIRE_MS, or there is no
 * lease. */
bool lease_watch_expired(struct lease_watch *watch, uint64_t number, uint64_t beat, mono_time now);

/* The holder could not be looked at: what it did meanwhile is not known. */
void lease_watch_forget(struct lease_watch *watch);

/* An epoch above the one before, and above those of all earlier times if they were lost. */
uint64_t lease_epoch_after(uint64_t before);

/*
 * Leases in files: PATH.lock.1, PATH.lock.2, …; the one with the greatest number counts. Is the
 * lease of that number, in the file with that inode, still the one that counts? STATUS_DENIED when
 * not. For the checkpoint file's fence.
 */
int lease_file_confirm(const char *path, uint64_t number, uint64_t inode, struct error *err);

#endif
