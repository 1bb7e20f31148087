/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compressing, as gzip (RFC 1952) has it: whole answers, and streams without an end. Just this file
 * knows zlib.
 *
 * A stream begins with DEFLATE_HEAD and goes on with blocks (RFC 1951) that end at a byte and refer
 * to nothing before them ("full flush" in zlib's words). So a block can be made once and follow any
 * other one, and a decompressor gives out all that it says as soon as it is there. What ends a gzip
 * file, a checksum of all that was said, would be a state of each stream: such a stream ends
 * without it.
 */
#ifndef GATEWAY_BASE_DEFLATE_H
#define GATEWAY_BASE_DEFLATE_H

#include "common/base/blob.h"
#include "common/base/buf.h"
#include "common/base/str.h"

/* The bytes (less than 2 GiB) as gzip, with one reference, which is the caller's. Takes some 5 ms
 * for each MB. */
struct blob *deflate_gzip(struct str bytes);

/* What a stream of blocks begins with. */
#define DEFLATE_HEAD STR("\x1f\x8b\x08\0\0\0\0\0\0\xff")

/* What makes blocks: some 200 KB of memory, which it has from the first block on. One thread. */
struct deflater;

struct deflater *deflate_create(void);
void deflate_destroy(struct deflater **deflater);

/* Appends the bytes (less than 2 GiB) as a block. Takes some 10 µs for each KB. */
void deflate_append(struct deflater *deflater, struct str bytes, struct buf *out);

#endif
