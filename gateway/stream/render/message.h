/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a stream is told, before it is put into the words of a transport: a name, a JSON object, and
 * the id that the client comes back with when its connection breaks.
 *
 *   SSE         id: 1k-3f9\nevent: tile\ndata: {"key":"a",…}\n\n
 *   WebSocket   {"event":"tile","id":"1k-3f9","key":"a",…}         (gateway/ws/frame.h)
 *
 * A message owns nothing: its texts are borrowed from whoever made it. Pure.
 */
#ifndef GATEWAY_STREAM_RENDER_MESSAGE_H
#define GATEWAY_STREAM_RENDER_MESSAGE_H

#include "common/base/buf.h"
#include "common/base/str.h"

struct message {
    /* One line. NULL: the message leaves the client's id as it is. Empty: the client forgets it. */
    struct str id;
    struct str event; /* One line. NULL: the message has no name. */
    struct str json;  /* An object, on one line. */
};

/* Appends the message as a frame of SSE. */
void message_append_sse(struct buf *out, const struct message *message);

/* The same in two steps, for JSON that is written in place: what stands before it, and what ends
 * it. */
void message_begin_sse(struct buf *out, struct str id, struct str event);
void message_end_sse(struct buf *out);

#endif
