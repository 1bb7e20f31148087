/* SPDX-License-Identifier: Apache-2.0 */
/* The gateway's ports, and the files that it checks clients with. */
#ifndef CTL_CONNECT_GATEWAY_H
#define CTL_CONNECT_GATEWAY_H

#include "common/config/config.h"
#include "ctl/connect/findings.h"

void connect_try_gateway(const struct config *config, struct findings *out);

#endif
