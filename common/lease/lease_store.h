/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the lease lies. One small vtable: lease_file.c (files beside the state) and
 * lease_postgres.c (a row in the schema `tilewire`) implement it; a source's own table says which
 * is its (source.h). Used by the keeper's thread only (lease.c); calls may block.
 */
#ifndef COMMON_LEASE_LEASE_STORE_H
#define COMMON_LEASE_LEASE_STORE_H

#include "common/base/error.h"
#include "common/config/config.h"
#include "common/lease/boot_clock.h"
#include "common/lease/lease_grant.h"

struct lease_store;

struct lease_store_ops {
    /* config is borrowed until close. On success *out is the caller's to close. */
    int (*open)(const struct config *config, struct lease_store **out, struct error *err);

    /* Gives the lease back if it is held, and frees the store. */
    void (*close)(struct lease_store *store);

    /* One poll, and the lease if it can be had; `out` is set then. STATUS_AGAIN: another ingestor
     * has it, and err says which; STATUS_IO: the lease cannot be seen. */
    int (*acquire)(struct lease_store *store, boot_time now, struct lease_grant *out,
                   struct error *err);

    /* Tells the others that we live. STATUS_OK: the lease is still ours; STATUS_DENIED: it is lost
     * for good; STATUS_IO: nobody knows. */
    int (*renew)(struct lease_store *store, struct error *err);

    /* For who writes what the lease guards. STATUS_OK: the lease that was granted is still the one
     * that counts; STATUS_DENIED: it is lost. NULL where the state's store can tell by the number
     * alone. Any thread may call it. */
    int (*confirm)(const struct config *config, const struct lease_grant *grant, struct error *err);
};

struct lease_store {
    const struct lease_store_ops *ops; /* What the store can do; it never changes. */
};

#endif
