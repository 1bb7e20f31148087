/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers to queries, over a store and an event log: the same in the ingestor and in caches, so
 * that either can be a replica's upstream. docs/protocol.md describes each request and reply.
 *
 * Pure: a request's bytes in, a reply's bytes out. Whatever comes in gets a reply; a reply is at
 * most about QUERY_REPLY_BYTES long, plus one tile or event.
 */
#ifndef COMMON_REPLICA_QUERY_H
#define COMMON_REPLICA_QUERY_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/buf.h"
#include "common/base/clock.h"
#include "common/base/str.h"
#include "common/codec/mp.h"
#include "common/store/eventlog.h"
#include "common/store/store.h"
#include "common/wire/version.h"

#define QUERY_REQUEST_MAX (64 * 1024)  /* bytes; a longer request is refused */
#define QUERY_REPLY_BYTES (256 * 1024) /* pages end here */
#define QUERY_PAGE_MAX 5000            /* tiles or events a page */
#define QUERY_KEYS_MAX 1000            /* of one get */

/* What the server knows besides its store and log. */
struct query_state {
    const char *role;               /* "ingestor" or "cache" */
    const char *instance;           /* unique to this run of the process */
    bool serving;                   /* false: not yet in sync; only ping and stats are answered */
    const char *reason;             /* why it is not serving */
    unsigned lanes;                 /* of the deployment */
    uint64_t lanes_owned;           /* bit i: tiles of lane i are here */
    struct version last[LANES_MAX]; /* of each lane, as published so far */
    const char *position;           /* source position folded so far */
    wall_time as_of;
};

struct query {
    struct store *store;
    struct eventlog *events;
    /* Fills the state; called once per request. */
    void (*state)(void *arg, struct query_state *out);
    /* Appends pairs of a name and a value and returns how many. */
    size_t (*stats)(void *arg, struct buf *out);
    void *arg;
    struct mp_doc doc; /* scratch; query_init and query_free look after it */
    uint64_t answered; /* counters */
    uint64_t refused;
};

void query_init(struct query *query);
void query_free(struct query *query);

/* Appends the reply to a request. now is for the ages of tiles. */
void query_answer(struct query *query, struct str request, mono_time now, struct buf *reply);

#endif
