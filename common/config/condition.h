/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a condition asks of one field:
 *
 *     payload.team: support                     like a pattern, or one of a list
 *     payload.ms: {gte: 500, lt: 1000}          all of these tests
 *     payload.at: {between: [2026-01-01, 2026-02-01]}
 *     payload.code: {not: [200, 204]}
 *     payload.error: {exists: true}
 *
 * Private to common/config.
 */
#ifndef COMMON_CONFIG_CONDITION_H
#define COMMON_CONFIG_CONDITION_H

#include "common/config/file/keys.h"

#define CONFIG_PATTERNS_MAX 1000 /* patterns of one condition, and maps of an any or all */

/* A glob or a plain text as a pattern. text is NUL-terminated and lives as long as the
 * configuration. */
struct tile_pattern config_pattern(struct str text);

/* How many conditions the value of a map's entry makes at most. */
size_t config_condition_count(const struct yaml_node *value);

/* Reads what the value of a map's entry asks of the field, and appends it to a match, which has
 * room for that. */
int config_read_condition(struct config_reader *r, const struct yaml_node *value,
                          const struct tile_field *field, struct tile_match *match);

#endif
