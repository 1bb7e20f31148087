/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The requests that query.c answers (docs/protocol.md, "Queries"): the names of the operations and
 * of their members, each of which stands here once, and a writer for those who ask.
 *
 *     struct query_request request;
 *     query_request_begin(&request, QUERY_OP_SNAPSHOT);
 *     query_request_uint(&request, QUERY_ARG_AFTER, 0);
 *     query_request_finish(&request, &bytes);
 *
 * query.c reads requests member by member, since what it accepts differs from one operation to the
 * other. Pure: no sockets, no clock.
 */
#ifndef COMMON_REPLICA_QUERY_REQUEST_H
#define COMMON_REPLICA_QUERY_REQUEST_H

#include <stddef.h>
#include <stdint.h>

#include "common/base/buf.h"
#include "common/base/str.h"

/* The operations: the value of QUERY_ARG_OP. */
#define QUERY_OP_PING "ping"
#define QUERY_OP_STATS "stats"
#define QUERY_OP_GET "get"
#define QUERY_OP_LIST "list"
#define QUERY_OP_SNAPSHOT "snapshot"
#define QUERY_OP_EVENTS "events"
#define QUERY_OP_PUSH "push"
#define QUERY_OP_ALERTS "alerts"
#define QUERY_OP_SILENCE "silence"

/* The members of a request, each with the operations that take it. */
#define QUERY_ARG_OP "op"         /* all: text */
#define QUERY_ARG_KEY "key"       /* get: text, one tile; push: Idempotency-Key; silence: pattern */
#define QUERY_ARG_KEYS "keys"     /* get: array of texts, several tiles */
#define QUERY_ARG_PREFIX "prefix" /* list: text */
#define QUERY_ARG_AFTER "after"   /* list: text; snapshot: change number; events: ordinal */
#define QUERY_ARG_BEGAN "began"   /* snapshot: the `forgotten` of the first page */
#define QUERY_ARG_LIMIT "limit"   /* snapshot, events: at most so many on a page */
#define QUERY_ARG_BYTES "bytes"   /* snapshot, events: the page ends there; see query.h */
#define QUERY_ARG_AFTER_ID "after_id" /* events: id of an event */
#define QUERY_ARG_NEWEST "newest"     /* events: how many */
#define QUERY_ARG_TYPES "types"       /* events: array of patterns */
#define QUERY_ARG_FOR_MS "for_ms"     /* silence: for how long; 0 ends it */
#define QUERY_ARG_EVENTS "events"     /* push: array of events (common/push/pushed_event.h) */

/* A request that is being written. Lives from query_request_begin to query_request_finish. */
struct query_request {
    struct buf members; /* names and values, one after the other */
    size_t count;       /* pairs in `members` */
};

/* Begins a request for that operation. The request must be ended with query_request_finish. */
void query_request_begin(struct query_request *request, const char *op);

/* Each adds a member. */
void query_request_text(struct query_request *request, const char *name, struct str value);
void query_request_uint(struct query_request *request, const char *name, uint64_t value);

/* Adds a member's name and returns the buffer to which the caller appends its value, which is one
 * MessagePack value. */
struct buf *query_request_member(struct query_request *request, const char *name);

/* Appends the whole request to out, and frees what the request held. */
void query_request_finish(struct query_request *request, struct buf *out);

#endif
