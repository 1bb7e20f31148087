/* SPDX-License-Identifier: Apache-2.0 */
#include "common/config/types/tile_rules.h"

const struct yaml_node *tile_rules_given(const struct tile_reading *t, const char *key)
{
    return yaml_get(t->node, key);
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
