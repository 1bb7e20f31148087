/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The gateway's limits: those of the configuration, as far as descriptors go. SIGHUP reads them
 * anew, without a stream or a request noticing; all else needs another gateway on the port, which
 * takes over.
 */
#ifndef GATEWAY_LIMITS_H
#define GATEWAY_LIMITS_H

#include "gateway/gateway_state.h"

/* Reads the limits anew. When the file is wrong it logs why, and all limits stay as they are. */
void gateway_reload(struct gateway *gateway);

/* What the client of a WebSocket may send. */
struct streams_input gateway_streams_input(const struct gateway *gateway);

/* How many streams, and how many waiting requests, there may be: what is configured, as far as
 * descriptors go. */
size_t gateway_max_streams(const struct gateway *gateway);
size_t gateway_max_waiting(const struct gateway *gateway);

/* How many connections there may be, and how long each phase of one may take. */
/* The names under which the gateway may be asked at that address; borrowed from the
 * configuration. */
struct hosts gateway_hosts(const struct gateway *gateway,
                           const struct config_listen_address *listen);

struct connections_config gateway_connections(const struct gateway *gateway);

#endif
