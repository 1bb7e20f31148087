/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where reading of a stream of JetStream stands. The stream numbers its messages, and this order is
 * the order of delivery, so nothing is journaled:
 *
 *   sequences   … 41  42  43  44          next = 43: up to 42 all was delivered
 *   ordinals    … 141 142 …               ordinal = base + sequence, with base = 100
 *
 * base is 0 until a stream is made anew, and its sequences begin again: ordinals only grow.
 *
 *   [ format, "nats", origin, created, base, next, sequence and time of the last message ]
 *
 * Pure, but for the logging.
 */
#ifndef INGESTOR_SOURCE_NATS_NATS_STATE_H
#define INGESTOR_SOURCE_NATS_NATS_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/buf.h"
#include "ingestor/source/source.h"

/* The last message that was read, by which the stream is known again. JetStream's times are of
 * nanoseconds, and grow, so that two messages hardly share one. */
struct nats_anchor {
    uint64_t sequence; /* 0: none */
    int64_t time_ns;   /* since 1970 */
};

struct nats_state {
    uint64_t origin;         /* that the ordinals belong to */
    int64_t created;         /* when the stream was made, in ns since 1970; 0: none was seen yet */
    uint64_t base;           /* ordinals are sequences and so much */
    uint64_t next;           /* sequence that is read next; 1 at the start */
    struct nats_anchor last; /* what stood before `next`, by which the stream is known again */
};

/* What a server says of the stream. */
struct nats_stream {
    int64_t created;      /* when it was made, in ns since 1970 */
    uint64_t first;       /* sequence of the first message that is there, or that will be */
    uint64_t end;         /* behind the last one that there ever was */
    bool newest_only;     /* It drops messages between others by itself: it keeps the newest of
                             each subject. */
    int64_t last_time_ns; /* of the message that the state's anchor names; 0: it is not there */
};

/* Ordinal of the last message that was delivered. */
static inline uint64_t nats_state_ordinal(const struct nats_state *state)
{
    return state->base + state->next - 1;
}

/* Ordinals begin a new numbering. Returns its origin. */
uint64_t nats_state_renumber(struct nats_state *state);

enum nats_change {
    NATS_SAME,
    NATS_BEGUN,   /* It was not read before. */
    NATS_ANEW,    /* Another stream of that name: read from its start. */
    NATS_TRIMMED, /* Messages are gone that were not read: go on behind them. */
    NATS_SHORTER, /* Messages that were read are gone from its end: go on with those that come. */
    NATS_OTHER,   /* It was set back, and has other messages since: go on with those that are
                     younger than the last one that was read (nats_state_go_on). */
};

/* What has become of the stream since. Moves the state to where reading goes on, but for
 * NATS_OTHER, and says it in the log. */
enum nats_change nats_state_meet(struct nats_state *state, const struct nats_stream *stream,
                                 const char *name);

/* After NATS_OTHER: reading goes on with that sequence. */
void nats_state_go_on(struct nats_state *state, uint64_t next);

/* Says that up to so many messages from that sequence on are gone that were not read. Ordinals
 * begin a new numbering, by which streams are told. */
void nats_state_lose(struct nats_state *state, uint64_t first, uint64_t count, const char *name);

/* ---- The saved form ---- */

void nats_state_save(const struct nats_state *state, struct buf *out);

/* False when it is none; *state is then undefined. */
bool nats_state_load(struct nats_state *state, struct str saved);

/* source_ops.state_is_newer */
bool nats_state_is_newer(struct str saved);

#endif
