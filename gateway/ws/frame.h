/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a gateway writes to a WebSocket (RFC 6455): frames of a server, never masked, never in
 * fragments. Reading is input.h. Pure.
 */
#ifndef GATEWAY_WS_FRAME_H
#define GATEWAY_WS_FRAME_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/buf.h"
#include "common/base/str.h"
#include "gateway/stream/render/message.h"

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
    WS_CODE_UNAUTHORIZED = 3000,
};

#define WS_CONTROL_MAX 125 /* payload of a control frame */

/* Appends a frame: its header, and its payload. */
void ws_frame_append(struct buf *out, enum ws_opcode opcode, struct str payload);

/* Appends a close frame. The reason (UTF-8) is cut to what fits, between two characters. With
 * WS_CODE_NONE there is neither a code nor a reason. */
void ws_frame_append_close(struct buf *out, enum ws_code code, struct str reason);

/* Appends the message as a text frame: {"event":"tile","id":"1k-3f9",…}, its own members behind. A
 * message without an id, or with an empty one, has no such member. */
void ws_frame_append_message(struct buf *out, const struct message *message);

/* True when an endpoint may send this code in a close frame. */
bool ws_code_valid(unsigned code);

#endif
