/* SPDX-License-Identifier: Apache-2.0 */
/* A tile of type gauge: the latest value of a metric. */
#include "common/config/match.h"
#include "common/config/types/tile_rules.h"

static const struct config_key rows[] = {
    {CONFIG_TEXT("metric", struct tile_config, metric, TILE_METRIC_MAX),
     .needed = "metric: queue.depth", .help = "The metric's name."},
    {CONFIG_MEMBER("labels", config_read_labels, struct tile_config, labels), .range = "conditions",
     .default_words = "all", .help = "A map from labels to values."},
};

const struct tile_rules tile_rules_gauge = {
    .name = "gauge",
    .table = CONFIG_TABLE(rows),
};
