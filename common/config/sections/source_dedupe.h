/* SPDX-License-Identifier: Apache-2.0 */
/* `source.dedupe`, and what goes with it. Private to common/config. */
#ifndef COMMON_CONFIG_SECTIONS_SOURCE_DEDUPE_H
#define COMMON_CONFIG_SECTIONS_SOURCE_DEDUPE_H

#include "common/config/file/keys.h"

/* Takes any value: which fields there are is known at the end of the section. */
config_read_fn config_read_dedupe;

/* Reads the field. section is `source`, whose columns and fields have been read. */
int config_finish_dedupe(struct config_reader *r, const struct yaml_node *section,
                         struct config_source *source);

#endif
