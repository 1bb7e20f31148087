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
 *             101        copies of 102 and 103 from another upstream close the gap; if they do not
 *                        come within REPLICA_GAP_WAIT_MS, a snapshot does
 *
 * A snapshot is fetched page by page (see replica_sync.h). It ends with the server's state at the
 * versions in its last page, S, and that is where a lane that had a gap then stands, unless it had
 * been further already. If the gap reaches beyond S, since the server lags behind what was
 * published, another snapshot is fetched, from the next upstream. A new epoch is a gap, too.
 *
 * Until a lane is in sync, its old values stay in the store.
 *
 * Pure: no sockets, no clock. One thread.
 */
#ifndef COMMON_REPLICA_REPLICA_H
#define COMMON_REPLICA_REPLICA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/str.h"
#include "common/base/time/clock.h"
#include "common/replica/query.h"
#include "common/replica/replica_ops.h"
#include "common/store/eventlog.h"
#include "common/store/store.h"
#include "common/wire/wire.h"

struct replica;

/*
 * The store and the log are borrowed, the ops are copied. upstreams: how many there are, 1 to
 * REPLICA_UPSTREAMS_MAX; each is spoken of by its index. events_max: how many events to fetch when
 * none are here. The caller destroys the replica, before the store and the log.
 */
struct replica *replica_create(unsigned upstreams, size_t events_max, struct store *store,
                               struct eventlog *events, const struct replica_ops *ops);

/* Clears the pointer. A replica that is NULL is fine. */
void replica_destroy(struct replica **replica);

/* Takes in a message from any upstream's PUB socket. What is malformed is dropped and counted. */
void replica_message(struct replica *replica, const struct str frames[WIRE_FRAMES], mono_time now);

/* Takes in the reply to a query that ops.send was given with that tag. One that is malformed, or
 * comes after its time, is dropped. */
void replica_reply(struct replica *replica, unsigned upstream, uint32_t tag, struct str reply,
                   mono_time now);

/* Notes that bytes of a reply have come from the upstream, whether or not it is whole yet: what
 * still arrives is waited for. Without such notes a reply has REPLICA_QUERY_TIMEOUT_MS. */
void replica_arriving(struct replica *replica, unsigned upstream, mono_time now);

/* Lets time pass: pings, timeouts, retries. Must be called at least every replica_wait_ms. */
void replica_tick(struct replica *replica, mono_time now);

/* How long replica_tick may wait: 0 to REPLICA_PING_MS. */
int replica_wait_ms(const struct replica *replica, mono_time now);

/* True when all lanes were in sync at once, at some time: there is something to serve. */
bool replica_ready(const struct replica *replica);

/* True when all lanes are in sync and each was heard of within REPLICA_SILENT_MS. Else *reason
 * (reason may be NULL) is set to a sentence for people, a constant. */
bool replica_fresh(const struct replica *replica, mono_time now, const char **reason);

/* Fills in where the replica stands: serving, lanes, versions, position, as_of, and the reason when
 * it is not fresh. The role and the instance are left alone, for they are the program's. The
 * position points into the replica, and is valid until the next message or reply. */
void replica_standing(const struct replica *replica, mono_time now, struct query_state *out);

/* Fills in the version that each lane has reached. */
void replica_cursor(const struct replica *replica, struct cursor *out);

/* What the ingestor of lane 0 said of clocks at last. Lives as long as the replica. */
const struct wire_clocks *replica_clocks(const struct replica *replica);

/* How far it said that its source is behind. */
const struct lag *replica_lag(const struct replica *replica);

/* Which of several sources it said that it reads. */
const struct sources_up *replica_sources(const struct replica *replica);

/* Lives as long as the replica. */
/* How many deltas were of a tile that is another lane's: store_moved of its store. */
uint64_t replica_moved(const struct replica *r);

const struct replica_counters *replica_counters(const struct replica *replica);

/* True unless the log of events is just being filled: what it holds then is history, and not yet
 * all of it. */
bool replica_events_whole(const struct replica *replica);

/* True when the upstream has answered a ping within the last REPLICA_DEAD_MS, or bytes of an answer
 * have come. */
bool replica_upstream_alive(const struct replica *replica, unsigned upstream, mono_time now);

/* When an answer to a ping said, for the last time, that the upstream has published something since
 * the answer before. An upstream of which that was never said has the time 0. */
mono_time replica_upstream_moved_at(const struct replica *replica, unsigned upstream);

#endif
