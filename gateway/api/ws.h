/* SPDX-License-Identifier: Apache-2.0 */
/* Answers /api/ws with the handshake of RFC 6455; gateway/ws speaks afterwards. */
#ifndef GATEWAY_API_WS_H
#define GATEWAY_API_WS_H

#include "common/base/buf.h"
#include "common/base/str.h"
#include "gateway/http/request.h"

enum MHD_Result api_ws_open(struct request *request);

/* True when a Sec-WebSocket-Key is 16 bytes in base64. */
bool api_ws_key_valid(struct str key);

/* Appends the value of Sec-WebSocket-Accept for a key (RFC 6455, 4.2.2). */
void api_ws_append_accept(struct buf *out, struct str key);

#endif
