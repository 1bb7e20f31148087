/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the oracle knows of a tile type: which rows concern it, and what it shows for them at a
 * moment, as docs/tiles.md says, by brute force. Each type is one file of ctl/oracle/types/.
 */
#ifndef CTL_ORACLE_TYPE_H
#define CTL_ORACLE_TYPE_H

#include "common/base/buf.h"
#include "common/base/time/clock.h"
#include "common/codec/mp.h"
#include "ctl/oracle/rows.h"

#define ORACLE_BREAKDOWN_MAX 1000 /* different values that a breakdown tells apart */

/* The rows that concern one tile, or one member of a family, in the order of their ids. All of it
 * is borrowed. */
struct oracle_selection {
    const struct oracle_rows *rows; /* borrowed */
    const struct tile_config *tile; /* the definition; borrowed */
    const uint32_t *picked;         /* indices of rows */
    size_t count;                   /* how many there are */
};

struct oracle_type {
    /* True when the row goes into a tile of this type, whatever its group. Asked only for tiles
     * without a metric. */
    bool (*concerns)(const struct oracle_rows *rows, size_t row, const struct tile_config *tile);

    /* Appends the map that is the tile's `data` at that moment. */
    void (*put_data)(const struct oracle_selection *s, wall_time at, struct buf *out);

    /* True when what the tile shows cannot be told from these rows alone, but depends on when they
     * came. NULL when it never does. */
    bool (*is_undetermined)(const struct oracle_selection *s);

    /* True when that is a right `data` at that moment, too, though it is not what put_data gives:
     * of what is approximate, more than one is within the error that it states. NULL when
     * put_data's alone is right. */
    bool (*allows)(const struct oracle_selection *s, wall_time at, const mp_value *data);
};

/* oracle_NAME of each type, which types/NAME.c defines. */
#define ORACLE_TYPE_DECLARE(value, number, name) extern const struct oracle_type oracle_##name;
TILE_TYPE_LIST(ORACLE_TYPE_DECLARE)
#undef ORACLE_TYPE_DECLARE

#endif
