/* SPDX-License-Identifier: Apache-2.0 */
/* How a client takes the coding off the body of a stream: an understanding of chunks and of gzip
 * that shares nothing with the gateway's. */
#ifndef TESTS_GATEWAY_STREAM_DECODE_H
#define TESTS_GATEWAY_STREAM_DECODE_H

#include "tests/unit.h"

#include <stdlib.h>
#define ZLIB_CONST /* its input is const */
#include <zlib.h>

#include "common/base/buf.h"
#include "gateway/stream/render/coding.h"

struct decoder {
    enum coding coding;
    struct buf raw; /* what is not understood yet */
    z_stream z;
    bool unpacking; /* `z` is in use */
    bool ended;     /* the chunk that ends a body came */
};

static inline void decoder_begin(struct decoder *decoder, enum coding coding)
{
    *decoder = (struct decoder){.coding = coding};
    if (coding == CODING_GZIP) {
        assert_int_equal(inflateInit2(&decoder->z, MAX_WBITS + 16), Z_OK);
        decoder->unpacking = true;
    }
}

static inline void decoder_finish(struct decoder *decoder)
{
    if (decoder->unpacking) {
        (void)inflateEnd(&decoder->z);
    }
    buf_free(&decoder->raw);
    *decoder = (struct decoder){0};
}

/* All that a chunk says has to come out of it at once. */
static inline void decoder_unpack(struct decoder *decoder, struct str chunk, struct buf *out)
{
    char bytes[4096];
    decoder->z.next_in = (const Bytef *)chunk.p;
    decoder->z.avail_in = (uInt)chunk.len;
    do {
        decoder->z.next_out = (Bytef *)bytes;
        decoder->z.avail_out = sizeof bytes;
        const int status = inflate(&decoder->z, Z_SYNC_FLUSH);
        assert_true(status == Z_OK || status == Z_BUF_ERROR);
        buf_append(out, bytes, sizeof bytes - decoder->z.avail_out);
    } while (decoder->z.avail_out == 0);
    assert_int_equal(decoder->z.avail_in, 0);
}

/* Takes one chunk off the raw bytes; false: none is there as a whole. */
static inline bool decoder_chunk(struct decoder *decoder, struct buf *out)
{
    const char *raw = buf_cstr(&decoder->raw);
    const char *line_end = strstr(raw, "\r\n");
    if (line_end == NULL) {
        return false;
    }
    char *digits_end;
    const size_t len = strtoul(raw, &digits_end, 16);
    assert_true(digits_end == line_end && digits_end != raw && raw[0] != '-');
    const size_t head = (size_t)(line_end - raw) + 2;
    if (decoder->raw.len < head + len + 2) {
        return false;
    }
    assert_false(decoder->ended);
    assert_memory_equal(raw + head + len, "\r\n", 2);
    decoder->ended = len == 0;
    if (decoder->coding == CODING_GZIP) {
        decoder_unpack(decoder, (struct str){raw + head, len}, out);
    } else {
        buf_append(out, raw + head, len);
    }
    memmove(decoder->raw.data, raw + head + len + 2, decoder->raw.len - head - len - 2);
    decoder->raw.len -= head + len + 2;
    return true;
}

/* Takes the bytes in, and appends what they are known to say. */
static inline void decode(struct decoder *decoder, struct str bytes, struct buf *out)
{
    if (decoder->coding == CODING_NONE) {
        buf_append_str(out, bytes);
        return;
    }
    buf_append_str(&decoder->raw, bytes);
    while (decoder_chunk(decoder, out)) {
    }
}

#endif
