/* SPDX-License-Identifier: Apache-2.0 */
/* The oracle's own reading of `match`, `metric`, `opens`, `states` and so on: which rows a tile is
 * about. */
#ifndef CTL_ORACLE_MATCH_H
#define CTL_ORACLE_MATCH_H

#include <stdbool.h>

#include "ctl/oracle/rows.h"

/* Does `*` in the pattern, for any run of characters, make it the text? */
bool oracle_glob(struct str pattern, struct str text);

/* Do all conditions hold for the row? */
bool oracle_matches(const struct oracle_rows *rows, size_t row, const struct match *match);

/* The value as a number: a number of the payload, or text that is one. */
bool oracle_number(const struct oracle_value *value, double *out);

/* The value as a moment in µs: text or a number as the table's timestamp column may hold it. */
bool oracle_moment(const struct oracle_value *value, int64_t *out);

/* Is the row one that goes into the tile (whatever its group)? */
bool oracle_concerns(const struct oracle_rows *rows, size_t row, const struct tile_config *tile);

/* For tiles that numbers go into: the row's, or 0 where rows are only counted. The row concerns the
 * tile. */
double oracle_row_number(const struct oracle_rows *rows, size_t row,
                         const struct tile_config *tile);

/* For a backlog: index of the state that the row puts its item into, or STATE_CLOSED. False when no
 * rule fits. */
bool oracle_state(const struct oracle_rows *rows, size_t row, const struct tile_config *tile,
                  int *out);

#endif
