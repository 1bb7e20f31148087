/* SPDX-License-Identifier: Apache-2.0 */
/* What a reader works with. All of it is borrowed, and outlives the reader. */
#ifndef INGESTOR_READER_READER_PARTS_H
#define INGESTOR_READER_READER_PARTS_H

#include "common/config/config.h"
#include "common/lease/lease.h"
#include "common/state/state_store.h"
#include "ingestor/reader/reader_lag.h"
#include "ingestor/source/source.h"

struct reader_parts {
    const struct config *config;               /* borrowed */
    const struct source_ops *source;           /* how the source is read */
    const struct state_store_ops *state;       /* how the state is stored */
    const struct lease_store_ops *lease_store; /* where the lease lies */
    struct lease *lease;                       /* the right to publish; borrowed */
    struct reader_lag *lag;                    /* set by reader_create */
};

#endif
