/* SPDX-License-Identifier: Apache-2.0 */
/* Keys for ZeroMQ's CURVE (https://rfc.zeromq.org/spec/26/), put on a socket before it binds or
 * connects. */
#ifndef COMMON_NET_CURVE_H
#define COMMON_NET_CURVE_H

#include "common/base/error.h"
#include "common/config/config.h"

/* What guard.h is told of a socket that a client wants to connect to. */
#define CURVE_DOMAIN_PUBLISH "publish"
#define CURVE_DOMAIN_QUERY "query"

/* Our own public key, in Z85, made of the secret one. STATUS_INVALID: it is not that of
 * public_key_file; else what config_curve_keys returns. Call it only when keys are configured. */
int curve_own_key(const struct config *config, char out[CONFIG_CURVE_KEY_SIZE], struct error *err);

/* Makes a new pair, which the caller wipes. STATUS_INVALID: this libzmq cannot. */
int curve_make_pair(struct config_curve_pair *out, struct error *err);

/* Makes the socket, which is going to be bound, prove itself with the configured pair of keys, and
 * let in whom the process's guard lets in: without one, nobody. Does nothing where no keys are
 * configured. STATUS_INVALID, STATUS_DENIED, or what config_curve_keys returns: the keys cannot be
 * used, and err says why. */
int curve_serve(void *socket, const char *domain, const struct config *config, struct error *err);

/* Makes the socket, which is going to be connected to the address, expect that server there. Where
 * no keys are configured, this is the check that none are needed. Else as curve_serve, or
 * config_server_key. */
int curve_join(void *socket, const char *address, const struct config_server *server,
               const struct config *config, struct error *err);

#endif
