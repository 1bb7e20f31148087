/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ZeroMQ sockets of all programs, made in one place, so that each has its bounds, heartbeats
 * and keys.
 *
 * High-water marks bound the queues: beyond them PUB and XPUB drop messages for that subscriber,
 * which notices by the sequence and takes a snapshot. A SUB whose queue is full reads no further
 * until its owner does, so that what piles up does so at the publisher, and is bounded there.
 *
 * ZMTP's heartbeats (ZMQ_HEARTBEAT_IVL) are off, for with them a full queue ends the program, in
 * all versions of libzmq up to 4.3.5:
 *
 *     the queue is full          the socket's owner has not read for a moment
 *     the engine reads no more   so it hears no PONG either, and gives the connection up
 *     a new engine begins        which has not stopped to read
 *     the owner reads on         "Assertion failed: _input_stopped"
 *
 * And if the peer resets the connection of an engine that reads no more, the next PING is
 * "Assertion failed: !_io_error". Without timers in the engine neither can be: one that reads no
 * more stays until its queue was read. So vanished hosts are the kernel's business: a connection
 * over which nothing comes back for SOCKET_DEAD_MS ends. A connection whose other side is there
 * and says nothing is found by link.h.
 *
 * A socket is used by the thread that made it, and by no other. It is the caller's, who closes it
 * with socket_close.
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

/* A peer that acknowledges nothing for so long, or takes in nothing, is disconnected by the kernel.
 */
#define SOCKET_DEAD_MS 5000

/* High-water marks: messages queued for one subscriber, unless they are large (outlet.h); messages
 * that a subscriber has not read yet, beyond which they queue at the publisher. */
#define SOCKET_PUBLISH_HWM 100000
#define SOCKET_SUBSCRIBER_HWM 1000

/* High-water marks of a server for each asker: requests of it, and replies for it. And of an asker.
 * Libzmq hears only after each half of the mark what a peer has read, so that an asker who takes
 * each reply at once loses some of them at a mark of 8. */
#define SOCKET_REQUEST_HWM 16
#define SOCKET_REPLY_HWM 64
#define SOCKET_QUERY_HWM 64
#define SOCKET_CONNECTED_HWM 4096 /* of socket_open_connected, whose owner bounds the bytes */

/* Bytes of the longest frame that is taken in; a peer that sends a longer one is disconnected. An
 * asker gets replies, which are a page and one tile (see common/replica/query.h). A server gets
 * requests. Who publishes gets subscriptions, and libzmq keeps each for as long as the subscriber
 * is there. */
#define SOCKET_REPLY_MAX_BYTES (WIRE_BODY_MAX + 1024 * 1024)
#define SOCKET_REQUEST_MAX_BYTES (64 << 10)
#define SOCKET_PUSH_MAX_BYTES ((1 << 20) + (64 << 10)) /* of a server that takes pushed events */
#define SOCKET_SUBSCRIPTION_MAX_BYTES 1024

/* Ends the one ZeroMQ context of the process, which the first socket makes. All sockets must be
 * closed. */
void sockets_term(void);

/* Makes a PUB, XPUB or ROUTER socket that is bound to the address. Returns NULL on failure, and err
 * says which address it was, and why. */
void *socket_bind(int type, const char *address, const struct config *config, struct error *err);

/* Makes a ROUTER that is bound to the address, and takes in frames of that many bytes. */
void *socket_bind_server(const char *address, int64_t largest, const struct config *config,
                         struct error *err);

/* Makes a socket that is bound to an address of inproc, which only this process reaches. */
void *socket_bind_within(int type, const char *address, struct error *err);

/* Makes a SUB (subscribed to all), DEALER or REQ socket that is not connected yet. Returns NULL
 * when none can be made, and err says why. */
void *socket_open(int type, struct error *err);

/* The same; but what is sent while nobody is connected is refused, and not queued. */
void *socket_open_connected(int type, struct error *err);

/* Connects. It succeeds though nobody is there: the connection comes when somebody is. server: who
 * has to be there, with keys (see curve_join). STATUS_INVALID, STATUS_DENIED: the address or a key
 * is wrong, and err says which. */
int socket_connect(void *socket, const char *address, const struct config_server *server,
                   const struct config *config, struct error *err);

/* Makes a PAIR socket over which libzmq tells of these events (ZMQ_EVENT_...) of a socket that is
 * not connected yet. NULL when none can be made. Whoever has it reads what it tells, and closes it
 * with socket_monitor_close before that socket. */
void *socket_monitor(void *socket, int events);
void socket_monitor_close(void *socket, void **monitor);

/* Closes the socket without waiting for what is queued, and clears the pointer. A socket that is
 * NULL is fine. */
void socket_close(void **socket);

/* Changes how many messages may wait for each peer; those that wait already stay. Libzmq 4.3.4
 * crashes when a connection is just ending, see outlet.c. */
void socket_set_send_hwm(void *socket, int messages);

/* The descriptor to poll. It is edge-triggered: after any use of the socket socket_readable has to
 * be asked again. */
int socket_fd(void *socket);

/* True when a message waits. */
bool socket_readable(void *socket);

/* Sends a message of count frames without waiting. Returns false when it could not be queued. */
bool socket_send(void *socket, const struct str *frames, size_t count);

/*
 * Receives a message without waiting: at most max frames, each a copy in the caller's buffers,
 * which are cleared first and which the caller frees. Returns the number of frames; 0 when there is
 * none; -1 when it had more frames than max, or was longer than max_bytes in all: it is then taken
 * from the queue and dropped.
 */
int socket_receive(void *socket, struct buf *frames, size_t max, size_t max_bytes);

/* The same; *user becomes the User-Id that the guard gave the sender's connection (its public key),
 * empty when it has none. */
int socket_receive_from(void *socket, struct buf *frames, size_t max, size_t max_bytes,
                        struct buf *user);

#endif
