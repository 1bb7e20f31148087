/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The definition of a tile as JSON, just as the file has it: for people who want to know what a
 * tile shows. Private to common/config*.c.
 */
#ifndef COMMON_CONFIG_DEFINITION_H
#define COMMON_CONFIG_DEFINITION_H

#include "common/base/arena.h"
#include "common/config/yaml.h"

/* Compact JSON in the arena; plain numbers, booleans and null are what they are in YAML, all other
 * scalars are strings. */
const char *config_definition(struct arena *memory, const struct yaml_node *node);

#endif
