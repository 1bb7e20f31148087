/* SPDX-License-Identifier: Apache-2.0 */
/* What the stream engine's users hand in and read out. streams.h says what is done with it. */
#ifndef GATEWAY_STREAM_TYPES_H
#define GATEWAY_STREAM_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/ip.h"
#include "common/base/time/clock.h"
#include "common/wire/cursor.h"
#include "gateway/base/selection.h"
#include "gateway/base/view.h"
#include "gateway/stream/channel.h"

struct transport;

/* So many channels more than max_channels there may be of streams that ask for everything, as the
 * dashboard does, or for nothing yet: what others select must not keep these out. There are eight
 * kinds of them, four of these in three codings; and what clients may see can make everything
 * different for some. */
#define STREAMS_RESERVED 64

/* A channel that takes more memory than that while it is quiet, because its selection is long,
 * counts as one more for each so many bytes. */
#define STREAMS_CHANNEL_BYTES 1024

/* All logs together take at most as much as so many of the greatest size. When a log may not grow,
 * its streams get the newest values instead of each change. */
#define STREAMS_LOGS 1024

struct streams_config {
    size_t max_streams; /* The greatest number of streams. */
    /* The greatest number of channels, but for those of STREAMS_RESERVED; see
     * STREAMS_CHANNEL_BYTES. */
    size_t max_channels;
    size_t ring_max;    /* Bytes that a channel's log may grow to. */
    int64_t stalled_ms; /* A stream that accepts nothing for so long is cut. */
    int64_t max_age_ms; /* The greatest age of a stream, jittered by a fifth; 0: no limit. */
    const struct transport *sse;       /* How Server-Sent Events are spoken; never NULL. */
    const struct transport *websocket; /* How WebSockets are spoken; NULL: there are none. */
};

struct streams_counters {
    uint64_t opened;   /* Streams that began. */
    uint64_t closed;   /* Streams that their clients ended. */
    uint64_t cut;      /* Streams that accepted nothing for stalled_ms. */
    uint64_t vanished; /* Streams that acknowledged nothing for stalled_ms, says the kernel. */
    uint64_t aged;     /* Streams that reached max_age_ms. */
    uint64_t expired;  /* Streams whose client's credentials ended. */
    uint64_t refused;  /* Streams for which there was no room, or no room for their channel. */
    uint64_t frames;   /* Frames put into channels' logs. */
    uint64_t
        deliveries;     /* Frames handed to sockets, of all streams; those of catch-ups included. */
    uint64_t sends;     /* Calls of send(). */
    uint64_t bytes;     /* Bytes that sockets took. */
    uint64_t blocked;   /* Times that a socket took less than all. */
    uint64_t unlogged;  /* Frames that no log had room for: streams get what is newest instead. */
    uint64_t conflated; /* Times that a log ran away from a stream. */
    uint64_t packed;    /* Times that first values, or others that were missed, were compressed. */
    uint64_t packed_shared;      /* Times that they had been before, for another stream. */
    uint64_t resets;             /* Times that a stream was told to start over. */
    uint64_t ws_opened;          /* WebSockets that began. */
    uint64_t ws_ended;           /* WebSockets that ended. */
    uint64_t ws_messages;        /* Messages that WebSockets' clients sent. */
    uint64_t ws_pings;           /* Pings sent to silent clients of WebSockets. */
    uint64_t ws_unanswered;      /* WebSockets cut because their clients stayed silent. */
    uint64_t ws_protocol_errors; /* WebSockets closed with 1002 or 1003. */
    uint64_t ws_bad_data;        /* WebSockets closed with 1007. */
    uint64_t ws_bad_requests;    /* WebSockets closed with 1008: a request was wrong. */
    uint64_t ws_too_fast;        /* WebSockets closed with 1008, or cut: too many frames. */
    uint64_t ws_too_big;         /* WebSockets closed with 1009. */
    uint64_t ws_no_room;         /* WebSockets closed with 1013: there is no room. */
    uint64_t ws_in_debt;         /* WebSockets closed with 1013: their clients are in debt. */
    uint64_t paused;             /* Times that a catch-up paused because its client is in debt. */
};

/* Whom the streams belong to, as the engine's user counts it; the arg is that of streams_create. */
struct streams_accounts {
    /* Charges the client for work that was done for it alone, in steps
     * (common/base/match/patterns.h). False: it is in debt. Its catch-ups that cost work pause
     * then, until a charge of 0 is true.
     */
    bool (*charge)(void *arg, const struct ip *client, uint64_t steps);
    /* True when the client may have one more channel, while that many are unused. */
    bool (*may_add_channel)(void *arg, const struct ip *client, size_t unused);
    /* The client has one more channel, or one less, which counts as that many: each is one of those
     * of its oldest stream's client, or so. */
    void (*channel)(void *arg, const struct ip *client, size_t units, bool more);
};

/* Whether there is room for another stream or channel. */
enum streams_room {
    STREAMS_ROOM,
    STREAMS_FULL,       /* There are too many streams or channels. */
    STREAMS_SHARE_USED, /* The client has its share of the channels. */
};

/* The limits of what a client may send, where its transport lets it; see config.h. */
struct streams_input {
    size_t message_bytes;       /* A message of at most so many bytes is taken. */
    uint32_t frames_per_second; /* So many frames a second are taken for long. */
    uint32_t frames_burst;      /* So many are taken at once. */
};

/* The request of a client that opens a stream. */
struct stream_request {
    enum channel_kind kind;      /* What it carries, and over which transport. */
    enum coding coding;          /* What its body is wrapped into; WebSockets: CODING_NONE. */
    struct selection selection;  /* What it asks for; the stream takes it over. */
    const struct cursor *cursor; /* Tiles: where the stream resumes; NULL: from the start. */
    uint64_t after_ordinal;      /* Events: the stream goes on after this one. */
    bool reset; /* The stream begins with `reset`: what the client holds cannot be continued. */
    struct ip address;       /* The client's address, or what stands for its subject. */
    const struct view *view; /* What its client may see; never NULL. */
    struct str preface;      /* The first bytes of the body; empty: none. */
    mono_time expires;       /* When its client's credentials end; 0 or MONO_NEVER: they do not. */
};

#endif
