/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/source/sources.h"

#include "common/lease/lease_file.h"
#include "common/lease/lease_postgres.h"
#include "common/state/state_file.h"
#include "common/state/state_postgres.h"
#include "ingestor/source/one_source.h"
#include "ingestor/source/several/source_several.h"

/* `ingestor.checkpoint: file:PATH`, which any source can have. */
static const struct source_stores files = {&state_file, &lease_file};

/* `ingestor.checkpoint: postgresql://…`, which any bus can have. */
static const struct source_stores database = {&state_postgres_apart, &lease_postgres};

const struct source_ops *sources_find(const struct config *config)
{
    return config_has_sources(config) ? &source_several : one_source_find(config);
}

const struct source_stores *sources_stores(const struct config *config)
{
    /* Several keep theirs where the first would. */
    const struct source_ops *source = one_source_find(config);
    if (source == NULL || config->ingestor.checkpoint == CHECKPOINT_NONE) {
        return NULL;
    }
    if (config->ingestor.checkpoint == CHECKPOINT_FILE) {
        return &files;
    }
    return config->ingestor.checkpoint_uri != NULL ? &database : &source->stores;
}
