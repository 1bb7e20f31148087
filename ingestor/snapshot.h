/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a checkpoint holds: the fold's state, and where the source and the numbering stood.
 * MessagePack: [format, epoch, ordinal, origin, source state, fold state, as_of].
 * Version 0.1.0 wrote no as_of.
 */
#ifndef INGESTOR_SNAPSHOT_H
#define INGESTOR_SNAPSHOT_H

#include <stdint.h>

#include "common/base/buf.h"
#include "common/base/error.h"
#include "ingestor/fold/fold.h"
#include "ingestor/source/source.h"

struct snapshot {
    uint64_t epoch;
    uint64_t ordinal;  /* of the last event folded */
    uint64_t origin;   /* the numbering that it belongs to */
    struct str source; /* its state; borrowed; from snapshot_read: within the bytes read */
    struct str scheme; /* that of the source whose state it is; borrowed as well; absent in what
                          version 0.1.0 wrote */
    wall_time as_of;   /* the moment that the tiles have come to; WALL_NEVER: nobody may go on from
                          them; {0} when that is not known */
};

/* Appends the snapshot, and the state of the fold. */
void snapshot_write(const struct snapshot *snapshot, const struct fold *fold, struct buf *out);

/* Fills the snapshot, and the fold, which was just created; the source's state must be one of that
 * source. STATUS_INVALID: the bytes are no such checkpoint, or the definitions of the tiles have
 * changed since; STATUS_NEWER: a newer version of Tilewire wrote all or part of it, and it must not
 * be written over. err says which. The fold must be destroyed then, and of the snapshot only epoch
 * counts (0: not even that could be read). */
int snapshot_read(struct snapshot *snapshot, struct str bytes, const struct source_ops *source,
                  struct fold *fold, struct error *err);

#endif
