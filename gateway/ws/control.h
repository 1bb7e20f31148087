/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The control frames that a WebSocket's client gets between messages: pings, pongs, and the one
 * that closes the connection. Each is asked for first, and goes out with the stream's next turn,
 * for which a live stream falls out of its channel's log.
 */
#ifndef GATEWAY_WS_CONTROL_H
#define GATEWAY_WS_CONTROL_H

#include "common/base/str.h"
#include "common/base/time/clock.h"
#include "gateway/stream/transport.h"
#include "gateway/ws/frame.h"

struct stream;
struct streams;

/* The turn of a WebSocket, and its time. */
struct ws_turn {
    struct streams *s;     /* The engine. */
    struct stream *stream; /* The stream whose input is read. */
    mono_time now;         /* The moment of reading. */
};

/* Asks for a ping to be sent. */
void ws_control_ping(struct stream *stream);

/* Asks for a pong with that payload to be sent, in place of one that was not sent yet. */
void ws_control_pong(struct stream *stream, struct str payload);

/* Asks for a close frame to be sent, and for nothing behind it. Of several the first one counts. */
void ws_control_close(struct ws_turn *turn, enum ws_code code, struct str reason);

/* Closes the stream because its client did something wrong, and counts that. reason: a sentence of
 * at most WS_CONTROL_MAX - 2 bytes. */
void ws_control_refuse(struct ws_turn *turn, enum ws_code code, const char *reason);

/* The hooks of struct transport. */
enum transport_order ws_control_order(const struct stream *stream);
unsigned ws_control_append(const struct stream *stream, unsigned after, struct buf *out);
void ws_control_given(struct stream *stream, unsigned control);

#endif
