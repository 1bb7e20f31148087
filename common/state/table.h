/* SPDX-License-Identifier: Apache-2.0 */
/* Which table a state is of. Pure. */
#ifndef COMMON_STATE_TABLE_H
#define COMMON_STATE_TABLE_H

#include <stdint.h>

#include "common/config/config.h"

/* A digest of which table a source reads, and by which columns: what a place in it means nothing
 * without. It is stored. */
uint64_t state_table(const struct config_source *source);

/* The same of all that a deployment reads: a fixed number with `sources`, whose state says itself
 * which table each place in it is of. */
uint64_t state_table_of(const struct config *config);

#endif
