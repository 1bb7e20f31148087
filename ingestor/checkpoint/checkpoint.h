/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where checkpoints lie. One small vtable: checkpoint_file.c (a file beside the database) and
 * checkpoint_postgres.c (the schema `tilewire` of the database) implement it; a source's own table
 * says which is its (source.h). What is in a checkpoint is its owner's business: bytes in, bytes
 * out.
 *
 * A checkpoint is written whole or not at all, and comes back as it was written or not at all. Only
 * the holder of the lease may write one (lease.h): a holder before it finds itself fenced off by
 * the lease's number, even if it was stopped in the middle of a call.
 *
 * Used by the reader's thread only; calls may block.
 */
#ifndef INGESTOR_CHECKPOINT_CHECKPOINT_H
#define INGESTOR_CHECKPOINT_CHECKPOINT_H

#include "common/base/buf.h"
#include "common/base/error.h"
#include "common/config/config.h"
#include "ingestor/lease/lease_grant.h"

struct checkpoint;

struct checkpoint_ops {
    bool with_rows; /* it lies in the database of the rows, and goes back when that does */

    /* For the holder of that lease; holders before it are fenced off from now on, but from the
     * journal when it is read. Does not wait for the disk if there is a checkpoint: a standby that
     * takes over has no time for that. config is borrowed until close. On success *out is the
     * caller's to close. STATUS_DENIED: the lease is lost; STATUS_NEWER: a newer version of
     * Tilewire wrote the checkpoint or its journal, and nothing in them was changed; STATUS_IO. */
    int (*open)(const struct config *config, const struct lease_grant *lease,
                struct checkpoint **out, struct error *err);
    void (*close)(struct checkpoint *checkpoint);

    /* Appends the last checkpoint saved to `out`. STATUS_NOT_FOUND: there is none; STATUS_INVALID:
     * it is damaged, or of an older version that is not read any more, and err says so;
     * STATUS_NEWER: of a newer one; STATUS_IO. */
    int (*load)(struct checkpoint *checkpoint, struct buf *out, struct error *err);

    /* Replaces the checkpoint, and takes the records up to `record` out of the journal, because the
     * checkpoint holds what they say. STATUS_DENIED: the lease is lost, and nothing was written;
     * STATUS_IO. */
    int (*save)(struct checkpoint *checkpoint, struct str bytes, uint64_t record,
                struct error *err);

    /* Adds a record to the journal; it is on disk when this returns. Numbers grow. STATUS_DENIED:
     * as save. STATUS_AGAIN: the connection broke, and what follows from the record must wait.
     * STATUS_IO: it cannot be written, and the caller goes on without it. */
    int (*append)(struct checkpoint *checkpoint, uint64_t number, struct str record,
                  struct error *err);

    /* Appends all records of the journal to `out`, one after the other. Who appends calls it first:
     * it fences off those who appended before, for which it may wait for the disk. STATUS_INVALID:
     * the journal is damaged, so some are missing, and err says how; STATUS_DENIED: as save;
     * STATUS_NEWER; STATUS_IO. */
    int (*journal)(struct checkpoint *checkpoint, struct buf *out, struct error *err);
};

/* As the record of save: the journal is emptied. */
#define CHECKPOINT_JOURNAL_ALL UINT64_MAX

struct checkpoint {
    const struct checkpoint_ops *ops;
};

#endif
