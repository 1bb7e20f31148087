/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ZeroMQ sockets of all programs, made in one place, so that each has its bounds, heartbeats
 * and keys.
 *
 * Heartbeats (ZMTP PING) find half-open connections within HEARTBEAT_TIMEOUT_MS. High-water marks
 * bound the queues: beyond them PUB and XPUB drop for that subscriber, which notices by the
 * sequence and takes a snapshot.
 *
 * A socket belongs to the thread that made it, and to the caller, who closes it with socket_close.
 */
#ifndef COMMON_NET_SOCKETS_H
#define COMMON_NET_SOCKETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/error.h"
#include "common/base/str.h"
#include "common/config/config.h"
#include "common/wire/wire.h"

#define HEARTBEAT_INTERVAL_MS 500
#define HEARTBEAT_TIMEOUT_MS 1500
#define PUBLISH_HWM 100000 /* messages queued for one subscriber */
#define QUERY_HWM 64 /* requests of, and replies for, one asker; beyond: replies are dropped */

/* The longest message taken in; a peer that sends a longer one is disconnected. A reply is a page
 * and one tile (common/replica/query.h). */
#define REPLY_MAX_BYTES (WIRE_BODY_MAX + 512 * 1024)

/* The one context of the process. */
void *sockets_context(void);

/* Ends the context; all sockets must be closed. */
void sockets_term(void);

/* A PUB, XPUB or ROUTER socket bound to the address. On failure NULL, and err says which address,
 * and why. */
void *socket_bind(int type, const char *address, const struct config *config, struct error *err);

/* A SUB (subscribed to all), DEALER or REQ socket, not connected yet. */
void *socket_open(int type, struct error *err);

/* Connects. It succeeds though nobody is there: the connection comes when somebody is. */
int socket_connect(void *socket, const char *address, const char *server_key,
                   const struct config *config, struct error *err);

/* Closes without waiting for what is queued; clears the pointer. NULL is fine. */
void socket_close(void **socket);

/* The descriptor to poll; edge-triggered: after any use of the socket look at socket_readable
 * again. */
int socket_fd(void *socket);
bool socket_readable(void *socket);

/* Sends a message of several frames without waiting. False when it could not be queued. */
bool socket_send(void *socket, const struct str *frames, size_t count);

/*
 * Receives a message without waiting: at most max frames, each a copy in the caller's buffers,
 * which are cleared first and which the caller frees. Returns the number of frames; 0 when there is
 * none; -1 when it had more frames than max, or was longer than max_bytes in all: it is then taken
 * from the queue and dropped.
 */
int socket_receive(void *socket, struct buf *frames, size_t max, size_t max_bytes);

#endif
