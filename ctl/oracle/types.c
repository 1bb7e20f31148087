/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/oracle/types.h"

#include <assert.h>
#include <stdbool.h>

#include "ctl/oracle/match.h"

/* One line a type. -Wswitch-enum makes a type without its line an error. */
const struct oracle_type *oracle_type_of(enum tile_type type)
{
    switch (type) {
    case TILE_COUNT:
        return &oracle_count;
    case TILE_TREND:
        return &oracle_trend;
    case TILE_SLA_RISK:
        return &oracle_sla_risk;
    case TILE_BACKLOG:
        return &oracle_backlog;
    case TILE_GAUGE:
        return &oracle_gauge;
    }
    assert(false && "the configuration knows no other type");
    return NULL;
}

bool oracle_concerns(const struct oracle_rows *rows, size_t row, const struct tile_config *tile)
{
    return tile->metric != NULL ? oracle_is_metric(rows, row, tile)
                                : oracle_type_of(tile->type)->concerns(rows, row, tile);
}
