/* SPDX-License-Identifier: Apache-2.0 */
/* What sla_risk and backlog have in common: rows belong to items, and the last row of an item, by
 * (timestamp, id), says in which state it is. */
#ifndef CTL_ORACLE_TYPES_ITEMS_H
#define CTL_ORACLE_TYPES_ITEMS_H

#include "ctl/oracle/type.h"

struct oracle_item_row {
    uint32_t item; /* index of its value as text */
    uint32_t row;  /* index of the row */
    int64_t us;    /* its timestamp */
    int64_t id;    /* its id, by which equal timestamps are ordered */
};

/* The selection's rows, sorted by item, and by (timestamp, id) within each. The caller frees
 * them. */
struct oracle_item_row *oracle_items_sort(const struct oracle_selection *s);

/* Index behind the last row of the item whose first row is at `first`, in sorted rows. */
size_t oracle_items_end(const struct oracle_item_row *sorted, size_t first, size_t count);

/* True when the row says which item it is about. */
bool oracle_items_has_item(const struct oracle_rows *rows, size_t row,
                           const struct tile_config *tile);

/* The text's first max bytes, which are what is shown of it. */
struct str oracle_items_cut(struct str text, size_t max);

/* Appends a time in µs since 1970 as text. */
void oracle_items_put_moment(struct buf *out, int64_t us);

#endif
