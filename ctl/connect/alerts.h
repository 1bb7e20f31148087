/* SPDX-License-Identifier: Apache-2.0 */
/* Tries who is told of tiles in trouble: their secrets, their programs, and whether they are
 * reached. Nobody is told anything. */
#ifndef CTL_CONNECT_ALERTS_H
#define CTL_CONNECT_ALERTS_H

#include "common/config/config.h"
#include "ctl/connect/findings.h"

void connect_try_alerts(const struct config *config, struct findings *out);

#endif
