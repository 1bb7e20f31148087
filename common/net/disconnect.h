/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ending all connections that others have made to a socket that is bound. Libzmq cannot, so the
 * kernel is told: libzmq then sees their end, as if the peer had gone. It listens on meanwhile, so
 * who may comes back at once.
 */
#ifndef COMMON_NET_DISCONNECT_H
#define COMMON_NET_DISCONNECT_H

#include "common/base/error.h"

/* Ends those of tcp and ipc. STATUS_FULL when some may be left, for want of a descriptor. */
int disconnect_all(void *socket, struct error *err);

#endif
