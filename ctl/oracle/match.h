/* SPDX-License-Identifier: Apache-2.0 */
/* The oracle's own reading of `match`, `metric`, `opens`, `states` and so on: what a row says of
 * what a tile asks for. */
#ifndef CTL_ORACLE_MATCH_H
#define CTL_ORACLE_MATCH_H

#include <stdbool.h>

#include "ctl/oracle/rows.h"

/* True when the text is the pattern with each `*` replaced by any run of bytes, or none. */
bool oracle_glob(struct str pattern, struct str text);

/* The row's value of a field that a tile mentions. Owned by rows. */
const struct oracle_value *oracle_row_value(const struct oracle_rows *rows, size_t row,
                                            const struct tile_field *field);

/* True when all conditions hold for the row. */
bool oracle_matches(const struct oracle_rows *rows, size_t row, const struct tile_match *match);

/* True when the row is a metric event of the tile's metric, with its labels and a number. */
bool oracle_is_metric(const struct oracle_rows *rows, size_t row, const struct tile_config *tile);

/* The value as a number, a double or an integer of int64: a number of the payload, or text that is
 * a decimal number. False when it is neither. */
bool oracle_as_number(const struct oracle_value *value, long double *out);

/* The value as µs since 1970: a text or a number that the table's timestamp column might hold, too;
 * in that zone if it names none. False when it is no time. */
bool oracle_moment(const struct oracle_value *value, const char *zone, int64_t *out);

/* The number of a row that concerns the tile; 0 for a tile that only counts rows. */
long double oracle_row_number(const struct oracle_rows *rows, size_t row,
                              const struct tile_config *tile);

/* For a backlog: index of the state that the row puts its item into, or TILE_STATE_CLOSED. False
 * when no rule fits. */
bool oracle_state(const struct oracle_rows *rows, size_t row, const struct tile_config *tile,
                  int *out);

#endif
