/* SPDX-License-Identifier: Apache-2.0 */
/* Parts of the `source` section. Private to common/config/sections. */
#ifndef COMMON_CONFIG_SECTIONS_SOURCE_COLUMNS_H
#define COMMON_CONFIG_SECTIONS_SOURCE_COLUMNS_H

#include "common/config/file/keys.h"

#define CONFIG_COLUMN_NAME_MAX 255 /* bytes of the name of a table, of a column or of a place */

config_read_fn config_read_columns;
config_read_fn config_read_fields;
config_read_fn config_read_kafka;
extern const struct config_table config_redis_table;
extern const struct config_table config_nats_table;

/* What the keys of `source.nats` say has to fit together. section: that of the source. */
int config_check_nats(struct config_reader *r, const struct yaml_node *section,
                      const struct config_source *source);

/* Gives the fields of messages that the file does not name the places that the format has for them,
 * and checks the others. section: that of the source. */
int config_finish_fields(struct config_reader *r, const struct yaml_node *section,
                         struct config_source *source);

#endif
