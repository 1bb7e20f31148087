/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing the state to PostgreSQL. Each statement that writes locks the row of the lease's number
 * and compares it, so that a holder that lost the lease without noticing cannot write, and whoever
 * takes it waits for what is being written.
 *
 * A save is one statement: a client that is stopped between two would keep the lock for as long.
 * Only one that would be large is several of one transaction, and then the server ends it when the
 * client says nothing for some seconds.
 */
#ifndef COMMON_STATE_POSTGRES_SAVE_H
#define COMMON_STATE_POSTGRES_SAVE_H

#include "common/state/state_store.h"

#define POSTGRES_STATE_VERSION 1

/* state_store_ops.append and save */
int postgres_append(struct state_store *store, uint64_t number, struct str record,
                    struct error *err);
int postgres_save(struct state_store *store, const struct state_changes *changes, uint64_t record,
                  struct error *err);

#endif
