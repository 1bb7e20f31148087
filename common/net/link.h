/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A replica and its sockets: one SUB that hears all upstreams, and a DEALER to each for queries.
 *
 *     upstream 0   PUB ────┬────► SUB     ─┐
 *     upstream 1   PUB ────┘               ├─► replica
 *     upstream 0   ROUTER ◄─────► DEALER  ─┤
 *     upstream 1   ROUTER ◄─────► DEALER  ─┘
 *
 * It works in any loop: the loop polls link_fds for reading, and calls link_process when one is
 * readable and at least every link_wait_ms. The descriptors are edge-triggered (see ZMQ_FD), so
 * link_process has to be called once after link_create, and again while it says that more waits.
 *
 * One thread, that which made it.
 */
#ifndef COMMON_NET_LINK_H
#define COMMON_NET_LINK_H

#include <stdbool.h>

#include "common/config/config.h"
#include "common/replica/replica.h"

#define LINK_FDS_MAX (1 + REPLICA_UPSTREAMS_MAX)

struct link;

/*
 * Connects to all upstreams; the connections come about later. The configuration, the upstreams,
 * the store and the log are borrowed. events_max: how many events to fetch when none are here.
 * accepted, which may be NULL, is called with arg as ops.accepted of replica_ops.h says. On failure
 * *out is NULL, err says why, and the status is STATUS_FULL (no socket could be made) or that of
 * socket_connect.
 */
int link_create(const struct config *config, const struct config_upstreams *upstreams,
                size_t events_max, struct store *store, struct eventlog *events,
                void (*accepted)(void *arg, const struct str frames[WIRE_FRAMES]), void *arg,
                struct link **out, struct error *err);

/* Closes the sockets and clears the pointer. A link that is NULL is fine. */
void link_destroy(struct link **link);

/* Fills in the descriptors to poll, which stay the same, and returns how many they are. */
size_t link_fds(const struct link *link, int out[LINK_FDS_MAX]);

/* Takes in at most budget messages and replies, and lets time pass. Returns true when more wait:
 * call it again soon. */
bool link_process(struct link *link, mono_time now, unsigned budget);

/* How long link_process may wait: 0 to REPLICA_PING_MS. */
int link_wait_ms(const struct link *link, mono_time now);

/* The replica, for reading. Lives as long as the link. */
const struct replica *link_replica(const struct link *link);

#endif
