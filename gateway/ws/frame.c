/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/ws/frame.h"

#include <string.h>

#include "common/codec/json.h"

#define FIN 0x80

static void append_header(struct buf *out, enum ws_opcode opcode, size_t len)
{
    unsigned char header[10] = {(unsigned char)(FIN | opcode)};
    size_t size = 2;
    if (len <= WS_CONTROL_MAX) {
        header[1] = (unsigned char)len;
    } else {
        const size_t bytes = len <= UINT16_MAX ? 2 : 8;
        header[1] = bytes == 2 ? 126 : 127;
        for (size_t i = 0; i < bytes; i++) {
            header[2 + i] = (unsigned char)((uint64_t)len >> (8 * (bytes - 1 - i)));
        }
        size += bytes;
    }
    buf_append(out, header, size);
}

void ws_frame_append(struct buf *out, enum ws_opcode opcode, struct str payload)
{
    append_header(out, opcode, payload.len);
    buf_append_str(out, payload);
}

void ws_frame_append_close(struct buf *out, enum ws_code code, struct str reason)
{
    if (code == WS_CODE_NONE) {
        append_header(out, WS_CLOSE, 0);
        return;
    }
    const unsigned char bytes[2] = {(unsigned char)((unsigned)code >> 8), (unsigned char)code};
    size_t len = reason.len;
    if (len > WS_CONTROL_MAX - sizeof bytes) {
        len = WS_CONTROL_MAX - sizeof bytes;
        while (len != 0 && ((unsigned char)reason.p[len] & 0xc0) == 0x80) {
            len--;
        }
    }
    append_header(out, WS_CLOSE, sizeof bytes + len);
    buf_append(out, bytes, sizeof bytes);
    buf_append(out, reason.p, len);
}

/* ---- Messages ---- */

static void append_member(struct buf *out, const char *name, struct str value)
{
    buf_append_text(out, name);
    json_write_string(out, value);
}

/*
 * The size of a header depends on the length of what follows, which is known once it is written:
 * room is left for the longest header, and the payload moves to where the header really ends.
 *
 *   out   … │ header │ spare │ {"event":"tile", … }
 *             start           body
 */
void ws_frame_append_message(struct buf *out, const struct message *message)
{
    const size_t start = out->len;
    append_header(out, WS_TEXT, SIZE_MAX);
    const size_t body = out->len;
    append_member(out, "{\"event\":", message->event);
    if (message->id.len != 0) {
        append_member(out, ",\"id\":", message->id);
    }
    /* The members with the brace at the end. */
    const struct str members = {message->json.p + 1, message->json.len - 1};
    buf_append_text(out, members.len > 1 ? "," : "");
    buf_append_str(out, members);
    const size_t len = out->len - body;
    out->len = start;
    append_header(out, WS_TEXT, len);
    memmove(out->data + out->len, out->data + body, len);
    out->len += len;
}

/* ---- Close codes ---- */

bool ws_code_valid(unsigned code)
{
    return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
           (code >= 3000 && code <= 4999);
}
