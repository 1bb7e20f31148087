/* SPDX-License-Identifier: Apache-2.0 */
/* What tiles say about events: fields, and conditions on them. Private to common/config. */
#ifndef COMMON_CONFIG_MATCH_H
#define COMMON_CONFIG_MATCH_H

#include "common/config/file/keys.h"

config_read_fn config_read_field;  /* struct tile_field */
config_read_fn config_read_match;  /* struct tile_match: conditions on fields */
config_read_fn config_read_labels; /* struct tile_match: conditions on a metric's labels */

/* Reads a field that a section names, when all of `source` is known. key is for messages. */
int config_read_field_at(struct config_reader *r, const char *key, const struct yaml_node *value,
                         struct tile_field *out);

#endif
