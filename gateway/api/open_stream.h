/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Turns a request into a stream: asks if there is room, takes the connection away from
 * libmicrohttpd, and hands it to the stream engine, which writes the head of the answer first.
 */
#ifndef GATEWAY_API_OPEN_STREAM_H
#define GATEWAY_API_OPEN_STREAM_H

#include "common/base/buf.h"
#include "gateway/http/request.h"
#include "gateway/stream/streams.h"

/* Takes the selection of the stream over, and fills in its address and view. put_head: appends the
 * head of the answer; called only when the stream is admitted. Returns what the handler returns. */
enum MHD_Result open_stream(struct request *request, struct stream_request *stream,
                            void (*put_head)(const struct request *request,
                                             const struct stream_request *stream, struct buf *out));

/* The same with the head of server-sent events. */
enum MHD_Result open_stream_sse(struct request *request, struct stream_request *stream);

#endif
