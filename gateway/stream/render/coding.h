/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the bytes of a stream of Server-Sent Events are wrapped into, as its client can read them
 * (RFC 9112, 7.1; RFC 9110, 8.4). What ends them tells the client that nothing was cut off.
 *
 *   CODING_NONE      id: 7-1\nevent: tile\ndata: {…}\n\n              HTTP/1.0; ends with its
 * connection CODING_CHUNKED   1f\r\n id: 7-1\nevent: … \n\n \r\n               each message is a
 * chunk CODING_GZIP      14\r\n a block that refers to nothing \r\n       the same, compressed
 *
 * A chunk holds whole messages and is the same for all who get it, so its head costs nothing per
 * delivery.
 */
#ifndef GATEWAY_STREAM_RENDER_CODING_H
#define GATEWAY_STREAM_RENDER_CODING_H

#include "common/base/buf.h"
#include "common/base/str.h"
#include "gateway/base/deflate.h"

enum coding { CODING_NONE, CODING_CHUNKED, CODING_GZIP };
#define CODINGS 3

/* Begins a chunk whose length is not known yet: keeps room for its head, and returns where. */
size_t coding_begin_chunk(struct buf *out);

/* Ends the chunk that began there, and returns where its head begins: the bytes between are of no
 * use. It is not empty, for that chunk ends a body. */
size_t coding_end_chunk(struct buf *out, size_t begun);

/* Appends what the body begins with, before its first bytes. */
void coding_append_begin(struct buf *out, enum coding coding);

/* Appends the bytes, which are not none. deflater: used for CODING_GZIP only. */
void coding_append(struct buf *out, enum coding coding, struct str bytes,
                   struct deflater *deflater);

/* Appends what ends the body. */
void coding_append_end(struct buf *out, enum coding coding);

#endif
