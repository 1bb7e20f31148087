/* SPDX-License-Identifier: Apache-2.0 */
/* How people see a tile: its heading, its number, and where it leads to. Private to common/config.
 */
#ifndef COMMON_CONFIG_TYPES_TILE_DISPLAY_H
#define COMMON_CONFIG_TYPES_TILE_DISPLAY_H

#include "common/config/types/tile_rules.h"

#define TILE_DECIMALS_MAX 10

extern const char
    *const tile_display_formats[]; /* the words of enum tile_format; NULL at the end */

/* An address of http or https. */
config_read_fn tile_display_read_link;

/* Checks what has to fit together, when all keys of the tile are read. */
int tile_display_finish(const struct tile_reading *t);

#endif
