/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/source/sources.h"

#include "common/lease/lease_file.h"
#include "common/lease/lease_postgres.h"
#include "common/state/state_file.h"
#include "common/state/state_postgres.h"
#include "ingestor/source/list.h"

#define OPS_OF(value, name) [value] = &source_##name,
static const struct source_ops *const sources[SOURCE_KINDS] = {SOURCE_BUILT_LIST(OPS_OF)};

static const struct source_ops *const by_cursor[SOURCE_KINDS] = {
    [SOURCE_SQLITE] = &source_sqlite_cursor,
    [SOURCE_POSTGRESQL] = &source_postgres_cursor,
};

/* `ingestor.checkpoint: file:PATH`, which any source can have. */
static const struct source_stores files = {&state_file, &lease_file};

/* `ingestor.checkpoint: postgresql://…`, which any bus can have. */
static const struct source_stores database = {&state_postgres_apart, &lease_postgres};

const struct source_ops *sources_find(const struct config *config)
{
    const size_t kind = (size_t)config->source.kind;
    if (!config->has_source || kind >= SOURCE_KINDS) {
        return NULL;
    }
    return config->source.cursor != NULL ? by_cursor[kind] : sources[kind];
}

const struct source_stores *sources_stores(const struct config *config)
{
    const struct source_ops *source = sources_find(config);
    if (source == NULL || config->ingestor.checkpoint == CHECKPOINT_NONE) {
        return NULL;
    }
    if (config->ingestor.checkpoint == CHECKPOINT_FILE) {
        return &files;
    }
    return config->ingestor.checkpoint_uri != NULL ? &database : &source->stores;
}
