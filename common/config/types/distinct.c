/* SPDX-License-Identifier: Apache-2.0 */
/* A tile of type distinct: how many different values a field has. */
#include "common/config/match.h"
#include "common/config/types/tile_rules.h"

static const struct config_key rows[] = {
    {CONFIG_MEMBER("item", config_read_field, struct tile_config, item), .range = "a field",
     .needed = "item: actor_id", .help = "The field whose different values count."},
    {CONFIG_MEMBER("match", config_read_match, struct tile_config, match), .range = "conditions",
     .default_words = "every event", .help = "The events that are looked at."},
    {CONFIG_MEASURED("window", tile_rules_read_window, struct tile_config, window_ms, CONFIG_MS, 1,
                     TILE_WINDOW_MAX),
     .choices = tile_rules_windows,
     .help = "Only events of this length of time, or of this period, are looked at, up to now."},
};

const struct tile_rules tile_rules_distinct = {
    .name = "distinct",
    .table = CONFIG_TABLE(rows),
};
