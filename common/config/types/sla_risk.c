/* SPDX-License-Identifier: Apache-2.0 */
/* A tile of type sla_risk: open items by their deadline. */
#include "common/config/match.h"
#include "common/config/types/tile_rules.h"

#define AT_RISK_BEFORE_DUE (30 * MS_PER_MINUTE) /* when the deadline is in the event */
#define AT_RISK_PART 4                          /* of `within`, when the deadline is counted */

static int check(const struct tile_reading *t)
{
    struct tile_config *tile = t->tile;
    int status = tile_rules_exclude(t, "within", "due",
                                    "the deadline is either in the event or counted from it");
    if (status == STATUS_OK && tile->within_ms == 0) {
        status = tile_rules_need(t, "due", "due: payload.due_at (or within: 4h)");
    }
    if (status != STATUS_OK) {
        return status;
    }
    const struct yaml_node *at_risk = tile_rules_given(t, "at_risk");
    if (at_risk == NULL) {
        tile->at_risk_ms =
            tile->within_ms > 0 ? tile->within_ms / AT_RISK_PART : AT_RISK_BEFORE_DUE;
    } else if (tile->within_ms > 0 && tile->at_risk_ms >= tile->within_ms) {
        return config_fail(t->r, at_risk, "at_risk",
                           "expected less than within, else every item is at risk from the start");
    }
    return STATUS_OK;
}

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
    {CONFIG_DURATION("at_risk", struct tile_config, at_risk_ms, 0, TILE_WINDOW_MAX),
     .default_words = "`30m`; with `within` a quarter of it", .range = "less than `within`",
     .help = "How long before its deadline an item is at risk."},
};

static const char *const figures[] = {"breached", "at_risk", "ok", NULL};

const struct tile_rules tile_rules_sla_risk = {
    .name = "sla_risk",
    .figures = figures,
    .table = CONFIG_TABLE(rows),
    .check = check,
};
