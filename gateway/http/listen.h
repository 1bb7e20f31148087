/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The listening socket. It is shared (SO_REUSEPORT): several gateways may listen on one port, and
 * the kernel spreads new connections over them.
 */
#ifndef GATEWAY_HTTP_LISTEN_H
#define GATEWAY_HTTP_LISTEN_H

#include <microhttpd.h>

#include "common/base/error.h"
#include "common/config/config.h"

/* A socket that is bound to the address, which the caller closes; -1 and err when it cannot be.
 * alone: it is not shared. */
int listen_bind(const struct config_listen_address *address, bool alone, struct error *err);

/* Connections are made from now on. STATUS_IO when somebody else was faster. */
int listen_begin(int fd, const struct config_listen_address *address, struct error *err);

/* Hands connections that the kernel has made, but nobody has accepted yet, to the daemon: closing
 * the socket would reset them. */
void listen_accept_rest(int fd, struct MHD_Daemon *daemon);

#endif
