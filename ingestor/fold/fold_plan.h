/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which tiles an event of a type may concern, worked out once for each type: so that a row costs
 * one look-up, and not a comparison with each tile.
 */
#ifndef INGESTOR_FOLD_FOLD_PLAN_H
#define INGESTOR_FOLD_FOLD_PLAN_H

#include <stddef.h>

#include <uthash.h>

#include "common/config/config.h"
#include "ingestor/fold/fold_type.h"

#define PLANS_MAX                                                                                  \
    4096 /* event types; when there are more, all are forgotten and worked out anew                \
          */

struct plan_entry {
    size_t tile; /* index into config's tiles */
    struct candidate candidate;
};

struct plan {
    struct plan_entry *entries; /* in the order of the configuration */
    size_t count;
    UT_hash_handle by_type;
    size_t type_len;
    char type[];
};

struct plans {
    const struct config *config;
    const bool *folded; /* for each tile of config: do we fold it? */
    struct plan *table;
};

void plans_init(struct plans *plans, const struct config *config, const bool *folded);
void plans_finish(struct plans *plans);

/* Valid until the next call. */
const struct plan *plan_for(struct plans *plans, struct str event_type);

#endif
