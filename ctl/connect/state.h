/* SPDX-License-Identifier: Apache-2.0 */
/* The state that the ingestor would go on from, and who holds the lease on it. */
#ifndef CTL_CONNECT_STATE_H
#define CTL_CONNECT_STATE_H

#include "common/config/config.h"
#include "ctl/connect/findings.h"

void connect_try_state(const struct config *config, struct findings *out);

#endif
