/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/oracle/types.h"

#include <assert.h>
#include <stdbool.h>

#include "ctl/oracle/match.h"

#define TYPE_OF(value, number, name)                                                               \
    case value:                                                                                    \
        return &oracle_##name;

const struct oracle_type *oracle_type_of(enum tile_type type)
{
    switch (type) {
        TILE_TYPE_LIST(TYPE_OF)
    }
    assert(false && "the configuration knows no other type");
    return NULL;
}

bool oracle_concerns(const struct oracle_rows *rows, size_t row, const struct tile_config *tile)
{
    if (tile->source != NULL && tile->source->number != oracle_row_source(rows, row)) {
        return false;
    }
    return tile->metric != NULL ? oracle_is_metric(rows, row, tile)
                                : oracle_type_of(tile->type)->concerns(rows, row, tile);
}
