/* SPDX-License-Identifier: Apache-2.0 */
/* A tile of type percentile: what most of the values of events are below. */
#include "common/config/match.h"
#include "common/config/types/tile_rules.h"

static int check(const struct tile_reading *t)
{
    const int status =
        tile_rules_exclude(t, "value", "metric", "the metric's value is what counts");
    if (status != STATUS_OK || t->tile->metric != NULL) {
        return status;
    }
    return tile_rules_need(t, "value", "value: payload.ms (or metric: queue.depth)");
}

static const struct config_key rows[] = {
    {CONFIG_MEMBER("match", config_read_match, struct tile_config, match), .range = "conditions",
     .default_words = "every event", .help = "The events that go in."},
    {CONFIG_MEMBER("value", config_read_field, struct tile_config, value), .range = "a field",
     .help = "The field that holds the number."},
    {CONFIG_TEXT("metric", struct tile_config, metric, TILE_METRIC_MAX),
     .help = "Instead of `match` and `value`: the values of the metric of that name go in."},
    {CONFIG_MEMBER("labels", config_read_labels, struct tile_config, labels), .range = "conditions",
     .default_words = "all", .help = "Only with `metric`: a map from labels to values."},
    {CONFIG_MEASURED("window", tile_rules_read_window, struct tile_config, window_ms, CONFIG_MS, 1,
                     TILE_WINDOW_MAX),
     .choices = tile_rules_windows,
     .help = "Only events of this length of time, or of this period, go in, up to now."},
};

static const char *const figures[] = {"p95", "p50", "p90", "p99", "count", NULL};

const struct tile_rules tile_rules_percentile = {
    .name = "percentile",
    .figures = figures,
    .table = CONFIG_TABLE(rows),
    .check = check,
};
