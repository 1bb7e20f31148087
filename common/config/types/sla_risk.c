/* SPDX-License-Identifier: Apache-2.0 */
/* A tile of type sla_risk: open items by their deadline. */
#include <string.h>

#include "common/config/match.h"
#include "common/config/sections/section.h"
#include "common/config/types/tile_rules.h"

#define AT_RISK_BEFORE_DUE (30 * MS_PER_MINUTE) /* when the deadline is in the event */
#define WEEKS_MAX 520                           /* of a calendar, until a deadline */
#define AT_RISK_PART 4                          /* of `within`, when the deadline is counted */

/* A deadline is looked for day by day, so it must not lie too many days away. */
static int check_reach(const struct tile_reading *t, const char *key, int64_t ms)
{
    const struct business_calendar *calendar = t->tile->calendar;
    if (calendar == NULL || ms / WEEKS_MAX <= business_week_ms(calendar)) {
        return STATUS_OK;
    }
    const struct yaml_node *value = tile_rules_given(t, key);
    return config_fail(t->r, value != NULL ? value : t->node, key,
                       "this takes more than ten years of the hours of calendar \"%s\"",
                       calendar->name);
}

/* Where the deadline comes from: one place, and whole. */
static int check_places(const struct tile_reading *t)
{
    static const char reason[] = "the deadline is either in the event or counted from it";
    int status = tile_rules_exclude(t, "within", "due", reason);
    if (status == STATUS_OK) {
        status = tile_rules_exclude(t, "targets", "due", reason);
    }
    if (status == STATUS_OK) {
        status = tile_rules_exclude(t, "targets", "within",
                                    "`\"*\": 4h` in targets is for all other priorities");
    }
    if (status == STATUS_OK) {
        status = tile_rules_together(t, "targets", "priority");
    }
    if (status == STATUS_OK) {
        status = tile_rules_together(t, "priority", "targets");
    }
    if (status == STATUS_OK && t->tile->within_ms == 0 && t->tile->target_count == 0) {
        status = tile_rules_need(t, "due", "due: payload.due_at (or within: 4h)");
    }
    return status;
}

/* What stops the clock, and what lets it run: both, or neither. */
static int check_pauses(const struct tile_reading *t)
{
    t->tile->pausable = tile_rules_given(t, "pauses") != NULL;
    int status = tile_rules_together(t, "pauses", "resumes");
    if (status == STATUS_OK) {
        status = tile_rules_together(t, "resumes", "pauses");
    }
    if (status == STATUS_OK) {
        status =
            tile_rules_exclude(t, "pauses", "due", "a deadline that is in the event does not move");
    }
    return status;
}

static int check(const struct tile_reading *t)
{
    struct tile_config *tile = t->tile;
    int64_t shortest_ms = tile->within_ms;
    int64_t longest_ms = tile->within_ms;
    int status = check_places(t);
    if (status == STATUS_OK) {
        status = check_pauses(t);
    }
    if (status != STATUS_OK) {
        return status;
    }
    for (size_t i = 0; i < tile->target_count; i++) {
        const int64_t ms = tile->targets[i].within_ms;
        shortest_ms = shortest_ms == 0 || ms < shortest_ms ? ms : shortest_ms;
        longest_ms = ms > longest_ms ? ms : longest_ms;
    }
    const struct yaml_node *at_risk = tile_rules_given(t, "at_risk");
    if (at_risk == NULL) {
        tile->at_risk_ms = shortest_ms > 0 ? shortest_ms / AT_RISK_PART : AT_RISK_BEFORE_DUE;
    } else if (shortest_ms > 0 && tile->at_risk_ms >= shortest_ms) {
        return config_fail(t->r, at_risk, "at_risk",
                           "expected less than %s, else every item is at risk from the start",
                           tile->target_count > 0 ? "the shortest of targets" : "within");
    }
    status = check_reach(t, tile->target_count > 0 ? "targets" : "within", longest_ms);
    return status == STATUS_OK ? check_reach(t, "at_risk", tile->at_risk_ms) : status;
}

static int read_target(struct config_reader *r, const struct yaml_node *value,
                       struct tile_config *tile)
{
    const struct str priority = value->key->text;
    if (priority.len == 0) {
        return config_fail(r, value->key, NULL, "expected a priority, but found nothing");
    }
    for (size_t i = 0; i < tile->target_count; i++) {
        if (str_glob(tile->targets[i].priority, priority)) {
            return config_fail(r, value->key, NULL,
                               "%s never applies, because \"%s\" above it applies first: put it "
                               "above that line",
                               config_found(r, value->key), tile->targets[i].priority.p);
        }
    }
    const struct config_key row = {
        CONFIG_DURATION(priority.p, struct tile_target, within_ms, 1, TILE_WINDOW_MAX)};
    struct tile_target *target = &tile->targets[tile->target_count++];
    target->priority = str_of(config_copy(r, priority));
    return row.read(r, &row, value, target);
}

static int read_targets(struct config_reader *r, const struct config_key *key,
                        const struct yaml_node *value, void *target)
{
    struct tile_config *tile = target;
    if (value->kind != YAML_MAP || value->count == 0 || value->count > (size_t)key->max) {
        return config_expected(r, value, key->name,
                               "a map from priorities to durations, such as {p1: 1h, \"*\": 8h}");
    }
    const char *outer = r->context;
    r->context = arena_printf(r->memory, "%s%s.", outer, key->name);
    tile->targets = arena_array(r->memory, value->count, sizeof *tile->targets);
    int status = STATUS_OK;
    for (const struct yaml_node *entry = value->first; entry != NULL && status == STATUS_OK;
         entry = entry->next) {
        status = read_target(r, entry, tile);
    }
    r->context = outer;
    return status;
}

static const char *const reopenings[] = {"renew", "keep", NULL};

static const struct config_key rows[] = {
    {CONFIG_MEMBER("opens", config_read_match, struct tile_config, opens), .range = "conditions",
     .needed = "opens: {event_type: ticket.opened}", .help = "The events that open an item."},
    {CONFIG_MEMBER("closes", config_read_match, struct tile_config, closes), .range = "conditions",
     .needed = "closes: {event_type: ticket.resolved}", .help = "The events that close an item."},
    {CONFIG_MEMBER("item", config_read_field, struct tile_config, item), .range = "a field",
     .needed = "item: target_id", .help = "The field that says which item an event is about."},
    {CONFIG_MEMBER("due", config_read_field, struct tile_config, due), .range = "a field",
     .help = "The field of the opening event that holds the deadline."},
    {CONFIG_DURATION("within", struct tile_config, within_ms, 1, TILE_WINDOW_MAX),
     .help = "Instead of `due`: the time from the opening event to the deadline."},
    {CONFIG_MEMBER("priority", config_read_field, struct tile_config, priority), .range = "a field",
     .help = "The field of the opening event that says which of `targets` counts."},
    {CONFIG_LIST("targets", read_targets, TILE_TARGETS_MAX), .range = "durations from 1ms to 3660d",
     .help = "Instead of `within`: a map from priorities to the time until the deadline."},
    {CONFIG_DURATION("at_risk", struct tile_config, at_risk_ms, 0, TILE_WINDOW_MAX),
     .default_words = "`30m`; with `within` or `targets` a quarter of the shortest",
     .range = "less than `within` and each of `targets`",
     .help = "How long before its deadline an item is at risk."},
    {CONFIG_MEMBER("calendar", config_read_calendar, struct tile_config, calendar),
     .default_words = "all time counts", .range = "a name in [`calendars`](#calendars)",
     .help = "The calendar whose business time `within`, `targets` and `at_risk` are in."},
    {CONFIG_MEMBER("pauses", config_read_match, struct tile_config, pauses), .range = "conditions",
     .help = "The events that stop the clock of an item, such as waiting for an answer."},
    {CONFIG_MEMBER("resumes", config_read_match, struct tile_config, resumes),
     .range = "conditions", .help = "The events that let the clock of an item run again."},
    {CONFIG_CHOICE("reopen", struct tile_config, reopen), .choices = reopenings,
     .default_value = "renew",
     .help = "Whether opening an item again gives it a new deadline, or it keeps its first one."},
};

static const char *const figures[] = {"breached", "at_risk", "ok", "paused", NULL};

static bool has_figure(const struct tile_config *tile, const char *figure)
{
    return tile->pausable || strcmp(figure, "paused") != 0;
}

const struct tile_rules tile_rules_sla_risk = {
    .name = "sla_risk",
    .figures = figures,
    .has_figure = has_figure,
    .table = CONFIG_TABLE(rows),
    .check = check,
};
