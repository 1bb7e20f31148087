/* SPDX-License-Identifier: Apache-2.0 */
/* The table of the oracle's tile types. */
#ifndef CTL_ORACLE_TYPES_H
#define CTL_ORACLE_TYPES_H

#include "ctl/oracle/type.h"

const struct oracle_type *oracle_type_of(enum tile_type type);

/* True when the row goes into the tile, whatever its group. */
bool oracle_concerns(const struct oracle_rows *rows, size_t row, const struct tile_config *tile);

#endif
