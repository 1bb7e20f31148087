/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A replica and its sockets: one SUB that hears all upstreams, and a DEALER to each for queries.
 *
 * Works in any loop: poll link_fds for reading, call link_process when one is readable and at least
 * every link_wait_ms. The descriptors are edge-triggered (see ZMQ_FD), so call link_process once
 * after link_create, and go on calling it while it says that there is more.
 */
#ifndef COMMON_NET_LINK_H
#define COMMON_NET_LINK_H

#include <stdbool.h>

#include "common/config/config.h"
#include "common/replica/replica.h"

#define LINK_FDS_MAX (1 + REPLICA_UPSTREAMS_MAX)

struct link;

/* The store and log are borrowed. accepted may be NULL (see replica_ops). */
int link_create(const struct config *config, const struct upstreams *upstreams, size_t events_max,
                struct store *store, struct eventlog *events,
                void (*accepted)(void *arg, const struct str frames[WIRE_FRAMES]), void *arg,
                struct link **out, struct error *err);
void link_destroy(struct link **link);

/* Fills out with the descriptors to poll and returns how many. */
size_t link_fds(const struct link *link, int out[LINK_FDS_MAX]);

/* Takes in at most budget messages and lets time pass. True when more wait: call again soon. */
bool link_process(struct link *link, mono_time now, unsigned budget);

int link_wait_ms(const struct link *link, mono_time now);

const struct replica *link_replica(const struct link *link);

#endif
