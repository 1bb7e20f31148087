/* SPDX-License-Identifier: Apache-2.0 */
/* A tile of type latest: the newest events, as a table of some of their fields. */
#include "common/config/match.h"
#include "common/config/types/tile_rules.h"

static int read_show(struct config_reader *r, const struct config_key *key,
                     const struct yaml_node *value, void *target)
{
    struct tile_config *tile = target;
    if (value->kind != YAML_LIST || value->count == 0 || value->count > (size_t)key->max) {
        return config_expected(r, value, key->name,
                               "a list of 1 to 16 fields, such as [target_id, payload.amount]");
    }
    tile->show = arena_array(r->memory, value->count, sizeof *tile->show);
    for (const struct yaml_node *node = value->first; node != NULL; node = node->next) {
        struct tile_field *field = &tile->show[tile->show_count];
        const int status = config_read_field_at(r, key->name, node, field);
        if (status != STATUS_OK) {
            return status;
        }
        for (size_t i = 0; i < tile->show_count; i++) {
            if (str_is(str_of(field->text), tile->show[i].text)) {
                return config_fail(r, node, key->name, "%s is there twice: leave one out",
                                   field->text);
            }
        }
        tile->show_count++;
    }
    return STATUS_OK;
}

static const struct config_key rows[] = {
    {CONFIG_LIST("show", read_show, TILE_SHOW_MAX), .range = "fields",
     .needed = "show: [target_id, payload.amount]",
     .help = "The fields that are shown of each event, in that order."},
    {CONFIG_COUNT("rows", struct tile_config, rows, 1, TILE_ROWS_MAX), .default_value = "10",
     .help = "How many events are shown."},
    {CONFIG_MEMBER("match", config_read_match, struct tile_config, match), .range = "conditions",
     .default_words = "every event", .help = "The events that are shown."},
};

static const char *const figures[] = {NULL};

const struct tile_rules tile_rules_latest = {
    .name = "latest",
    .figures = figures,
    .table = CONFIG_TABLE(rows),
};
