/* SPDX-License-Identifier: Apache-2.0 */
/* Percentiles by docs/tiles.md. */
#ifndef CTL_ORACLE_TYPES_QUANTILE_H
#define CTL_ORACLE_TYPES_QUANTILE_H

#include <stddef.h>

/* The percentile of the values, of which there is one at least, as it is shown. Sorts them. */
double oracle_quantile(double *values, size_t count, unsigned percent);

#endif
