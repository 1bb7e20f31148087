/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the state lies. One small vtable: state_file.c (an SQLite database beside the source's) and
 * state_postgres.c (the schema `tilewire` of the source's database) implement it; the ingestor
 * writes through it, and `tilewire state` reads and writes through it, too. What is in the records
 * is their writer's business (changes.h).
 *
 * A list of changes is taken whole or not at all, through a crash, a full disk or a power cut at
 * any moment. Only the holder of the lease may write: a holder before it finds itself fenced off by
 * the lease's number, even if it was stopped in the middle of a call.
 *
 * A store belongs to one thread; calls may block.
 */
#ifndef COMMON_STATE_STATE_STORE_H
#define COMMON_STATE_STATE_STORE_H

#include "common/base/buf.h"
#include "common/base/error.h"
#include "common/config/config.h"
#include "common/state/changes.h"

/* The right to write. */
struct state_fence {
    uint64_t number; /* of the lease; greater than those of all holders before */

    /* STATUS_OK: the lease of that number is still ours; STATUS_DENIED: it is lost. NULL where the
     * store can tell by the number alone. */
    int (*confirm)(void *arg, struct error *err);
    void *arg; /* what confirm is called with; borrowed */
};

struct state_store;

struct state_store_ops {
    bool with_rows; /* it lies in the database of the rows, and goes back when that does */

    /* Opens the state that config names; config is borrowed until close. fence: that of the holder
     * of the lease, copied; holders before it are shut out from now on. NULL opens it to be read
     * alone, while others may write: load and journal then show it as it was at one moment. On
     * success *out is the caller's to close. STATUS_DENIED: the lease is lost; STATUS_NEWER: a
     * newer version of Tilewire wrote the state, and nothing in it was changed; STATUS_NOT_FOUND:
     * there is none, which only who reads is told; STATUS_IO. */
    int (*open)(const struct config *config, const struct state_fence *fence,
                struct state_store **out, struct error *err);
    void (*close)(struct state_store *store); /* Gives the store free, and ends its connection. */

    /* Adds all records to `out`, which is empty, in the order of their numbers. Of a tile with a
     * damaged record comes STATE_TILE_GONE instead; a checkpoint that a version before 0.2 wrote
     * comes as STATE_LEGACY alone. STATUS_NOT_FOUND: there is none; STATUS_INVALID: it is damaged
     * as a whole, and err says how; STATUS_AGAIN: for who reads alone, it has moved meanwhile, and
     * has to be opened again; STATUS_NEWER; STATUS_IO. */
    int (*load)(struct state_store *store, struct state_changes *out, struct error *err);

    /* Makes the changes, and takes the records up to `record` out of the journal, because the state
     * holds what they say. STATUS_DENIED: the lease is lost, and nothing was written;
     * STATUS_INVALID: the store turned out to be damaged, and was begun anew: the next list has to
     * hold everything, beginning with STATE_ALL_GONE; STATUS_IO. */
    int (*save)(struct state_store *store, const struct state_changes *changes, uint64_t record,
                struct error *err);

    /* Adds a record to the journal; it is on disk when this returns. Numbers grow. STATUS_DENIED:
     * as save. STATUS_AGAIN: the connection broke, and what follows from the record must wait.
     * STATUS_IO: it cannot be written, and the caller goes on without it. */
    int (*append)(struct state_store *store, uint64_t number, struct str record, struct error *err);

    /* Adds all records of the journal to `out`, in their order, each as the item of its number; so
     * out->values has them one after the other. STATUS_INVALID: it is damaged, so some are missing,
     * and err says how; STATUS_NEWER; STATUS_IO. */
    int (*journal)(struct state_store *store, struct state_changes *out, struct error *err);

    /* Bytes that the state takes on disk; 0 when that is not known. */
    uint64_t (*size)(struct state_store *store);
};

/* As the record of save: the journal is emptied. */
#define STATE_JOURNAL_ALL UINT64_MAX

struct state_store {
    const struct state_store_ops *ops; /* what the store can do; it never changes */
};

#endif
