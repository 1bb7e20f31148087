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

/* What waits for gaps to close, in all lanes: so many messages, and bytes of them. Beyond either
 * bound all of them are dropped, for the snapshot that closes the gaps is newer. */
#define REPLICA_PENDING_MAX 100000
#define REPLICA_PENDING_BYTES (64 << 20)

/* How long a gap may wait for another upstream's copies, if there is another upstream. */
#define REPLICA_GAP_WAIT_MS 200

/* How often each upstream is asked whether it lives, and how often while it is not connected. */
#define REPLICA_PING_MS 500
#define REPLICA_RECONNECT_MS 50

/* An upstream that has not answered for so long counts as dead. */
#define REPLICA_DEAD_MS 1800

/* A page that has not come for so long is given up. */
#define REPLICA_QUERY_TIMEOUT_MS 2000

/* A lane that nothing was heard of for so long, not even a heartbeat, is not fresh. */
#define REPLICA_SILENT_MS 3500

/* All count from the creation of the replica on. */
struct replica_counters {
    uint64_t deltas;       /* applied */
    uint64_t events;       /* applied */
    uint64_t duplicates;   /* dropped: another upstream's copy came first */
    uint64_t outdated;     /* dropped: of an epoch that is over */
    uint64_t malformed;    /* dropped: no message of the protocol */
    uint64_t refused;      /* tiles beyond the store's bound */
    uint64_t gaps;         /* detected */
    uint64_t healed;       /* gaps that another upstream's copy closed */
    uint64_t snapshots;    /* completed */
    uint64_t retries;      /* snapshots that had to be asked for again */
    uint64_t overflows;    /* times that REPLICA_PENDING_MAX was reached */
    uint64_t mismatches;   /* patches whose base was not here */
    uint64_t event_resets; /* times that events were lost or their numbering began anew */
};

struct replica_ops {
    /* Sends a query to an upstream; the reply, if one comes, is given to replica_reply with the
     * same tag. Returns false when nobody is connected there. */
    bool (*send)(void *send_arg, unsigned upstream, uint32_t tag, struct str request);
    void *send_arg;
    /* Called with each delta or event that was applied, in sequence, and with each heartbeat that
     * agrees with what is here. NULL: nobody cares. */
    void (*accepted)(void *accepted_arg, const struct str frames[WIRE_FRAMES]);
    void *accepted_arg;
};

#endif
