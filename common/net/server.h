/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The query server: a ROUTER socket in front of query_answer. Any REQ or DEALER socket can ask;
 * what stands before the empty delimiter goes back as it came.
 */
#ifndef COMMON_NET_SERVER_H
#define COMMON_NET_SERVER_H

#include "common/config/config.h"
#include "common/replica/query.h"

struct server;

/* query is borrowed. */
int server_create(const char *address, const struct config *config, struct query *query,
                  struct server **out, struct error *err);
void server_destroy(struct server **server);

/* The socket, for zloop. */
void *server_socket(const struct server *server);

/* Answers at most budget requests. True when more wait. A reply that cannot be queued is dropped:
 * its asker is gone, or does not read. */
bool server_process(struct server *server, mono_time now, unsigned budget);

#endif
