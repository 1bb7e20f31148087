/* SPDX-License-Identifier: Apache-2.0 */
/* Keys for ZeroMQ's CURVE (https://rfc.zeromq.org/spec/26/), put on a socket before it binds or
 * connects. */
#ifndef COMMON_NET_CURVE_H
#define COMMON_NET_CURVE_H

#include "common/base/error.h"
#include "common/config/config.h"

/* The socket proves itself with the configured pair, and admits whoever knows its public key. Does
 * nothing where no keys are configured. */
int curve_serve(void *socket, const struct config *config, struct error *err);

/* The socket connects to a server with that key (Z85; NULL: curve.server_key, or else our own
 * public key). */
int curve_join(void *socket, const struct config *config, const char *server_key,
               struct error *err);

#endif
