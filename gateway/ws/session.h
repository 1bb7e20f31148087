/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A WebSocket as a stream: what its client sends (subscriptions, pings, a close), and the control
 * frames that it gets between others. All else it shares with SSE: channels, logs, walks.
 *
 *   attach ─► idle channel ── subscribe ──► walk ──► live in a channel of its own selection
 *                  ▲                                   │ subscribe: walk, over what is new only
 *                  └────────── unsubscribe all ────────┘
 *   close: its frame goes out, the sending side is shut, and the client's end is waited for
 *
 * For the stream engine only: include streams_state.h.
 */
#ifndef GATEWAY_WS_SESSION_H
#define GATEWAY_WS_SESSION_H

#include "common/base/clock.h"
#include "common/base/error.h"
#include "common/store/store.h"
#include "gateway/base/selection.h"
#include "gateway/ws/input.h"
#include "gateway/ws/request.h"

struct stream;
struct streams;

enum ws_control { WS_CONTROL_NONE, WS_CONTROL_PING, WS_CONTROL_PONG, WS_CONTROL_CLOSE };

enum ws_closing { WS_OPEN, WS_CLOSE_WANTED, WS_CLOSE_SAID };

/* What few streams have at a time; freed as soon as there is nothing in it. */
struct ws_side {
    struct ws_partial partial;
    struct selection held; /* a walk that a subscription began: of these the client has all */
    uint64_t held_until;   /* changes up to this one */
    bool holds;
    struct ws_request *waits; /* a first subscription, whose cursor is of an event to come */
    uint32_t waits_until_s;
    bool pong;      /* is to be sent, with the payload of the newest ping; */
    bool pong_last; /* behind what was asked for before that, and is being told */
    enum ws_closing closing;
    enum ws_code code;
    size_t text_len;
    char text[WS_CONTROL_MAX]; /* the ping's payload, or the reason of the close */
};

/* ---- For streams.c ---- */

void ws_stream_begin(struct streams *s, struct stream *stream, mono_time now);
void ws_stream_free(struct stream *stream);
/* epoll says something. The stream may end. */
void ws_stream_ready(struct streams *s, struct stream *stream, uint32_t events, mono_time now);
/* About every second. True: it was dealt with; it may have ended. */
bool ws_stream_sweep(struct streams *s, struct stream *stream, mono_time now);
/* Appends what a stream is told that is ended for the gateway's sake. */
void ws_stream_append_farewell(struct buf *out);

/* ---- For walks ---- */

/* Appends that control frame if it is to be sent; else false. */
bool ws_stream_control(const struct stream *stream, enum ws_control control, struct buf *out);
/* It is on its way, or will be before all else. */
void ws_stream_said(struct stream *stream, enum ws_control control);
bool ws_stream_closing(const struct stream *stream);
/* Is a pong to be sent, behind what is being told? */
bool ws_stream_pong_last(const struct stream *stream);
/* Was it sent a close frame (which may be unfinished)? Then nothing follows. */
bool ws_stream_closed(const struct stream *stream);
/* All is sent. */
void ws_stream_shut(struct stream *stream);

/* Has the client the tile as it is, from before the subscription that the walk is for? */
bool ws_stream_has(const struct stream *stream, const struct tile *tile);
/* Had it the tile at all? */
bool ws_stream_knows(const struct stream *stream, struct str key);
/* Were removals forgotten since? */
bool ws_stream_outdated(const struct stream *stream, uint64_t forgotten);
void ws_stream_forget_held(struct stream *stream);

#endif
