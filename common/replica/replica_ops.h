/* SPDX-License-Identifier: Apache-2.0 */
/* What a replica is given by its surroundings, what it counts, and its bounds and intervals. Part
 * of the interface in replica.h, which includes it. */
#ifndef COMMON_REPLICA_REPLICA_OPS_H
#define COMMON_REPLICA_REPLICA_OPS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/str.h"
#include "common/wire/wire.h"

#define REPLICA_UPSTREAMS_MAX 16

/* The messages, in all lanes, that may wait for gaps to close. Beyond this bound or the next all of
 * them are dropped, for the snapshot that closes the gaps is newer. */
#define REPLICA_PENDING_MAX 100000

/* The bytes of these messages. */
#define REPLICA_PENDING_BYTES (64 << 20)

/* How long a gap may wait for another upstream's copies, if there is another upstream. */
#define REPLICA_GAP_WAIT_MS 200

/* How often each upstream that is connected is asked if it lives. */
#define REPLICA_PING_MS 500

/* How often an upstream that is not connected is asked. */
#define REPLICA_RECONNECT_MS 50

/* An upstream that has not answered for so long, and of whose answers no byte has come, counts as
 * dead. */
#define REPLICA_DEAD_MS 1800

/* A page of which nothing has come for so long is given up. */
#define REPLICA_QUERY_TIMEOUT_MS 2000

/* A lane that nothing was heard of for so long, not even a heartbeat, is not fresh. */
#define REPLICA_SILENT_MS 3500

/* All count from the creation of the replica on. */
struct replica_counters {
    uint64_t deltas;       /* Deltas that were applied. */
    uint64_t events;       /* Events that were applied. */
    uint64_t duplicates;   /* Messages that were dropped: another upstream's copy came first. */
    uint64_t outdated;     /* Messages that were dropped: their epoch is over. */
    uint64_t malformed;    /* Messages that were dropped: they are none of the protocol. */
    uint64_t refused;      /* Tiles that were refused: they are beyond the store's bound. */
    uint64_t gaps;         /* Gaps that were noticed. */
    uint64_t healed;       /* Gaps that another upstream's copy closed. */
    uint64_t snapshots;    /* Snapshots that were completed. */
    uint64_t retries;      /* Snapshots that had to be asked for again. */
    uint64_t overflows;    /* Times that a bound of what waits for gaps was reached. */
    uint64_t mismatches;   /* Patches whose base was not here. */
    uint64_t event_resets; /* Times that events were lost or their numbering began anew. */
};

struct replica_ops {
    /* Sends a query to an upstream; the reply, if one comes, is given to replica_reply with the
     * same tag. Returns false when nobody is connected there. */
    bool (*send)(void *send_arg, unsigned upstream, uint32_t tag, struct str request);
    void *send_arg; /* Borrowed. */
    /* Called with each delta or event that was applied, in sequence, and with each heartbeat that
     * agrees with what is here. NULL: nobody cares. */
    void (*accepted)(void *accepted_arg, const struct str frames[WIRE_FRAMES]);
    void *accepted_arg; /* Borrowed. */
};

#endif
