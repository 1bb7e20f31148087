/* SPDX-License-Identifier: Apache-2.0 */
/* What an aggregate makes of rows, by docs/tiles.md: a point of a trend, and a number. */
#ifndef CTL_ORACLE_TYPES_POINT_H
#define CTL_ORACLE_TYPES_POINT_H

#include "ctl/oracle/type.h"
#include "ctl/oracle/types/sum.h"

/* The rows of a point so far. One that is all zero has none. */
struct oracle_point {
    size_t rows;           /* how many; the rest means something when there is one */
    struct oracle_sum sum; /* of their values */
    long double min;       /* the smallest value */
    long double max;       /* the largest value */
    size_t last;           /* index of the latest row */
    double *values;        /* of a percentile: all of them, owned */
};

/* Adds a row of the selection. */
void oracle_point_add(const struct oracle_selection *s, struct oracle_point *point, size_t row);

/* Frees what it owns. */
void oracle_point_finish(struct oracle_point *point);

/* The tile's aggregate of rows, of which there is one at least. False when it is larger than all
 * doubles. */
bool oracle_point_value(const struct oracle_selection *s, const struct oracle_point *point,
                        long double *out);

#endif
