/* SPDX-License-Identifier: Apache-2.0 */
/* Reading the state from PostgreSQL. */
#ifndef COMMON_STATE_POSTGRES_LOAD_H
#define COMMON_STATE_POSTGRES_LOAD_H

#include "common/state/state_store.h"

/* state_store_ops.load and journal */
int postgres_load(struct state_store *store, struct state_changes *out, struct error *err);
int postgres_journal(struct state_store *store, struct state_changes *out, struct error *err);

#endif
