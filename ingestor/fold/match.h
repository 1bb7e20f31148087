/* SPDX-License-Identifier: Apache-2.0 */
/* What a condition of the configuration admits, told without a row: by the value of its field, and
 * by the type of an event alone. */
#ifndef INGESTOR_FOLD_MATCH_H
#define INGESTOR_FOLD_MATCH_H

#include <stdbool.h>

#include "common/base/str.h"
#include "common/codec/json.h"
#include "common/config/tiles.h"

/* True when the text fits the pattern. A pattern for numbers or booleans fits no text. */
bool match_fits_text(const struct tile_pattern *pattern, struct str text);

/* True when the condition, which is no TILE_TEST_ANY, holds for a column of that text; STR_NULL
 * when there is none. */
bool match_holds_text(const struct tile_condition *condition, struct str text);

/* The same for a member of the payload; NULL when there is none. */
bool match_holds_json(const struct tile_condition *condition, const struct json_value *value);

/* True when all conditions on event_type hold for that type, so that an event of it could match. Of
 * those of an any only one has to. */
bool match_admits_type(const struct tile_match *match, struct str event_type);

#endif
