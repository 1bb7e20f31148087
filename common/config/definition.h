/* SPDX-License-Identifier: Apache-2.0 */
/* The definition of a tile as JSON, just as the file has it, for people who want to know what a
 * tile shows. Private to common/config. */
#ifndef COMMON_CONFIG_DEFINITION_H
#define COMMON_CONFIG_DEFINITION_H

#include "common/base/arena.h"
#include "common/config/file/yaml.h"

/* Writes a node as compact JSON, which belongs to the arena. Plain numbers, booleans and null stay
 * what they are in YAML; all other scalars become strings. */
const char *config_definition(struct arena *memory, const struct yaml_node *node);

#endif
