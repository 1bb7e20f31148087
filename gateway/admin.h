/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The listener for operators: /metrics, /healthz and /readyz at an address of its own
 * (gateway.admin_listen, --admin-listen). It listens from the start on, in sync or not, until the
 * gateway ends; and no other gateway may listen there, or figures would be those of either.
 */
#ifndef GATEWAY_ADMIN_H
#define GATEWAY_ADMIN_H

#include "common/base/error.h"
#include "gateway/gateway_state.h"

/* Listens there. Does nothing without an address. STATUS_IO when the address cannot be had. */
int admin_create(struct gateway *gateway, struct error *err);

/* The same calls as for the other listener; they do nothing without an address. */
void admin_run(struct gateway *gateway);
void admin_sweep(struct gateway *gateway);
int admin_wait_ms(const struct gateway *gateway, int max_ms);

#endif
