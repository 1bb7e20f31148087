/* SPDX-License-Identifier: Apache-2.0 */
/* What `data` each tile type shows for a set of rows at a moment: docs/tiles.md, by brute force. */
#ifndef CTL_ORACLE_TYPES_H
#define CTL_ORACLE_TYPES_H

#include "common/base/buf.h"
#include "common/base/clock.h"
#include "ctl/oracle/rows.h"

/* Rows that concern one tile, or one member of a family, in the order of their ids. */
struct oracle_selection {
    const struct oracle_rows *rows;
    const struct tile_config *tile;
    const uint32_t *picked; /* indices of rows */
    size_t count;
};

/* Each appends the map that is the tile's `data` at that moment. */
void oracle_count(const struct oracle_selection *s, wall_time at, struct buf *out);
void oracle_trend(const struct oracle_selection *s, wall_time at, struct buf *out);
void oracle_gauge(const struct oracle_selection *s, wall_time at, struct buf *out);
void oracle_sla(const struct oracle_selection *s, wall_time at, struct buf *out);
void oracle_backlog(const struct oracle_selection *s, wall_time at, struct buf *out);

#define ORACLE_BREAKDOWN_MAX 1000 /* different values that a breakdown tells apart */

/* Has the field more different values in these rows than a breakdown can show? Then the tile cannot
 * be told from the rows alone. */
bool oracle_breakdown_overflows(const struct oracle_selection *s);

#endif
