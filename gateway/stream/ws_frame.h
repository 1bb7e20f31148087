/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a gateway writes to a WebSocket (RFC 6455): frames of a server, never masked, never in
 * fragments. Reading is gateway/ws/input.h. Pure.
 */
#ifndef GATEWAY_STREAM_WS_FRAME_H
#define GATEWAY_STREAM_WS_FRAME_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/buf.h"
#include "common/base/str.h"

enum ws_opcode {
    WS_CONTINUATION = 0,
    WS_TEXT = 1,
    WS_BINARY = 2,
    WS_CLOSE = 8,
    WS_PING = 9,
    WS_PONG = 10,
};

enum ws_code {
    WS_CODE_NONE = 0, /* a close frame without a code */
    WS_CODE_NORMAL = 1000,
    WS_CODE_GOING_AWAY = 1001,
    WS_CODE_PROTOCOL = 1002,
    WS_CODE_UNSUPPORTED = 1003,
    WS_CODE_BAD_DATA = 1007,
    WS_CODE_POLICY = 1008,
    WS_CODE_TOO_BIG = 1009,
    WS_CODE_TRY_LATER = 1013,
};

#define WS_CONTROL_MAX 125         /* payload of a control frame */
#define WS_MESSAGE_MAX (16 * 1024) /* of a client, by default */

/* Appends a frame: its header, and its payload. */
void ws_frame_append(struct buf *out, enum ws_opcode opcode, struct str payload);

/* A close frame; the reason is cut to what fits, between two characters. */
void ws_frame_append_close(struct buf *out, enum ws_code code, struct str reason);

/*
 * The text frame that says what a frame of SSE says, `id: 1k-3f9\nevent: tile\ndata: {…}\n\n`:
 * {"event":"tile","id":"1k-3f9",…}. The data has to be a JSON object. with_id: else the id is left
 * out (that of a raw event is a member already).
 */
void ws_frame_append_sse(struct buf *out, struct str sse, bool with_id);

/* May an endpoint send this code in a close frame? */
bool ws_code_valid(unsigned code);

#endif
