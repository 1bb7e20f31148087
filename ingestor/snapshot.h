/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a checkpoint holds: the fold's state, and where the source and the numbering stood.
 * MessagePack: [format, epoch, ordinal, origin, source state, fold state].
 */
#ifndef INGESTOR_SNAPSHOT_H
#define INGESTOR_SNAPSHOT_H

#include <stdint.h>

#include "common/base/buf.h"
#include "common/base/error.h"
#include "ingestor/fold/fold.h"

struct snapshot {
    uint64_t epoch;
    uint64_t ordinal;
    uint64_t origin;
    struct str source; /* borrowed; from snapshot_read: within the bytes read */
};

void snapshot_write(const struct snapshot *snapshot, const struct fold *fold, struct buf *out);

/* Fills snapshot, and the fold, which was just created. STATUS_INVALID when the bytes are not such
 * a checkpoint, or the definitions of the tiles have changed since; epoch is filled even so if it
 * can be read, else 0. The fold must be destroyed then. */
int snapshot_read(struct snapshot *snapshot, struct str bytes, struct fold *fold,
                  struct error *err);

#endif
