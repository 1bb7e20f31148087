/* SPDX-License-Identifier: Apache-2.0 */
/* What the replica's changes set off: renderings, streams, lists, and requests that wait. */
#ifndef GATEWAY_CHANGES_H
#define GATEWAY_CHANGES_H

#include "common/store/store.h"
#include "gateway/gateway_state.h"

/* For store_create. */
struct store_listener changes_listener(struct gateway *gateway);

#endif
