/* SPDX-License-Identifier: Apache-2.0 */
/* A tile of type trend: a line of buckets, each an aggregate of the events in it. */
#include "common/config/match.h"
#include "common/config/types/tile_rules.h"

#define SPAN_MAX (36600 * MS_PER_DAY) /* of all buckets together */

static const char *const aggregates[] = {[TILE_AGGREGATE_COUNT] = "count",
                                         [TILE_AGGREGATE_SUM] = "sum",
                                         [TILE_AGGREGATE_AVG] = "avg",
                                         [TILE_AGGREGATE_MIN] = "min",
                                         [TILE_AGGREGATE_MAX] = "max",
                                         [TILE_AGGREGATE_LAST] = "last",
                                         [TILE_AGGREGATE_P50] = "p50",
                                         [TILE_AGGREGATE_P90] = "p90",
                                         [TILE_AGGREGATE_P95] = "p95",
                                         [TILE_AGGREGATE_P99] = "p99",
                                         NULL};

const char *tile_aggregate_name(enum tile_aggregate aggregate)
{
    return aggregates[aggregate];
}

static const char *const steps[] = {"1d", "1w", "1M", NULL};

const char *tile_step_name(enum tile_period period)
{
    return steps[period - TILE_PERIOD_DAY];
}

static int read_step(struct config_reader *r, const struct config_key *key,
                     const struct yaml_node *value, void *target)
{
    static const int64_t days[] = {
        [TILE_PERIOD_DAY] = 1, [TILE_PERIOD_WEEK] = 7, [TILE_PERIOD_MONTH] = 30};
    struct tile_config *tile = target;
    const int status = tile_rules_read_span(r, key, value, target, &tile->step_period);
    if (tile->step_period != TILE_PERIOD_NONE) {
        tile->step_ms = days[tile->step_period] * MS_PER_DAY;
    }
    return status;
}

static int check(const struct tile_reading *t)
{
    const struct tile_config *tile = t->tile;
    const int status =
        tile_rules_exclude(t, "value", "metric", "the metric's value is what counts");
    if (status != STATUS_OK) {
        return status;
    }
    const bool numbers = tile->metric != NULL || tile->value.kind != TILE_FIELD_NONE;
    if (numbers && tile_rules_given(t, "aggregate") == NULL) {
        return config_fail(t->r, t->node, NULL,
                           "a trend of values needs aggregate: sum, avg, min, max, last, p50, p90, "
                           "p95 or p99");
    }
    if (!numbers && tile->aggregate != TILE_AGGREGATE_COUNT) {
        return config_fail(t->r, tile_rules_given(t, "aggregate"), "aggregate",
                           "%s needs numbers: name their field (value: payload.amount) or a metric",
                           tile_aggregate_name(tile->aggregate));
    }
    if (tile->value.kind != TILE_FIELD_NONE && tile->aggregate == TILE_AGGREGATE_COUNT) {
        return config_fail(t->r, tile_rules_given(t, "value")->key, "value",
                           "counting needs no value: leave it out, or choose another aggregate");
    }
    if (tile->step_ms > SPAN_MAX / (int64_t)tile->length) {
        return config_fail(t->r, tile_rules_given(t, "step"), "step",
                           "%u buckets of that length span more than 100 years", tile->length);
    }
    return STATUS_OK;
}

static const struct config_key rows[] = {
    {CONFIG_MEMBER("match", config_read_match, struct tile_config, match), .range = "conditions",
     .default_words = "every event", .help = "The events that go in."},
    {CONFIG_TEXT("metric", struct tile_config, metric, TILE_METRIC_MAX),
     .help = "Instead of `match` and `value`: the values of the metric of that name go in."},
    {CONFIG_MEMBER("labels", config_read_labels, struct tile_config, labels), .range = "conditions",
     .default_words = "all", .help = "Only with `metric`: a map from labels to values."},
    {CONFIG_TEXT("annotations", struct tile_config, display.annotations, TILE_ANNOTATIONS_MAX),
     .help = "The event type, or a pattern of some, whose events are marks on the line."},
    {CONFIG_MEASURED("step", read_step, struct tile_config, step_ms, CONFIG_MS, 1, TILE_STEP_MAX),
     .choices = steps, .needed = "step: 10s",
     .help = "The length of a bucket, or the period that one is."},
    {CONFIG_COUNT("length", struct tile_config, length, 1, TILE_LENGTH_MAX), .default_value = "60",
     .help = "The number of buckets, up to now."},
    {CONFIG_CHOICE("aggregate", struct tile_config, aggregate), .choices = aggregates,
     .default_value = "count", .help = "What a bucket shows."},
    {CONFIG_MEMBER("value", config_read_field, struct tile_config, value), .range = "a field",
     .help = "The field that holds the number to aggregate."},
};

const struct tile_rules tile_rules_trend = {
    .name = "trend",
    .table = CONFIG_TABLE(rows),
    .check = check,
};
