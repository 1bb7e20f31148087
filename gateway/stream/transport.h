/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the stream engine asks of a transport: how a message is written, what the client's side of
 * the connection does, and what is said besides messages. There are two, each one const table: SSE
 * (sse.h) and WebSockets (gateway/ws/session.h). The kind of a stream's channel tells which one is
 * the stream's, so that its record does not have to.
 *
 *   gateway.c ──hands in──► streams ──calls──► struct transport
 *                                                 ▲        ▲
 *                                               sse.c   gateway/ws     which use the engine's rooms
 *
 * A hook that may be NULL says what its absence means.
 */
#ifndef GATEWAY_STREAM_TRANSPORT_H
#define GATEWAY_STREAM_TRANSPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/buf.h"
#include "common/base/time/clock.h"
#include "gateway/stream/render/message.h"

struct stream;
struct stream_request;
struct streams;

/* What one turn of a catch-up may say, besides the rest of a frame that was sent in part. */
enum transport_order {
    TRANSPORT_MESSAGES,      /* Messages only. */
    TRANSPORT_CONTROL_FIRST, /* Control frames, then messages. */
    TRANSPORT_CONTROL_LAST,  /* Messages, then control frames. */
    TRANSPORT_CONTROL_ONLY,  /* Control frames; the connection closes with them. */
    TRANSPORT_OVER,          /* Nothing: the frame that closes the connection was sent. */
};

/* True when no message follows any more. */
static inline bool transport_closes(enum transport_order order)
{
    return order >= TRANSPORT_CONTROL_ONLY;
}

/* Why a stream is ended that its client has not ended. */
enum transport_farewell {
    TRANSPORT_STOPS,   /* The gateway stops: come back. */
    TRANSPORT_EXPIRED, /* The client's credentials have ended: come back with new ones. */
    TRANSPORT_AGED, /* SSE: the stream is as old as one may become. WebSockets say it themselves. */
};

struct transport {
    /* Of WebSockets: makes and frees the state that all of them share, `ws_state` of the engine.
     * NULL: there is none. */
    void *(*create)(void);
    void (*destroy)(void *state); /* Frees that state. NULL exactly when `create` is. */

    /* Appends the message as one frame, without the coding of a channel. */
    void (*append)(struct buf *out, const struct message *message);

    /* A stream in catch-up begins: tells, as the request says, what its client has already. */
    void (*begin)(struct streams *s, struct stream *stream, const struct stream_request *request,
                  mono_time now);

    /* A stream ends: frees what its `side` holds. NULL: it holds nothing. */
    void (*end)(struct streams *s, struct stream *stream);

    /* epoll says something of a stream's socket. The stream may end. */
    void (*ready)(struct streams *s, struct stream *stream, uint32_t events, mono_time now);

    /* Time passes; called about every second. True: the stream was dealt with, and may have ended.
     * False: the engine cuts it if it is stalled or too old. NULL: always false. */
    bool (*sweep)(struct streams *s, struct stream *stream, mono_time now);

    /* Appends what a stream is told that is ended, which may be nothing; its client should come
     * back after that many milliseconds. */
    void (*append_farewell)(struct buf *out, enum transport_farewell why, unsigned retry_ms);

    /* Says in which order things are said. NULL: always TRANSPORT_MESSAGES, and then the other two
     * are NULL as well. */
    enum transport_order (*order)(const struct stream *stream);

    /* Appends the stream's next control frame behind the one of that number (0: the first) and
     * returns its own number; 0: there is none. Changes nothing, for what is appended may yet be
     * dropped. */
    unsigned (*append_control)(const struct stream *stream, unsigned after, struct buf *out);

    /* The control frame of that number was sent, or will be before all else. */
    void (*control_given)(struct stream *stream, unsigned control);
};

#endif
