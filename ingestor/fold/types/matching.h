/* SPDX-License-Identifier: Apache-2.0 */
/* `examine` and `concerns` of the tile types that a `match` or a `metric` feeds: count, gauge,
 * number, percentile and trend. */
#ifndef INGESTOR_FOLD_TYPES_MATCHING_H
#define INGESTOR_FOLD_TYPES_MATCHING_H

#include "ingestor/fold/types/type.h"

/* The event type means nothing more to these tiles than that it fits: *meaning is 0. */
bool matching_examine(const struct tile_config *config, const char *metric_event,
                      struct str event_type, int *meaning);

/* *value is what was measured for a tile with a metric; else the configured field's number, or 0
 * when no field is configured. */
bool matching_concerns(const struct tile_config *config, int meaning, struct row *row,
                       struct number *value);

#endif
