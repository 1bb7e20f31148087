/* SPDX-License-Identifier: Apache-2.0 */
/* What can be proved of the largest groups (`top`) when some rows are gone: gone.h. All values are
 * `data`, and borrowed. Pure. */
#ifndef CTL_VERIFY_GONE_TOP_H
#define CTL_VERIFY_GONE_TOP_H

#include <stdbool.h>

#include "common/codec/mp.h"
#include "common/config/tiles.h"

/* True when so many rows that are gone, or fewer, could make `got` of what the rows that are left
 * give. rows: how many rows the tile was made of; infinite, as `gone` is: not known. */
bool gone_top_explains(const struct tile_config *tile, const mp_value *left, const mp_value *got,
                       long double gone, long double rows);

/* True when `after` is what the rows that came make of `before`. */
bool gone_top_follows(const struct tile_config *tile, const mp_value *before, const mp_value *came,
                      const mp_value *after);

#endif
