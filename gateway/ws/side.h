/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The side record of a WebSocket, which holds what is half-way: a message that has come in part, a
 * subscription that waits, a control frame to be sent. Few streams have a side record at a time: it
 * hangs on the stream's record as `side`, and is freed as soon as there is nothing in it.
 */
#ifndef GATEWAY_WS_SIDE_H
#define GATEWAY_WS_SIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gateway/ws/frame.h"
#include "gateway/ws/input.h"
#include "gateway/ws/request.h"

struct stream;

enum ws_closing {
    WS_OPEN,
    WS_CLOSE_WANTED, /* The close frame is to be sent. */
    WS_CLOSE_SENT, /* The close frame was sent; the last part of it may still be in `unfinished`. */
};

struct ws_side {
    struct ws_partial partial; /* A frame or message that came in part. */
    struct ws_request
        *waits;             /* A first subscription whose cursor is of an event to come; or NULL. */
    uint32_t waits_until_s; /* When it has waited for long enough; monotonic seconds. */
    bool pong;              /* A pong is to be sent, with the payload of the newest ping. */
    bool pong_last; /* The pong goes behind what was asked for before the ping and is being told. */
    enum ws_closing closing;   /* How far closing has come. */
    enum ws_code code;         /* The code of the close frame. */
    size_t text_len;           /* The bytes of `text`. */
    char text[WS_CONTROL_MAX]; /* The ping's payload, or the reason of the close. */
};

/* The stream's side record; NULL: it has none. */
struct ws_side *ws_side_get(const struct stream *stream);

/* The stream's side record, which is made if need be. */
struct ws_side *ws_side_need(struct stream *stream);

/* Frees the side record if there is nothing in it. */
void ws_side_drop_if_empty(struct stream *stream);
void ws_side_free(struct stream *stream);

/* True when a close frame is to be sent, or was. */
bool ws_side_closing(const struct stream *stream);

#endif
