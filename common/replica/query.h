/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers to queries, over a store and an event log: the same in the ingestor and in caches, so
 * that either can be a replica's upstream. docs/protocol.md describes each request and reply.
 *
 * Whatever comes in gets a reply. A reply is at most QUERY_REPLY_BYTES long, plus one tile or
 * event; a page that its asker wants to be of another length, at most that. The members of requests
 * are named in query_request.h, those of replies in answer.h.
 *
 * Pure: a request's bytes in, a reply's bytes out. One thread.
 */
#ifndef COMMON_REPLICA_QUERY_H
#define COMMON_REPLICA_QUERY_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/buf.h"
#include "common/base/str.h"
#include "common/base/time/clock.h"
#include "common/codec/mp.h"
#include "common/store/eventlog.h"
#include "common/store/store.h"
#include "common/wire/version.h"

#define QUERY_REQUEST_MAX (64 << 10)            /* bytes; a longer request is refused */
#define QUERY_PUSH_MAX ((1 << 20) + (64 << 10)) /* the same, of one that pushes events */
#define QUERY_REPLY_BYTES (256 << 10) /* replies end here, but pages of another length wanted */
#define QUERY_BYTES_MAX (512 << 10)   /* which is at most this */
#define QUERY_PAGE_MAX 5000           /* tiles or events a page */
#define QUERY_KEYS_MAX 1000           /* of one get */

/* What the server knows besides its store and log. The texts are borrowed, and used until the call
 * of query_answer that asked for them returns. */
struct query_state {
    const char *role;     /* "ingestor" or "cache" */
    const char *instance; /* unique to this run of the process */
    bool serving;         /* false: not in sync yet, and only ping and stats are answered */
    const char *reason;   /* why it is not serving, a sentence for people */
    unsigned lanes;       /* how many the deployment has; 0: not known yet */
    uint64_t lanes_owned; /* bit i: lane i is whole here */
    struct version last[LANES_MAX]; /* of each lane, what it has reached */
    const char *position;           /* source position folded so far */
    wall_time as_of;                /* the moment that the position was true for */
    uint64_t confirmed; /* events up to this ordinal are of the history that lane 0's epoch tells;
                           UINT64_MAX, as it is at first: all that are here */
    uint64_t continues; /* no row was lost since that epoch of lane 0; 0: nobody knows */
    uint64_t accounted; /* rows with ordinals up to this one that are not here were deleted */
};

struct query {
    struct store *store;     /* Borrowed. */
    struct eventlog *events; /* Borrowed. */
    /* Fills in the state, which is zeroed; called once for each request. */
    void (*state)(void *arg, struct query_state *out);
    /* Appends pairs of a name and a value, as MessagePack, and returns how many. NULL: there are
     * none. */
    size_t (*stats)(void *arg, struct buf *out);
    /* Takes a request to push events, which it answers later; copies what it needs of it. Returns
     * NULL; or why it does not take it, and sets *code. NULL: this server takes none. */
    const char *(*push)(void *arg, struct str request, const char **code);
    /* Answers what is asked about alerts: appends a reply and returns NULL; or returns what is
     * wrong with the request, and sets *code. NULL: this server knows no alerts. */
    const char *(*alerts)(void *arg, const mp_value *request, struct buf *reply, const char **code);
    void *arg;         /* Borrowed. */
    struct mp_doc doc; /* scratch, made by query_init and freed by query_free */
    uint64_t answered; /* requests that got a reply, errors included */
    uint64_t refused;  /* requests that got an error, or could not be answered at all */
};

/* Initialises the members from `doc` on; the caller has set those above. */
void query_init(struct query *query);
void query_free(struct query *query);

/* Appends the reply to a request, whatever it is; nothing when it is answered later (`push`). now:
 * the time from which the ages of tiles are reckoned. */
void query_answer(struct query *query, struct str request, mono_time now, struct buf *reply);

#endif
