/* SPDX-License-Identifier: Apache-2.0 */
/* A tile of type duration: how long items take from one kind of event to another. */
#include "common/config/match.h"
#include "common/config/sections/section.h"
#include "common/config/types/tile_rules.h"

static int check(const struct tile_reading *t)
{
    const struct yaml_node *unit = tile_rules_given(t, "unit");
    return unit == NULL ? STATUS_OK
                        : config_fail(t->r, unit->key, "unit",
                                      "a duration is in seconds, and shown as such: leave it out");
}

static const struct config_key rows[] = {
    {CONFIG_MEMBER("opens", config_read_match, struct tile_config, opens), .range = "conditions",
     .needed = "opens: {event_type: ticket.opened}", .help = "The events that begin an item."},
    {CONFIG_MEMBER("closes", config_read_match, struct tile_config, closes), .range = "conditions",
     .needed = "closes: {event_type: ticket.resolved}", .help = "The events that end an item."},
    {CONFIG_MEMBER("item", config_read_field, struct tile_config, item), .range = "a field",
     .needed = "item: target_id", .help = "The field that says which item an event is about."},
    {CONFIG_MEASURED("window", tile_rules_read_window, struct tile_config, window_ms, CONFIG_MS, 1,
                     TILE_WINDOW_MAX),
     .choices = tile_rules_windows, .needed = "window: 7d",
     .help = "Only items that ended in this length of time, or in this period, count."},
    {CONFIG_MEMBER("calendar", config_read_calendar, struct tile_config, calendar),
     .default_words = "all time counts", .range = "a name in [`calendars`](#calendars)",
     .help = "The calendar whose business time the durations are in."},
};

static const char *const figures[] = {"avg", "p50", "p95", "count", "running", NULL};

const struct tile_rules tile_rules_duration = {
    .name = "duration",
    .figures = figures,
    .table = CONFIG_TABLE(rows),
    .check = check,
};
