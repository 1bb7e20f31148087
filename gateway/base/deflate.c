/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/base/deflate.h"

#include <assert.h>
#include <stdlib.h>

#define ZLIB_CONST /* its input is const */
#include <zlib.h>

#include "common/base/xalloc.h"

/* Of a block: what more effort saves is little, for most blocks are short. The table of what was
 * seen before is small, because it is cleared for each block. */
#define BLOCK_LEVEL 3
#define BLOCK_MEM_LEVEL 6
#define FLUSH_BYTES 16 /* more than what a flush adds to what deflateBound reckons with */

struct deflater {
    z_stream z;
    bool begun; /* `z` has its memory */
};

static void *z_alloc(void *arg, unsigned count, unsigned size)
{
    (void)arg;
    return x_calloc(count, size);
}

static void z_free(void *arg, void *memory)
{
    (void)arg;
    free(memory);
}

/* Compresses all of the bytes and appends what becomes of them; `flush` is zlib's word for how it
 * ends. */
static void append(z_stream *z, struct str bytes, int flush, struct buf *out)
{
    const uLong room = deflateBound(z, (uLong)bytes.len) + FLUSH_BYTES;
    z->next_in = (const Bytef *)bytes.p;
    z->avail_in = (uInt)bytes.len;
    z->next_out = (Bytef *)buf_reserve(out, room);
    z->avail_out = (uInt)room;
    const int status = deflate(z, flush);
    assert(status == (flush == Z_FINISH ? Z_STREAM_END : Z_OK) && z->avail_out != 0);
    (void)status;
    out->len += room - z->avail_out;
}

struct blob *deflate_gzip(struct str bytes)
{
    z_stream z = {.zalloc = z_alloc, .zfree = z_free};
    struct buf out = {0};
    /* Speed comes first, for the next change makes it anew. +16 asks for the header of gzip. */
    const int status = deflateInit2(&z, Z_BEST_SPEED, Z_DEFLATED, MAX_WBITS + 16, MAX_MEM_LEVEL,
                                    Z_DEFAULT_STRATEGY);
    assert(status == Z_OK);
    (void)status;
    append(&z, bytes, Z_FINISH, &out);
    struct blob *blob = blob_new(buf_str(&out));
    (void)deflateEnd(&z);
    buf_free(&out);
    return blob;
}

struct deflater *deflate_create(void)
{
    return x_calloc(1, sizeof(struct deflater));
}

void deflate_destroy(struct deflater **deflater)
{
    if (*deflater != NULL && (*deflater)->begun) {
        (void)deflateEnd(&(*deflater)->z);
    }
    free(*deflater);
    *deflater = NULL;
}

void deflate_append(struct deflater *deflater, struct str bytes, struct buf *out)
{
    z_stream *z = &deflater->z;
    z->zalloc = z_alloc;
    z->zfree = z_free;
    /* A negative size of the window asks for blocks and nothing around them. */
    const int status = deflater->begun ? deflateReset(z)
                                       : deflateInit2(z, BLOCK_LEVEL, Z_DEFLATED, -MAX_WBITS,
                                                      BLOCK_MEM_LEVEL, Z_DEFAULT_STRATEGY);
    assert(status == Z_OK);
    (void)status;
    deflater->begun = true;
    append(z, bytes, Z_FULL_FLUSH, out);
}
