/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A replica and its sockets: to each upstream a SUB that hears it, and a DEALER for queries.
 *
 *     upstream 0   PUB    ────────► SUB     ─┐
 *                  ROUTER ◄───────► DEALER  ─┤
 *     upstream 1   PUB    ────────► SUB     ─┼─► replica
 *                  ROUTER ◄───────► DEALER  ─┘
 *
 * libzmq connects again by itself when a connection ends. But a connection can be dead without an
 * end, when the other side vanished or something between holds it. So a socket is closed and made
 * anew when it was silent for too long (see silence.h): a SUB when the upstream says, in its
 * answers to pings, that it went on, and the SUB heard nothing of it; a DEALER when no query is
 * answered. What is lost thereby, the replica notices and fetches. The same is done with a socket
 * that an upstream has refused, for it may be let in later, and libzmq does not try again.
 *
 * It works in any loop: the loop polls link_fd for reading, and calls link_process when it is
 * readable and at least every link_wait_ms. What stands behind it is edge-triggered (see ZMQ_FD),
 * so link_process has to be called once after link_create, and again while it says that more waits.
 *
 * One thread, that which made it.
 */
#ifndef COMMON_NET_LINK_H
#define COMMON_NET_LINK_H

#include <stdbool.h>
#include <stdint.h>

#include "common/config/config.h"
#include "common/replica/replica.h"

struct link;

/*
 * Connects to all upstreams; the connections come about later. The configuration, the upstreams,
 * the store and the log are borrowed. events_max: how many events to fetch when none are here.
 * accepted, which may be NULL, is called with arg as ops.accepted of replica_ops.h says. On failure
 * *out is NULL, err says why, and the status is STATUS_FULL (no socket could be made, or none
 * watched) or that of socket_connect.
 */
int link_create(const struct config *config, const struct config_upstreams *upstreams,
                size_t events_max, struct store *store, struct eventlog *events,
                void (*accepted)(void *arg, const struct str frames[WIRE_FRAMES]), void *arg,
                struct link **out, struct error *err);

/* Closes the sockets and clears the pointer. A link that is NULL is fine. */
void link_destroy(struct link **link);

/* The descriptor to poll. It is the link's, and stays the same when sockets are made anew. */
int link_fd(const struct link *link);

/* Takes in at most budget messages and replies, and lets time pass. Returns true when more wait:
 * call it again soon. */
bool link_process(struct link *link, mono_time now, unsigned budget);

/* How long link_process may wait: 0 to REPLICA_PING_MS. */
int link_wait_ms(const struct link *link, mono_time now);

/* How many sockets were made anew because nothing came over them, or because an upstream had
 * refused them, since link_create. */
uint64_t link_renewals(const struct link *link);

/* The replica, for reading. Lives as long as the link. */
const struct replica *link_replica(const struct link *link);

#endif
