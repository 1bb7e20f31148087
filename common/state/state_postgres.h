/* SPDX-License-Identifier: Apache-2.0 */
/* The state in PostgreSQL, where a standby on another machine finds it. */
#ifndef COMMON_STATE_STATE_POSTGRES_H
#define COMMON_STATE_STATE_POSTGRES_H

#include "common/state/state_store.h"

extern const struct state_store_ops state_postgres;

/* The same in a database of its own, `ingestor.checkpoint: postgresql://…`, which the rows of the
 * source are not in. When that database may have gone back to an older past, journal() says that
 * records are missing. */
extern const struct state_store_ops state_postgres_apart;

#endif
