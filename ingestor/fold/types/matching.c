/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/fold/types/matching.h"

#include "ingestor/fold/match.h"

bool matching_examine(const struct tile_config *config, const char *metric_event,
                      struct str event_type, int *meaning)
{
    *meaning = 0;
    return config->metric != NULL ? str_is(event_type, metric_event)
                                  : match_admits_type(&config->match, event_type);
}

bool matching_concerns(const struct tile_config *config, int meaning, struct row *row,
                       struct number *value)
{
    (void)meaning;
    *value = number_of_real(0);
    if (config->metric != NULL) {
        return row_metric(row, config->metric, &config->labels, value);
    }
    return row_matches(row, &config->match, true) &&
           (config->value.kind == TILE_FIELD_NONE || row_number(row, &config->value, value));
}
