/* SPDX-License-Identifier: Apache-2.0 */
/* What the reader's thread says to the main thread. reader.h has the conversation as a whole. */
#ifndef INGESTOR_READER_READER_MESSAGE_H
#define INGESTOR_READER_READER_MESSAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/error.h"
#include "common/state/changes.h"
#include "ingestor/source/source.h"

#define READER_BATCHES 3 /* batches under way at once */

enum reader_kind {
    READER_STANDBY,     /* another ingestor has the lease; error says which */
    READER_BLOCKED,     /* lease or state cannot be had; error says why. It is tried again. */
    READER_LEADER,      /* the lease is ours; with the state, and the epoch */
    READER_UP,          /* the source is read, for the first time or again */
    READER_DOWN,        /* the source cannot be read; error says why. It is tried again. */
    READER_MISSING,     /* other ones of several sources cannot be read now; with their bits */
    READER_TROUBLE,     /* one of several sources cannot be read; error says why */
    READER_BATCH,       /* rows */
    READER_SAVED,       /* the changes of the state are stored */
    READER_SAVE_FAILED, /* they are not; error says why */
    READER_STATE_LOST,  /* nor are those before: the store is damaged, and begins anew */
    READER_LOST,        /* the lease is lost; error says how */
    READER_REFUSED,     /* a newer version wrote the state; error says more */
    READER_OTHER_PAST,  /* the database may have lost rows that were handed on; error says so. What
                           it holds itself is to be gone on from. */
    READER_STOPPED,     /* the last one; only reader_destroy sees it */
};

struct reader_message {
    enum reader_kind kind;       /* what the message tells */
    struct batch *batch;         /* READER_BATCH: the receiver's to destroy. Else NULL. */
    struct state_changes *state; /* READER_LEADER: what was saved; NULL: there is nothing that can
                                    be used. Else NULL. */
    bool state_lost;             /* READER_LEADER: there was a state, but it is damaged */
    uint64_t missing;            /* READER_MISSING: bit i for the i-th of `sources` */
    size_t source;               /* READER_TROUBLE: its place among `sources` */
    uint64_t epoch;              /* READER_LEADER: the one that came with the lease */
    struct error error;          /* READER_LEADER: why the state cannot be used, or empty */
};

/* Sends it to the main thread, with what it owns. */
void reader_message_send(void *socket, const struct reader_message *message);

/* Frees what the message owns, which is the receiver's. */
void reader_message_free(struct reader_message *message);

#endif
