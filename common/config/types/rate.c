/* SPDX-License-Identifier: Apache-2.0 */
/* A tile of type rate: events in a second, a minute or an hour, or the growth of counters. */
#include "common/config/match.h"
#include "common/config/types/tile_rules.h"

static const char *const units[] = {
    [TILE_PER_SECOND] = "second", [TILE_PER_MINUTE] = "minute", [TILE_PER_HOUR] = "hour", NULL};

const char *tile_per_name(enum tile_per per)
{
    return units[per];
}

static int check(const struct tile_reading *t)
{
    const struct tile_config *tile = t->tile;
    const int status =
        tile_rules_exclude(t, "value", "metric", "the metric's value is what counts");
    if (status == STATUS_OK && tile->item.kind != TILE_FIELD_NONE && tile->metric == NULL &&
        tile->value.kind == TILE_FIELD_NONE) {
        return config_fail(t->r, tile_rules_given(t, "item"), "item",
                           "it tells counters apart, and events are counted here: leave it out, "
                           "or name the counter's value or metric");
    }
    return status;
}

static const struct config_key rows[] = {
    {CONFIG_DURATION("window", struct tile_config, window_ms, 1, TILE_WINDOW_MAX),
     .needed = "window: 5m", .help = "The length of time, up to now, that the rate is that of."},
    {CONFIG_CHOICE("per", struct tile_config, per), .choices = units, .default_value = "second",
     .help = "Of how much time the events or the growth are shown."},
    {CONFIG_MEMBER("match", config_read_match, struct tile_config, match), .range = "conditions",
     .default_words = "every event",
     .help = "The events that are counted, or that say what a counter is."},
    {CONFIG_MEMBER("value", config_read_field, struct tile_config, value), .range = "a field",
     .help = "The field that holds what a counter is: its growth is shown, not the events."},
    {CONFIG_TEXT("metric", struct tile_config, metric, TILE_METRIC_MAX),
     .help = "Instead of `match` and `value`: the metric of that name is a counter."},
    {CONFIG_MEMBER("labels", config_read_labels, struct tile_config, labels), .range = "conditions",
     .default_words = "all", .help = "Only with `metric`: a map from labels to values."},
    {CONFIG_MEMBER("item", config_read_field, struct tile_config, item), .range = "a field",
     .default_words = "one counter",
     .help = "Only with `value` or `metric`: the field that tells counters apart."},
};

const struct tile_rules tile_rules_rate = {
    .name = "rate",
    .table = CONFIG_TABLE(rows),
    .check = check,
};
