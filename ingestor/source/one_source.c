/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/source/one_source.h"

#include "ingestor/source/list.h"

#define OPS_OF(value, name) [value] = &source_##name,
static const struct source_ops *const sources[SOURCE_KINDS] = {SOURCE_BUILT_LIST(OPS_OF)};

static const struct source_ops *const by_cursor[SOURCE_KINDS] = {
    [SOURCE_SQLITE] = &source_sqlite_cursor,
    [SOURCE_POSTGRESQL] = &source_postgres_cursor,
};

const struct source_ops *one_source_find(const struct config *config)
{
    const size_t kind = (size_t)config->source.kind;
    if (!config->has_source || kind >= SOURCE_KINDS) {
        return NULL;
    }
    return config->source.cursor != NULL ? by_cursor[kind] : sources[kind];
}
