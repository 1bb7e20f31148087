/* SPDX-License-Identifier: Apache-2.0 */
#include "common/config/types/tile_rules.h"

#include "common/config/file/values.h"

const struct yaml_node *tile_rules_given(const struct tile_reading *t, const char *key)
{
    return yaml_get(t->node, key);
}

int tile_rules_read_span(struct config_reader *r, const struct config_key *key,
                         const struct yaml_node *value, void *target, enum tile_period *period)
{
    const struct str text = value->kind == YAML_SCALAR ? value->text : STR_NULL;
    int64_t ms;
    size_t count = 0;
    *period = TILE_PERIOD_NONE;
    for (; key->choices[count] != NULL; count++) {
        if (str_is(text, key->choices[count])) {
            *period = (enum tile_period)(TILE_PERIOD_DAY + count);
            return STATUS_OK;
        }
    }
    if (!config_duration_parse(text, &ms)) {
        return config_fail(r, value, key->name,
                           "expected a duration such as 250ms, 2s, 5m, 1h or 7d, or %s, but found "
                           "%s",
                           config_alternatives(r, key->choices, count), config_found(r, value));
    }
    return config_read_duration(r, key, value, target);
}

const char *const tile_rules_windows[] = {"today", "this_week", "this_month", NULL};

const char *tile_window_name(enum tile_period period)
{
    return tile_rules_windows[period - TILE_PERIOD_DAY];
}

int tile_rules_read_window(struct config_reader *r, const struct config_key *key,
                           const struct yaml_node *value, void *target)
{
    struct tile_config *tile = target;
    return tile_rules_read_span(r, key, value, target, &tile->window_period);
}

int tile_rules_need(const struct tile_reading *t, const char *key, const char *example)
{
    if (tile_rules_given(t, key) != NULL) {
        return STATUS_OK;
    }
    return config_fail(t->r, t->node, NULL, "a tile of type %s needs %s, such as %s",
                       t->rules->name, key, example);
}

int tile_rules_exclude(const struct tile_reading *t, const char *key, const char *other,
                       const char *reason)
{
    const struct yaml_node *value = tile_rules_given(t, key);
    if (value == NULL || tile_rules_given(t, other) == NULL) {
        return STATUS_OK;
    }
    return config_fail(t->r, value->key, key, "does not go with %s: %s", other, reason);
}

int tile_rules_together(const struct tile_reading *t, const char *key, const char *other)
{
    const struct yaml_node *value = tile_rules_given(t, key);
    if (value == NULL || tile_rules_given(t, other) != NULL) {
        return STATUS_OK;
    }
    return config_fail(t->r, value->key, key, "means something only together with %s", other);
}
