/* SPDX-License-Identifier: Apache-2.0 */
/* Server-sent events as a transport: a client says nothing, and is only told messages. */
#ifndef GATEWAY_STREAM_SSE_H
#define GATEWAY_STREAM_SSE_H

#include "gateway/stream/transport.h"

extern const struct transport sse_transport;

#endif
