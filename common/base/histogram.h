/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How often something took how long: a Prometheus histogram with fixed bounds, the same for all, so
 * that histograms of several programs add up.
 *
 *   le   10 µs, 20, 30, 50 | 100, 200, 300, 500 | 1 ms, … | 10 s, 20, 30, 50 | 100 s | +Inf
 *
 * All zero is an empty one. A value takes a few ns (tests/bench/bench_histogram.c), no memory and
 * no lock: each belongs to one thread.
 */
#ifndef COMMON_BASE_HISTOGRAM_H
#define COMMON_BASE_HISTOGRAM_H

#include <stdint.h>

#include "common/base/buf.h"

#define HISTOGRAM_BOUNDS 29

struct histogram {
    uint64_t counts[HISTOGRAM_BOUNDS + 1]; /* of each bucket alone; the last has what is beyond */
    uint64_t sum_us;
};

/* The greatest value of each bucket, in µs. */
extern const int64_t histogram_bounds_us[HISTOGRAM_BOUNDS + 1];

/* Times below zero count as zero. */
void histogram_add(struct histogram *histogram, int64_t us);

uint64_t histogram_count(const struct histogram *histogram);

/* Appends what stands before all series of that name. */
void histogram_put_head(struct buf *out, const char *name, const char *help);

/* Appends one series, in seconds. labels: `a="b",c="d"`, or "". */
void histogram_put(struct buf *out, const char *name, const char *labels,
                   const struct histogram *histogram);

#endif
