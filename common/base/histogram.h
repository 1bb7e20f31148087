/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How often something took how long: a Prometheus histogram
 * (https://prometheus.io/docs/concepts/metric_types/#histogram). Its bounds are fixed and the same
 * for all, so that histograms of several programs can be added up.
 *
 *   bucket      0     1     2     3     4     5    …    27    28      29
 *   up to   10 µs    20    30    50   100   200    …  50 s  100 s   +Inf
 *           └─ a decade: 1, 2, 3, 5 ─┘
 *
 * A bucket counts what is above the bound before it, and not above its own. Prometheus wants sums
 * of them ("le"), which are made when they are written.
 *
 * A zeroed struct is an empty histogram. Adding a value takes a few ns
 * (tests/bench/bench_histogram.c), no memory and no lock: a histogram belongs to one thread.
 */
#ifndef COMMON_BASE_HISTOGRAM_H
#define COMMON_BASE_HISTOGRAM_H

#include <stdint.h>

#include "common/base/buf.h"

#define HISTOGRAM_BOUNDS 29 /* finite ones; there is one bucket more */

struct histogram {
    uint64_t counts[HISTOGRAM_BOUNDS + 1]; /* by bucket; not summed up */
    uint64_t sum_us;                       /* of all values */
};

/* The greatest value of each bucket, in µs; INT64_MAX for the last. */
extern const int64_t histogram_bounds_us[HISTOGRAM_BOUNDS + 1];

/* Adds a duration. One below zero counts as zero. */
void histogram_add(struct histogram *histogram, int64_t us);

/* How many values were added. */
uint64_t histogram_count(const struct histogram *histogram);

/* Appends the lines of HELP and TYPE, which stand before all series of that name. */
void histogram_put_head(struct buf *out, const char *name, const char *help);

/* Appends one series in Prometheus' text format, in seconds. labels is `a="b",c="d"`, or "". */
void histogram_put(struct buf *out, const char *name, const char *labels,
                   const struct histogram *histogram);

#endif
