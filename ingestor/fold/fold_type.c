/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/fold/fold_type.h"

const struct fold_type *fold_type_of(enum tile_type type)
{
    static const struct fold_type *const types[] = {
        [TILE_COUNT] = &fold_count,     [TILE_TREND] = &fold_trend, [TILE_SLA_RISK] = &fold_sla,
        [TILE_BACKLOG] = &fold_backlog, [TILE_GAUGE] = &fold_gauge,
    };
    return types[type];
}

bool concerns_match_or_metric(const struct tile_config *config, const struct candidate *candidate,
                              struct row *row, double *value)
{
    (void)candidate; /* there is one only if the type fits */
    *value = 0;
    if (config->metric != NULL) {
        return row_metric(row, config->metric, &config->labels, value);
    }
    return row_matches(row, &config->match, true) &&
           (config->value.kind == FIELD_NONE || row_number(row, &config->value, value));
}

void put_time(struct buf *out, int64_t us)
{
    char text[TIME_TEXT_SIZE];
    mp_put_text(out, wall_format((wall_time){us}, text));
}
