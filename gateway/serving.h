/* SPDX-License-Identifier: Apache-2.0 */
/* Where and from when on a gateway serves browsers. */
#ifndef GATEWAY_SERVING_H
#define GATEWAY_SERVING_H

#include "gateway/gateway_state.h"

/* Fills gateway->listen: --listen; or the address of gateway.listen with the port of --port, so
 * that one file does for many gateways; or gateway.listen. STATUS_INVALID, with a message, when
 * that is no address, or one where everybody on other machines would be let in. */
int serving_find_address(struct gateway *gateway, struct error *err);

/* True when it is time to begin. Clients that come back with a cursor or an id can only be told
 * what they missed when this gateway is in sync, so it waits for that, but not for long. */
bool serving_is_due(const struct gateway *gateway);

/* Accepts connections from now on. The log has why, when it fails. */
int serving_begin(struct gateway *gateway);

/* Says once that what is served is in sync: whoever replaces a gateway waits for that line. */
void serving_announce(struct gateway *gateway);

#endif
