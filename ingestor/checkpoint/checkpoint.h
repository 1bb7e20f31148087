/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where checkpoints lie. One small vtable;
 * checkpoint_file.c (a file beside the database) and checkpoint_postgres.c (the schema `tilewire`
 * of the database) implement it. What is in a checkpoint is its owner's business: bytes in, bytes
 * out.
 *
 * A checkpoint is written whole or not at all, and comes back as it was written or not at all. They
 * are their holder's who has the lease (lease.h): who had it before finds itself fenced off by the
 * lease's number, even if it was stopped in the middle of a call.
 *
 * Used by the reader's thread only; calls may block.
 */
#ifndef INGESTOR_CHECKPOINT_CHECKPOINT_H
#define INGESTOR_CHECKPOINT_CHECKPOINT_H

#include "common/base/buf.h"
#include "common/base/error.h"
#include "common/config/config.h"
#include "ingestor/lease/lease.h"

struct checkpoint;

struct checkpoint_ops {
    /* For the holder of that lease; fences those before it off. */
    int (*open)(const struct config *config, const struct lease_grant *lease,
                struct checkpoint **out, struct error *err);
    void (*close)(struct checkpoint *checkpoint);

    /* The last checkpoint saved. STATUS_NOT_FOUND: there is none; STATUS_INVALID: it is damaged, or
     * of another version, and err says what follows; STATUS_IO. */
    int (*load)(struct checkpoint *checkpoint, struct buf *out, struct error *err);

    /* Replaces the checkpoint, and takes records up to that number out of the journal: they are in
     * it. STATUS_DENIED when the lease is lost: nothing was written then. */
    int (*save)(struct checkpoint *checkpoint, struct str bytes, uint64_t record,
                struct error *err);

    /* Adds a record to the journal; it is on disk when this returns. Numbers grow. STATUS_DENIED as
     * save; STATUS_AGAIN: the connection broke, and what follows from the record must wait;
     * STATUS_IO: it cannot be written, and that is to be lived with. */
    int (*append)(struct checkpoint *checkpoint, uint64_t number, struct str record,
                  struct error *err);

    /* All records of the journal, one after the other. STATUS_INVALID: it is damaged, so that out
     * is not all; err says how. STATUS_IO. */
    int (*journal)(struct checkpoint *checkpoint, struct buf *out, struct error *err);
};

/* save with this number empties the journal. */
#define JOURNAL_ALL UINT64_MAX

struct checkpoint {
    const struct checkpoint_ops *ops;
};

extern const struct checkpoint_ops checkpoint_file;
extern const struct checkpoint_ops checkpoint_postgres;

/* By the configuration; NULL: no checkpoints are kept. */
const struct checkpoint_ops *checkpoint_for(const struct config *config);

/* A checkpoint's frame: magic, format, length, FNV-1a 64 of the bytes. Shared by the stores. */
#define CHECKPOINT_FORMAT 1
void checkpoint_wrap(struct buf *out, struct str bytes);
/* Length of the frame that the bytes begin with; 0 when it is not whole. */
size_t checkpoint_frame_len(struct str bytes);
/* Are these bytes the beginning of a frame, and not all of it? */
bool checkpoint_is_cut(struct str bytes);
int checkpoint_unwrap(struct str framed, struct str *bytes, struct error *err);

#endif
