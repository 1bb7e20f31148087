/* SPDX-License-Identifier: Apache-2.0 */
/* The state in PostgreSQL, where a standby on another machine finds it. */
#ifndef COMMON_STATE_STATE_POSTGRES_H
#define COMMON_STATE_STATE_POSTGRES_H

#include "common/state/state_store.h"

extern const struct state_store_ops state_postgres;

#endif
