/* SPDX-License-Identifier: Apache-2.0 */
/* A tile of type ratio: how many events match, as a percentage of how many others do. */
#include "common/config/match.h"
#include "common/config/types/tile_rules.h"

static int check(const struct tile_reading *t)
{
    static const char *const written[] = {"unit", "format"};
    for (size_t i = 0; i < COUNT_OF(written); i++) {
        const struct yaml_node *value = tile_rules_given(t, written[i]);
        if (value != NULL) {
            return config_fail(t->r, value->key, written[i],
                               "a ratio is in percent, and written so: leave it out");
        }
    }
    return STATUS_OK;
}

static const struct config_key rows[] = {
    {CONFIG_MEMBER("match", config_read_match, struct tile_config, match), .range = "conditions",
     .needed = "match: {event_type: request.failed}", .help = "The events that are the part."},
    {CONFIG_MEMBER("of", config_read_match, struct tile_config, of), .range = "conditions",
     .default_words = "every event", .help = "The events of which they are a part."},
    {CONFIG_MEASURED("window", tile_rules_read_window, struct tile_config, window_ms, CONFIG_MS, 1,
                     TILE_WINDOW_MAX),
     .choices = tile_rules_windows,
     .help = "Only events of this length of time, or of this period, go in, up to now."},
};

static const char *const figures[] = {"value", "part", "whole", NULL};

const struct tile_rules tile_rules_ratio = {
    .name = "ratio",
    .figures = figures,
    .table = CONFIG_TABLE(rows),
    .check = check,
};
