/* SPDX-License-Identifier: Apache-2.0 */
/* What can be proved of a table of the newest rows (`latest`) when some rows are gone: gone.h. All
 * values are its `rows`, maps from ids to rows, or NULL; they are borrowed. Pure. */
#ifndef CTL_VERIFY_GONE_LATEST_H
#define CTL_VERIFY_GONE_LATEST_H

#include <stdbool.h>
#include <stddef.h>

#include "common/codec/mp.h"

/* True when so many rows that are gone, or fewer, could make `got` of what the rows that are left
 * give. limit: how many rows are shown at most. */
bool gone_latest_explains(const mp_value *left, const mp_value *got, size_t limit,
                          long double gone);

/* True when `after` is what the rows that came make of `before`. */
bool gone_latest_follows(const mp_value *before, const mp_value *came, const mp_value *after,
                         size_t limit);

#endif
