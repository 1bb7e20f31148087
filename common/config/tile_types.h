/* SPDX-License-Identifier: Apache-2.0 */
/* The table of the types of tiles. Private to common/config, but for tile_type_name (tiles.h). */
#ifndef COMMON_CONFIG_TILE_TYPES_H
#define COMMON_CONFIG_TILE_TYPES_H

#include "common/config/types/tile_rules.h"

/* The rules of a type; never NULL. */
const struct tile_rules *config_tile_rules(enum tile_type type);

/* All types in the order in which people are told of them. */
extern const enum tile_type config_tile_types_listed[TILE_TYPES];

/* What to write as the type, for people: "count, trend, …". Belongs to the configuration. */
const char *config_tile_type_list(struct config_reader *r);

config_read_fn config_read_tile_type; /* the type of a struct tile_config */

/* Fails because the types of tiles that have that key are others; STATUS_OK when there are none. */
int config_misplaced_key(struct config_reader *r, const struct yaml_node *name,
                         const struct tile_rules *rules);

#endif
