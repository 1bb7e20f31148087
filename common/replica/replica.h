/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A replica of the tiles and events of one or more upstreams (ingestors or caches):
 * docs/protocol.md, "Replication".
 *
 * It hears the deltas of all upstreams at once and keeps the first copy of each. In each lane the
 * sequence must be without a gap:
 *
 *            last            pending (ahead of a gap, sorted)
 *   ─applied──┤  . . .  [104][105][108]
 *             101        a copy of 102, 103 from another upstream closes the gap; else, after
 *                        GAP_WAIT_MS, a snapshot does
 *
 * A snapshot is walked page by page; what it ends with is the server's state at the versions in its
 * last page (S1), and that is where a lane with a gap then stands, if it is not behind where it
 * stood. If the gap reaches further than S1 (the server lags behind the subscription), the snapshot
 * is asked for again, of the next upstream. A new epoch is a gap, too.
 *
 * Until a lane is in sync, its old values stay in the store. Pure: no sockets, no clock. One
 * thread.
 *
 * replica.c has the messages and the lanes, replica_sync.c what is asked and when, replica_reply.c
 * what becomes of the answers.
 */
#ifndef COMMON_REPLICA_REPLICA_H
#define COMMON_REPLICA_REPLICA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/clock.h"
#include "common/base/str.h"
#include "common/replica/query.h"
#include "common/replica/replica_ops.h"
#include "common/store/eventlog.h"
#include "common/store/store.h"
#include "common/wire/wire.h"

struct replica;

/* The store and the log are borrowed. upstreams: 1 to REPLICA_UPSTREAMS_MAX. events_max: how many
 * events to fetch at first. */
struct replica *replica_create(unsigned upstreams, size_t events_max, struct store *store,
                               struct eventlog *events, const struct replica_ops *ops);
void replica_destroy(struct replica **replica);

/* A message from any upstream's PUB socket. */
void replica_message(struct replica *replica, const struct str frames[WIRE_FRAMES], mono_time now);

/* A reply to a query. */
void replica_reply(struct replica *replica, unsigned upstream, uint32_t tag, struct str reply,
                   mono_time now);

/* Lets time pass: pings, timeouts, retries. Call it at least every replica_wait_ms. */
void replica_tick(struct replica *replica, mono_time now);
int replica_wait_ms(const struct replica *replica, mono_time now);

/* In sync in all lanes, at least once: there is something to serve. */
bool replica_ready(const struct replica *replica);

/* In sync in all lanes, and hearing from them. reason (may be NULL) is set to a sentence when not.
 */
bool replica_fresh(const struct replica *replica, mono_time now, const char **reason);

/* Where it stands: lanes, versions, position, as_of. What is not the replica's (role, instance) is
 * left alone. */
void replica_standing(const struct replica *replica, mono_time now, struct query_state *out);

/* Of each lane. */
void replica_cursor(const struct replica *replica, struct cursor *out);

const struct replica_counters *replica_counters(const struct replica *replica);

/* Is that upstream answering? */
bool replica_upstream_alive(const struct replica *replica, unsigned upstream, mono_time now);

#endif
