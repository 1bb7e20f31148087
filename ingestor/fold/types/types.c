/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/fold/types/types.h"

#include <stdlib.h>

#include "ingestor/fold/types/list.h"

#define TABLE_OF(tile_type, table)                                                                 \
    case tile_type:                                                                                \
        return &(table);

const struct fold_type *fold_type_of(enum tile_type type)
{
    /* A type of the configuration without a line in list.h does not compile: -Wswitch-enum. */
    switch (type) {
        FOLD_TYPES(TABLE_OF)
    }
    abort();
}
