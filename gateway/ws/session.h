/* SPDX-License-Identifier: Apache-2.0 */
/*
 * WebSockets as a transport: a client subscribes over the connection (subscription.h), sends pings
 * and answers them (control.h), and may close. All else a WebSocket shares with SSE: channels,
 * logs, catch-ups.
 *
 *   session ─► subscription ─► control ─► side ─► input ─► frame
 *                                           └───► request
 */
#ifndef GATEWAY_WS_SESSION_H
#define GATEWAY_WS_SESSION_H

#include "gateway/stream/transport.h"

extern const struct transport ws_transport;

#endif
