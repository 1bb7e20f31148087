/* SPDX-License-Identifier: Apache-2.0 */
/* A tile of type heatmap: an aggregate of the events of each hour of the days of the week. */
#include "common/config/match.h"
#include "common/config/types/tile_rules.h"

#define WEEK_MS (7 * MS_PER_DAY)

/* As enum tile_aggregate begins. */
static const char *const aggregates[] = {
    [TILE_AGGREGATE_COUNT] = "count", [TILE_AGGREGATE_SUM] = "sum", [TILE_AGGREGATE_AVG] = "avg",
    [TILE_AGGREGATE_MIN] = "min",     [TILE_AGGREGATE_MAX] = "max", NULL};

static int check(const struct tile_reading *t)
{
    const struct tile_config *tile = t->tile;
    const int status =
        tile_rules_exclude(t, "value", "metric", "the metric's value is what counts");
    if (status != STATUS_OK) {
        return status;
    }
    const bool numbers = tile->metric != NULL || tile->value.kind != TILE_FIELD_NONE;
    if (numbers && tile->aggregate == TILE_AGGREGATE_COUNT) {
        return config_fail(t->r, t->node, NULL,
                           "a heatmap of values needs aggregate: sum, avg, min or max");
    }
    if (!numbers && tile->aggregate != TILE_AGGREGATE_COUNT) {
        return config_fail(t->r, tile_rules_given(t, "aggregate"), "aggregate",
                           "%s needs numbers: name their field (value: payload.amount) or a metric",
                           tile_aggregate_name(tile->aggregate));
    }
    if (tile->window_ms % WEEK_MS != 0) {
        return config_fail(t->r, tile_rules_given(t, "window"), "window",
                           "expected whole weeks, such as 7d or 28d, since each hour of the week "
                           "has to come equally often");
    }
    return STATUS_OK;
}

static const struct config_key rows[] = {
    {CONFIG_MEMBER("match", config_read_match, struct tile_config, match), .range = "conditions",
     .default_words = "every event", .help = "The events that go in."},
    {CONFIG_DURATION("window", struct tile_config, window_ms, WEEK_MS, TILE_HEATMAP_WEEKS *WEEK_MS),
     .help = "So many weeks of each hour go in, up to now, as whole days: 28d are four."},
    {CONFIG_CHOICE("aggregate", struct tile_config, aggregate), .choices = aggregates,
     .default_value = "count", .help = "What an hour shows."},
    {CONFIG_MEMBER("value", config_read_field, struct tile_config, value), .range = "a field",
     .help = "The field that holds the number to aggregate."},
    {CONFIG_TEXT("metric", struct tile_config, metric, TILE_METRIC_MAX),
     .help = "Instead of `match` and `value`: the values of the metric of that name go in."},
    {CONFIG_MEMBER("labels", config_read_labels, struct tile_config, labels), .range = "conditions",
     .default_words = "all", .help = "Only with `metric`: a map from labels to values."},
};

static const char *const figures[] = {"largest", NULL};

const struct tile_rules tile_rules_heatmap = {
    .name = "heatmap",
    .figures = figures,
    .table = CONFIG_TABLE(rows),
    .check = check,
};
