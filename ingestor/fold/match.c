/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/fold/match.h"

bool match_fits_text(const struct tile_pattern *pattern, struct str text)
{
    switch (pattern->kind) {
    case TILE_PATTERN_TEXT:
        return str_equal(pattern->text, text);
    case TILE_PATTERN_GLOB:
        return str_glob(pattern->text, text);
    case TILE_PATTERN_NUMBER:
    case TILE_PATTERN_BOOL:
        break;
    }
    return false;
}

bool match_admits_type(const struct tile_match *match, struct str event_type)
{
    for (size_t i = 0; i < match->count; i++) {
        const struct tile_condition *condition = &match->all[i];
        bool fits = condition->field.kind != TILE_FIELD_EVENT_TYPE;
        for (size_t k = 0; k < condition->any_count && !fits; k++) {
            fits = match_fits_text(&condition->any[k], event_type);
        }
        if (!fits) {
            return false;
        }
    }
    return true;
}
