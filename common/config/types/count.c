/* SPDX-License-Identifier: Apache-2.0 */
/* A tile of type count: a number of events, or a metric's latest value. */
#include "common/config/match.h"
#include "common/config/types/tile_rules.h"

static int check(const struct tile_reading *t)
{
    return tile_rules_exclude(t, "window", "metric", "the tile shows the metric's latest value");
}

static const struct config_key rows[] = {
    {CONFIG_MEMBER("match", config_read_match, struct tile_config, match), .range = "conditions",
     .default_words = "every event", .help = "The events that count."},
    {CONFIG_TEXT("metric", struct tile_config, metric, TILE_METRIC_MAX),
     .help = "Instead of `match` and `window`: the tile shows the latest value of the metric of "
             "that name."},
    {CONFIG_MEMBER("labels", config_read_labels, struct tile_config, labels), .range = "conditions",
     .default_words = "all", .help = "Only with `metric`: a map from labels to values."},
    {CONFIG_MEASURED("window", tile_rules_read_window, struct tile_config, window_ms, CONFIG_MS, 1,
                     TILE_WINDOW_MAX),
     .choices = tile_rules_windows,
     .help = "The tile counts only events of this length of time, or of this period, up to now."},
};

const struct tile_rules tile_rules_count = {
    .name = "count",
    .table = CONFIG_TABLE(rows),
    .check = check,
};
