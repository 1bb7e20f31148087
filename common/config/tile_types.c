/* SPDX-License-Identifier: Apache-2.0 */
#include "common/config/tile_types.h"

#include "common/base/buf.h"

#define RULES_OF(value, number, name) [value] = &tile_rules_##name,
static const struct tile_rules *const types[] = {TILE_TYPE_LIST(RULES_OF)};
_Static_assert(COUNT_OF(types) == TILE_TYPES, "the types' numbers are 0 to TILE_TYPES - 1");

#define VALUE_OF(value, number, name) value,
const enum tile_type config_tile_types_listed[] = {TILE_TYPE_LIST(VALUE_OF)};

const struct tile_rules *config_tile_rules(enum tile_type type)
{
    return types[type];
}

const char *tile_type_name(enum tile_type type)
{
    return types[type]->name;
}

const char *config_tile_type_list(struct config_reader *r)
{
    const char *names[TILE_TYPES];
    for (size_t i = 0; i < TILE_TYPES; i++) {
        names[i] = tile_type_name(config_tile_types_listed[i]);
    }
    return config_alternatives(r, names, TILE_TYPES);
}

int config_read_tile_type(struct config_reader *r, const struct config_key *key,
                          const struct yaml_node *value, void *target)
{
    struct tile_config *tile = target;
    const char *names[TILE_TYPES];
    for (size_t i = 0; i < TILE_TYPES; i++) {
        names[i] = types[i]->name;
    }
    size_t chosen = 0;
    const int status = config_choose(r, key->name, value, names, TILE_TYPES, &chosen);
    if (status == STATUS_OK) {
        tile->type = (enum tile_type)chosen;
    }
    return status;
}

int config_misplaced_key(struct config_reader *r, const struct yaml_node *name,
                         const struct tile_rules *rules)
{
    struct buf others = {0};
    for (size_t i = 0; i < TILE_TYPES; i++) {
        if (types[i] != rules && config_find_key(&types[i]->table, name->text) != NULL) {
            buf_printf(&others, "%s%s", others.len > 0 ? ", " : "", types[i]->name);
        }
    }
    int status = STATUS_OK;
    if (others.len > 0) {
        status = config_fail(r, name, name->text.p,
                             "a tile of type %s has no such key (it belongs to %s)", rules->name,
                             buf_cstr(&others));
    }
    buf_free(&others);
    return status;
}
