/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SIGHUP: limits are read anew, without a stream or a request noticing. All else needs another
 * gateway on the port, which takes over.
 */
#ifndef GATEWAY_LIMITS_H
#define GATEWAY_LIMITS_H

#include "gateway/gateway_state.h"

/* Keeps what there is, and says why, when the file is wrong. */
void gateway_reload(struct gateway *gateway);

struct streams_input gateway_streams_input(const struct gateway *gateway);

/* How many streams and waiting requests there may be: what is configured, as far as descriptors
 * go. */
size_t gateway_max_streams(const struct gateway *gateway);
size_t gateway_max_waiting(const struct gateway *gateway);
struct connections_config gateway_connections(const struct gateway *gateway);

#endif
