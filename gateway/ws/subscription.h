/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a WebSocket's client subscribes to:
 *
 *   attach ─► idle channel ── subscribe ──► catch-up ──► live in a channel of its own selection
 *                  ▲                                       │ subscribe: catch-up, over what is new
 *                  └──────────── unsubscribe all ──────────┘
 */
#ifndef GATEWAY_WS_SUBSCRIPTION_H
#define GATEWAY_WS_SUBSCRIPTION_H

#include <stdbool.h>

#include "gateway/ws/control.h"
#include "gateway/ws/request.h"

/* Does what the client asks for: first it unsubscribes, then it subscribes. A request that cannot
 * be fulfilled closes the stream. Leaves the request to the caller, who frees it. */
void ws_subscription_change(struct ws_turn *turn, struct ws_request *request);

/* Refuses a request with that sentence. */
void ws_subscription_refuse(struct ws_turn *turn, const char *reason);

/* True when the stream waits for the event that its client wants to go on after. */
bool ws_subscription_waits(const struct stream *stream);

/* Called about every second for a stream that waits: subscribes when the event has come, or when it
 * has waited for long enough. False: it still waits. */
bool ws_subscription_sweep(struct ws_turn *turn);

#endif
