/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tile types, one line each: the type's name in the configuration, and its table, which
 * types/NAME.c defines. types.c makes one table of all from these lines.
 * tests/tree/check_tile_types.py names every other place that a new type must fill.
 */
#ifndef INGESTOR_FOLD_TYPES_LIST_H
#define INGESTOR_FOLD_TYPES_LIST_H

#include "ingestor/fold/types/type.h"

#define FOLD_TYPES(EACH)                                                                           \
    EACH(TILE_COUNT, fold_type_count)                                                              \
    EACH(TILE_TREND, fold_type_trend)                                                              \
    EACH(TILE_SLA_RISK, fold_type_sla_risk)                                                        \
    EACH(TILE_BACKLOG, fold_type_backlog)                                                          \
    EACH(TILE_GAUGE, fold_type_gauge)

#define FOLD_TYPE_DECLARE(tile_type, table) extern const struct fold_type table;
FOLD_TYPES(FOLD_TYPE_DECLARE)
#undef FOLD_TYPE_DECLARE

#endif
