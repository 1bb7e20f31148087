/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/stream/render/coding.h"

#include <string.h>

#define HEAD_MAX 18 /* of a chunk: 16 digits, and what ends their line */

/* Writes the head of a chunk of len bytes so that it ends at `end`, and returns where it begins. */
static char *write_head(char *end, size_t len)
{
    char *p = end;
    *--p = '\n';
    *--p = '\r';
    do {
        *--p = "0123456789abcdef"[len & 15];
        len >>= 4;
    } while (len != 0);
    return p;
}

size_t coding_begin_chunk(struct buf *out)
{
    const size_t begun = out->len;
    (void)buf_reserve(out, HEAD_MAX);
    out->len += HEAD_MAX;
    return begun;
}

size_t coding_end_chunk(struct buf *out, size_t begun)
{
    char *const content = out->data + begun + HEAD_MAX;
    const char *const head = write_head(content, out->len - begun - HEAD_MAX);
    const size_t head_at = (size_t)(head - out->data);
    buf_append_str(out, STR("\r\n"));
    return head_at;
}

static void append_chunk(struct buf *out, struct str bytes)
{
    char head[HEAD_MAX];
    const char *begin = write_head(head + HEAD_MAX, bytes.len);
    buf_append(out, begin, (size_t)(head + HEAD_MAX - begin));
    buf_append_str(out, bytes);
    buf_append_str(out, STR("\r\n"));
}

/* A block is made in place, and moved to where the room for its head is left over. */
static void append_block(struct buf *out, struct str bytes, struct deflater *deflater)
{
    const size_t begun = coding_begin_chunk(out);
    deflate_append(deflater, bytes, out);
    const size_t head_at = coding_end_chunk(out, begun);
    memmove(out->data + begun, out->data + head_at, out->len - head_at);
    out->len -= head_at - begun;
}

void coding_append_begin(struct buf *out, enum coding coding)
{
    if (coding == CODING_GZIP) {
        append_chunk(out, DEFLATE_HEAD);
    }
}

void coding_append(struct buf *out, enum coding coding, struct str bytes, struct deflater *deflater)
{
    if (coding == CODING_GZIP) {
        append_block(out, bytes, deflater);
    } else if (coding == CODING_CHUNKED) {
        append_chunk(out, bytes);
    } else {
        buf_append_str(out, bytes);
    }
}

void coding_append_end(struct buf *out, enum coding coding)
{
    if (coding != CODING_NONE) {
        buf_append_str(out, STR("0\r\n\r\n"));
    }
}
