/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/fold/types/opening.h"

#include "ingestor/fold/match.h"

bool opening_examine(const struct tile_config *config, const char *metric_event,
                     struct str event_type, int *meaning)
{
    (void)metric_event;
    *meaning = (match_admits_type(&config->opens, event_type) ? OPENING_OPENS : 0) |
               (match_admits_type(&config->closes, event_type) ? OPENING_CLOSES : 0);
    return *meaning != 0;
}

bool opening_concerns(const struct tile_config *config, int meaning, struct row *row,
                      struct number *says)
{
    char scratch[ROW_SCRATCH];
    struct str id;
    const bool closes = (meaning & OPENING_CLOSES) != 0 && row_matches(row, &config->closes, true);
    *says = number_of_real(closes ? 1 : 0);
    return (closes || ((meaning & OPENING_OPENS) != 0 && row_matches(row, &config->opens, true))) &&
           row_text(row, &config->item, scratch, &id);
}
