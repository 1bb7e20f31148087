/* SPDX-License-Identifier: Apache-2.0 */
/* What the reader's thread says to the main thread. reader.h has the conversation as a whole. */
#ifndef INGESTOR_READER_READER_MESSAGE_H
#define INGESTOR_READER_READER_MESSAGE_H

#include <stddef.h>
#include <stdint.h>

#include "common/base/error.h"
#include "ingestor/source/source.h"

#define READER_BATCHES 3 /* batches under way at once */

enum reader_kind {
    READER_STANDBY,     /* another ingestor has the lease; error says which */
    READER_BLOCKED,     /* lease or checkpoint cannot be had; error says why. It is tried again. */
    READER_LEADER,      /* the lease is ours; with the checkpoint, and the epoch */
    READER_UP,          /* the source is read, for the first time or again */
    READER_DOWN,        /* the source cannot be read; error says why. It is tried again. */
    READER_BATCH,       /* rows */
    READER_SAVED,       /* the checkpoint is written */
    READER_SAVE_FAILED, /* it is not; error says why */
    READER_LOST,        /* the lease is lost; error says how */
    READER_REFUSED,     /* a newer version wrote the checkpoint; error says more */
    READER_OTHER_PAST,  /* the database may have lost rows that were handed on; error says so. What
                           it holds itself is to be gone on from. */
    READER_STOPPED,     /* the last one; only reader_destroy sees it */
};

struct reader_message {
    enum reader_kind kind;
    struct batch *batch; /* READER_BATCH: the receiver's to destroy. Else NULL. */
    char *bytes;         /* READER_LEADER: the checkpoint, the receiver's to free; NULL: there is
                            none that can be used. Else NULL. */
    size_t len;          /* of bytes */
    uint64_t epoch;      /* READER_LEADER: the one that came with the lease */
    struct error error;  /* READER_LEADER: why the checkpoint cannot be used, or empty */
};

#endif
