/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/fold/types/types.h"

#include <stdlib.h>

#include "ingestor/fold/types/list.h"

#define TABLE_OF(value, number, name)                                                              \
    case value:                                                                                    \
        return &fold_type_##name;

const struct fold_type *fold_type_of(enum tile_type type)
{
    switch (type) {
        TILE_TYPE_LIST(TABLE_OF)
    }
    abort();
}
