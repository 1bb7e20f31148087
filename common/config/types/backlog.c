/* SPDX-License-Identifier: Apache-2.0 */
/* A tile of type backlog: items by their state. Events move an item from state to state:
 * `states: {work_item_created: open, work_item_done: null}`. */
#include <string.h>

#include "common/config/condition.h"
#include "common/config/match.h"
#include "common/config/types/tile_rules.h"

#define STATE_NAME_MAX 64 /* bytes */
#define RULES_MAX 1000    /* entries of `states` */

/* An earlier rule that fits every event type that this one fits makes this one pointless. That is
 * so exactly when the earlier pattern fits this one's pattern read as a text: the stars of this
 * one then only meet stars. */
static int check_shadowed(struct config_reader *r, const struct yaml_node *name,
                          const struct tile_config *tile, struct str pattern)
{
    for (size_t i = 0; i < tile->rule_count; i++) {
        if (str_glob(tile->rules[i].event_type.text, pattern)) {
            return config_fail(r, name, NULL,
                               "%s never applies, because \"%s\" above it applies first: put it "
                               "above that line",
                               config_found(r, name), tile->rules[i].event_type.text.p);
        }
    }
    return STATUS_OK;
}

static int find_state(struct config_reader *r, const struct yaml_node *value,
                      struct tile_config *tile, int *out)
{
    const char *key = value->key->text.p;
    if (yaml_is_null(value) && value->text.len > 0) {
        *out = TILE_STATE_CLOSED;
        return STATUS_OK;
    }
    struct str text;
    const int status =
        config_scalar(r, value, key, "the name of a state, or null for closed", &text);
    if (status != STATUS_OK) {
        return status;
    }
    if (text.len == 0 || text.len > STATE_NAME_MAX) {
        return config_fail(r, value, key, "expected a state's name of 1 to %d bytes",
                           STATE_NAME_MAX);
    }
    for (size_t i = 0; i < tile->state_count; i++) {
        if (str_is(text, tile->states[i])) {
            *out = (int)i;
            return STATUS_OK;
        }
    }
    if (tile->state_count == TILE_STATES_MAX) {
        return config_fail(r, value, key, "at most %d different states are possible",
                           TILE_STATES_MAX);
    }
    *out = (int)tile->state_count;
    tile->states[tile->state_count++] = config_copy(r, text);
    return STATUS_OK;
}

static int read_rule(struct config_reader *r, const struct yaml_node *value,
                     struct tile_config *tile)
{
    const struct str name = value->key->text;
    if (name.len == 0) {
        return config_fail(r, value->key, NULL, "expected an event type, but found nothing");
    }
    int status = check_shadowed(r, value->key, tile, name);
    struct tile_state_rule rule = {.state = TILE_STATE_CLOSED};
    if (status == STATUS_OK) {
        status = find_state(r, value, tile, &rule.state);
    }
    if (status == STATUS_OK) {
        rule.event_type = config_pattern(str_of(config_copy(r, name)));
        tile->rules[tile->rule_count++] = rule;
    }
    return status;
}

static int read_states(struct config_reader *r, const struct config_key *key,
                       const struct yaml_node *value, void *target)
{
    struct tile_config *tile = target;
    if (value->kind != YAML_MAP || value->count == 0 || value->count > (size_t)key->max) {
        return config_expected(r, value, key->name,
                               "a map from event types to states, such as {item_created: open, "
                               "item_done: null}");
    }
    const char *outer = r->context;
    r->context = arena_printf(r->memory, "%s%s.", outer, key->name);
    tile->states = arena_array(r->memory, TILE_STATES_MAX, sizeof *tile->states);
    tile->rules = arena_array(r->memory, value->count, sizeof *tile->rules);
    int status = STATUS_OK;
    for (const struct yaml_node *entry = value->first; entry != NULL && status == STATUS_OK;
         entry = entry->next) {
        status = read_rule(r, entry, tile);
    }
    r->context = outer;
    if (status == STATUS_OK && tile->state_count == 0) {
        status = config_fail(r, value, key->name,
                             "every event type closes the item here: expected at least one state");
    }
    return status;
}

static const struct config_key rows[] = {
    {CONFIG_MEMBER("item", config_read_field, struct tile_config, item), .range = "a field",
     .needed = "item: target_id", .help = "The field that says which item an event is about."},
    {CONFIG_LIST("states", read_states, RULES_MAX), .range = "at most 64 different states",
     .needed = "states: {item_created: open, item_done: null}",
     .help = "A map from event types to the state that such an event puts the item into."},
    {CONFIG_MEMBER("breakdown", config_read_field, struct tile_config, breakdown),
     .range = "a field", .help = "The counts are divided by the values of that field as well."},
};

static const char *const figures[] = {"total", NULL};

const struct tile_rules tile_rules_backlog = {
    .name = "backlog",
    .figures = figures,
    .table = CONFIG_TABLE(rows),
};
