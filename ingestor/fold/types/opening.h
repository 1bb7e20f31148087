/* SPDX-License-Identifier: Apache-2.0 */
/* `examine` and `concerns` of the tile types whose items are opened by some rows and closed by
 * others: duration and sla_risk. */
#ifndef INGESTOR_FOLD_TYPES_OPENING_H
#define INGESTOR_FOLD_TYPES_OPENING_H

#include "ingestor/fold/types/type.h"

/* What an event type may mean: bits of `meaning`, to which a type may add others. */
enum opening_meaning { OPENING_OPENS = 1, OPENING_CLOSES = 2 };

/* *meaning is whether rows of that event type may open an item, close it, or both. */
bool opening_examine(const struct tile_config *config, const char *metric_event,
                     struct str event_type, int *meaning);

/* *says is 1 when the row closes its item, and 0 when it opens it; a row that says both closes
 * it. */
bool opening_concerns(const struct tile_config *config, int meaning, struct row *row,
                      struct number *says);

#endif
