/* SPDX-License-Identifier: Apache-2.0 */
#include "common/state/table.h"

#include "common/base/fnv.h"

uint64_t state_table(const struct config_source *source)
{
    uint64_t hash = FNV_BEGIN;
    if (source->table_schema != NULL) {
        hash = fnv1a(hash, str_of(source->table_schema));
    }
    hash = fnv1a(fnv1a(hash, STR(".")), str_of(source->table));
    hash = fnv1a(fnv1a(hash, STR(".")), str_of(source->columns[EVENT_ID].name));
    if (source->cursor != NULL) { /* another order is another past */
        hash = fnv1a(fnv1a(hash, STR(".")), str_of(source->cursor));
    }
    return hash;
}

uint64_t state_table_of(const struct config *config)
{
    return config_has_sources(config) ? fnv1a(FNV_BEGIN, STR("several"))
                                      : state_table(&config->source);
}
