/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of the tile types, which types/NAME.c define; types.c makes one table of them. */
#ifndef INGESTOR_FOLD_TYPES_LIST_H
#define INGESTOR_FOLD_TYPES_LIST_H

#include "ingestor/fold/types/type.h"

#define FOLD_TYPE_DECLARE(value, number, name) extern const struct fold_type fold_type_##name;
TILE_TYPE_LIST(FOLD_TYPE_DECLARE)
#undef FOLD_TYPE_DECLARE

#endif
