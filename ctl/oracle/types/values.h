/* SPDX-License-Identifier: Apache-2.0 */
/* What count, trend and gauge have in common: each row stands for a number at a time. */
#ifndef CTL_ORACLE_TYPES_VALUES_H
#define CTL_ORACLE_TYPES_VALUES_H

#include "ctl/oracle/type.h"

/* The concerns of struct oracle_type: rows that match, and that have a number where the tile is
 * about numbers. */
bool oracle_values_concern(const struct oracle_rows *rows, size_t row,
                           const struct tile_config *tile);

/* Index of the slot, width µs wide, that a moment lies in: rounds towards the past, also before
 * 1970. */
int64_t oracle_values_slot(int64_t us, int64_t width);

/* True when row a is later than row b, by (timestamp, id). */
bool oracle_values_later(const struct oracle_rows *rows, size_t a, size_t b);

/* Sets *out to the number of the latest row. False when there is no row. */
bool oracle_values_latest(const struct oracle_selection *s, long double *out);

/* The first instant that the tile's window has at that moment, in µs since 1970; INT64_MIN without
 * a window. */
int64_t oracle_values_window_begin(const struct tile_config *tile, wall_time at);

/* Appends the members of `data` that say what the window is; returns how many. */
uint32_t oracle_values_put_window(const struct tile_config *tile, wall_time at, struct buf *out);

/* Appends a number: an integer of int64 exactly, else a double. */
void oracle_values_put(struct buf *out, long double number);

#endif
