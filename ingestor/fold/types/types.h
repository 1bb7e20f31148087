/* SPDX-License-Identifier: Apache-2.0 */
/* Finds a tile type's table by its name in the configuration. */
#ifndef INGESTOR_FOLD_TYPES_TYPES_H
#define INGESTOR_FOLD_TYPES_TYPES_H

#include "common/config/tiles.h"
#include "ingestor/fold/types/type.h"

/* Never NULL. */
const struct fold_type *fold_type_of(enum tile_type type);

#endif
