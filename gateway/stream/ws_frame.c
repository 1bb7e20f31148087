/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/stream/ws_frame.h"

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

/* ---- From SSE ---- */

/* The field's value if the text begins with that field; takes the line off the text. */
static bool take_field(struct str *text, struct str name, struct str *value)
{
    const char *end = memchr(text->p, '\n', text->len);
    if (end == NULL || text->len < name.len || memcmp(text->p, name.p, name.len) != 0) {
        return false;
    }
    *value = (struct str){text->p + name.len, (size_t)(end - text->p) - name.len};
    *text = (struct str){end + 1, text->len - (size_t)(end + 1 - text->p)};
    return true;
}

static void append_member(struct buf *out, const char *name, struct str value)
{
    buf_append_text(out, name);
    json_write_string(out, value);
}

void ws_frame_append_sse(struct buf *out, struct str sse, bool with_id)
{
    struct str id = {0};
    struct str event = {0};
    struct str data = {0};
    (void)take_field(&sse, STR("id: "), &id);
    (void)take_field(&sse, STR("event: "), &event);
    (void)take_field(&sse, STR("data: "), &data);
    /* The header's size depends on the length of what follows: room is left for the longest. */
    const size_t start = out->len;
    append_header(out, WS_TEXT, SIZE_MAX);
    const size_t body = out->len;
    append_member(out, "{\"event\":", event);
    if (with_id && id.len != 0) {
        append_member(out, ",\"id\":", id);
    }
    const struct str members = {data.p + 1, data.len - 1}; /* with the brace at the end */
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
