/* SPDX-License-Identifier: Apache-2.0 */
/* Keys for ZeroMQ's CURVE (https://rfc.zeromq.org/spec/26/), put on a socket before it binds or
 * connects. */
#ifndef COMMON_NET_CURVE_H
#define COMMON_NET_CURVE_H

#include "common/base/error.h"
#include "common/config/config.h"

/* Makes the socket, which is going to be bound, prove itself with the configured pair of keys and
 * admit whoever knows its public key. Does nothing where no keys are configured. STATUS_INVALID, or
 * what config_curve_keys returns: the keys cannot be used, and err says why. */
int curve_serve(void *socket, const struct config *config, struct error *err);

/* Makes the socket, which is going to be connected, expect a server with that public key (Z85;
 * NULL: the configured curve.server_key, or else our own public key). Else as curve_serve. */
int curve_join(void *socket, const struct config *config, const char *server_key,
               struct error *err);

#endif
