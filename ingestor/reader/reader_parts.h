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
    const struct config *config;
    const struct source_ops *source;
    const struct state_store_ops *state;
    const struct lease_store_ops *lease_store;
    struct lease *lease;
    struct reader_lag *lag; /* set by reader_create */
};

#endif
