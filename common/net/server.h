/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The query server: a ROUTER socket in front of query_answer. Any REQ or DEALER socket can ask;
 * what stands before the empty delimiter goes back as it came.
 *
 *     request   [identity][tags, if any][empty][body]
 *     reply     [identity][tags, if any][empty][reply]
 *
 * One thread, that which made it.
 */
#ifndef COMMON_NET_SERVER_H
#define COMMON_NET_SERVER_H

#include "common/config/config.h"
#include "common/replica/query.h"

struct server;

/* Binds the socket. The configuration is needed during the call only, query is borrowed. STATUS_IO:
 * the address cannot be used, and err says why. */
int server_create(const char *address, const struct config *config, struct query *query,
                  struct server **out, struct error *err);

/* Closes the socket and clears the pointer. A server that is NULL is fine. */
void server_destroy(struct server **server);

/* The socket, to be polled for reading by zloop. It stays the server's. */
void *server_socket(const struct server *server);

/* Frames of an envelope, at most. */
#define SERVER_FRAMES_MAX 8

/* The time after which a turn of answering ends, whatever still waits. */
#define SERVER_TURN_MS 20

/* Answers at most budget requests, and no further one after SERVER_TURN_MS. Returns true when more
 * may wait. A reply that cannot be queued is dropped, since its asker is gone or does not read. */
bool server_process(struct server *server, mono_time now, unsigned budget);

/* Within a call of struct query's `push`: to whom the request that is being answered goes back.
 * Stores the frames, which are the server's until the call ends, and returns how many there are. */
size_t server_envelope(const struct server *server, struct str frames[SERVER_FRAMES_MAX]);

/* Within such a call: the public key (Z85) that the asker proved; empty where there are no keys. */
const char *server_key(struct server *server);

/* Sends the reply to a request that was not answered at once. It is dropped as others are. */
void server_reply(struct server *server, const struct str *frames, size_t count, struct str reply);

#endif
