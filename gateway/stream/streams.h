/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stream engine: sockets that were detached from the HTTP server, and what each has been sent.
 *
 *                     first values, or the log ran away
 *   attach ─► WALK ◄──────────────────────────────────── LIVE
 *               │     next tile by change number,          │  what the channel's log has behind the
 * stream's position, │     next event by ordinal                │  in one send() └──────────
 * nothing is left ───────────────►
 *
 * In WALK a stream is a number: the change of the last tile, or the ordinal of the last event, that
 * it was given; what it gets next is the newest value of the next tile that changed after it. So a
 * slow client is conflated, never queued. Of what a socket did not take, the frame in which it
 * stopped is kept, by reference; all behind it is forgotten and made anew.
 *
 * A stream that accepts nothing for stalled_ms is cut. Nothing is allocated per message and stream.
 */
#ifndef GATEWAY_STREAM_STREAMS_H
#define GATEWAY_STREAM_STREAMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/clock.h"
#include "common/base/ip.h"
#include "common/store/eventlog.h"
#include "common/store/store.h"
#include "gateway/base/view.h"
#include "gateway/stream/channel.h"

struct streams_config {
    size_t max_streams;
    size_t max_channels;
    size_t ring_max; /* bytes of a channel's log */
    int64_t stalled_ms;
    int64_t max_age_ms; /* 0: no limit; jittered by a fifth */
};

struct streams_counters {
    uint64_t opened;
    uint64_t closed;     /* by the client */
    uint64_t cut;        /* accepted nothing for stalled_ms */
    uint64_t vanished;   /* acknowledged nothing for stalled_ms, says the kernel */
    uint64_t aged;       /* reached max_age_ms */
    uint64_t refused;    /* too many streams, or channels */
    uint64_t frames;     /* rendered into channels' logs */
    uint64_t deliveries; /* frames handed to sockets, all streams; those of walks included */
    uint64_t sends;      /* calls of send() */
    uint64_t bytes;
    uint64_t blocked;   /* times that a socket took less than all */
    uint64_t conflated; /* times that a log ran away from a stream */
    uint64_t resets;    /* streams told to start over */
    /* WebSockets: */
    uint64_t ws_opened;
    uint64_t ws_ended;
    uint64_t ws_messages;        /* of clients */
    uint64_t ws_pings;           /* sent to silent ones */
    uint64_t ws_unanswered;      /* cut because they stayed silent */
    uint64_t ws_protocol_errors; /* closed with 1002 and 1003, */
    uint64_t ws_bad_data;        /* 1007, */
    uint64_t ws_bad_requests;    /* 1008: what they asked for was wrong, */
    uint64_t ws_too_fast;        /* 1008 or cut: too many frames, */
    uint64_t ws_too_big;         /* 1009, */
    uint64_t ws_no_room;         /* 1013 */
};

struct streams;

/* closed: called for each stream that ends, with the address it came from. epoll: where sockets are
 * registered, with their index and STREAMS_EPOLL_TAG in data.u64. */
#define STREAMS_EPOLL_TAG (UINT64_C(1) << 63)
struct streams *streams_create(const struct streams_config *config, struct store *store,
                               struct eventlog *events, int epoll,
                               void (*closed)(void *arg, const struct ip *address), void *arg);
void streams_destroy(struct streams **streams);

/* How long news take is entered there from now on; borrowed. */
void streams_measure(struct streams *streams, struct latency *latency);

/* A new stream. Takes the socket over in any case, and the selection. head: what is sent before all
 * else, copied. resume: for tiles a cursor, for events the ordinal to go on after; NULL: from the
 * start (tiles: all values; events: only what comes). STATUS_FULL: too many; the socket is closed.
 */
struct stream_request {
    enum channel_kind kind;
    struct selection selection;
    const struct cursor *cursor; /* tiles: resume; NULL: from the start */
    uint64_t after_ordinal;      /* events: after this one */
    bool reset;                  /* begin with `reset`: what the client holds cannot be continued */
    struct ip address;
    const struct view *view; /* what its client may see; never NULL */
};

/* For WebSockets: can a client of tiles go on from that cursor? arg is that of streams_create. */
void streams_set_can_resume(struct streams *streams,
                            bool (*can_resume)(void *arg, const struct cursor *cursor));

/* What a WebSocket's client may send; see config.h. At first: WS_MESSAGE_MAX bytes, 20, and 100. */
struct streams_input {
    size_t message_bytes;
    uint32_t frames_per_second;
    uint32_t frames_burst;
};
void streams_set_input(struct streams *streams, struct streams_input input);

/* Those that are open stay open. */
void streams_set_max(struct streams *streams, size_t max_streams);

/* Would streams_attach find room for it? */
bool streams_has_room(const struct streams *streams, const struct stream_request *request);

int streams_attach(struct streams *streams, int fd, struct stream_request *request, struct str head,
                   mono_time now);

/* A tile changed: called from the store's listener, after its rendering was made. */
void streams_tile(struct streams *streams, const struct tile *tile, enum store_change change,
                  const mp_value *patch, struct version base);

/* Takes up events that the log has and streams were not given yet, and a restart of its numbering.
 */
void streams_events(struct streams *streams);

void streams_heartbeat(struct streams *streams, wall_time now, wall_time as_of);

/* Sends at most budget times. True when there is more to do at once. */
bool streams_run(struct streams *streams, unsigned budget, mono_time now);

/* epoll says something about a stream. */
void streams_ready(struct streams *streams, uint64_t index, uint32_t events, mono_time now);

/* Cuts what is stalled or too old; call it about every second. */
void streams_sweep(struct streams *streams, mono_time now);

/* Ends at most max streams, each told to come back after a jittered time. Returns how many are
 * left. */
size_t streams_drain(struct streams *streams, size_t max, unsigned spread_ms);

size_t streams_count(const struct streams *streams);
size_t streams_channels(const struct streams *streams);
const struct streams_counters *streams_counters(const struct streams *streams);

#endif
