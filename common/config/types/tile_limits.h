/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The conditions of a tile's status, as the file has them:
 *
 *     critical: "> 100"                          the first figure of the tile's type
 *     critical: breached                         a figure of that name, above 0
 *     warn: ["at_risk >= 10", nothing for 5m]    any of these
 *
 * Private to common/config.
 */
#ifndef COMMON_CONFIG_TYPES_TILE_LIMITS_H
#define COMMON_CONFIG_TYPES_TILE_LIMITS_H

#include "common/config/types/tile_rules.h"

/* Accepts what may be conditions. What they mean is known only when the whole tile is read. */
config_read_fn tile_limits_read;

/* Reads the conditions of a tile whose other keys are read, and checks them. */
int tile_limits_finish(const struct tile_reading *t);

#endif
