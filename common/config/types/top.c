/* SPDX-License-Identifier: Apache-2.0 */
/* A tile of type top: the largest groups, and what all others have together. */
#include "common/config/match.h"
#include "common/config/types/tile_rules.h"

/* As enum tile_aggregate begins. */
static const char *const aggregates[] = {
    [TILE_AGGREGATE_COUNT] = "count", [TILE_AGGREGATE_SUM] = "sum", NULL};

static int check(const struct tile_reading *t)
{
    if (t->tile->aggregate == TILE_AGGREGATE_SUM) {
        return tile_rules_need(t, "value", "value: payload.amount, since the aggregate is a sum");
    }
    if (t->tile->value.kind != TILE_FIELD_NONE) {
        return config_fail(t->r, tile_rules_given(t, "value"), "value",
                           "a top that counts events needs none: write aggregate: sum, or leave "
                           "it out");
    }
    return STATUS_OK;
}

static const struct config_key rows[] = {
    {CONFIG_MEMBER("item", config_read_field, struct tile_config, item), .range = "a field",
     .needed = "item: payload.customer", .help = "The field whose values are the groups."},
    {CONFIG_COUNT("rows", struct tile_config, rows, 1, TILE_ROWS_MAX), .default_value = "10",
     .help = "How many groups are shown."},
    {CONFIG_MEMBER("match", config_read_match, struct tile_config, match), .range = "conditions",
     .default_words = "every event", .help = "The events that go in."},
    {CONFIG_CHOICE("aggregate", struct tile_config, aggregate), .choices = aggregates,
     .default_value = "count", .help = "What groups are the largest by."},
    {CONFIG_MEMBER("value", config_read_field, struct tile_config, value), .range = "a field",
     .help = "Only with `aggregate: sum`: the field that holds the number."},
    {CONFIG_MEASURED("window", tile_rules_read_window, struct tile_config, window_ms, CONFIG_MS, 1,
                     TILE_WINDOW_MAX),
     .choices = tile_rules_windows,
     .help = "Only events of this length of time, or of this period, go in, up to now."},
};

static const char *const figures[] = {"largest", "other", "groups", NULL};

const struct tile_rules tile_rules_top = {
    .name = "top",
    .figures = figures,
    .table = CONFIG_TABLE(rows),
    .check = check,
};
