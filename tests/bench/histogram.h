/* SPDX-License-Identifier: Apache-2.0 */
/* Latencies, counted in buckets that are at most 1/32 wide: so are the errors of its percentiles.
 */
#ifndef BENCH_HISTOGRAM_H
#define BENCH_HISTOGRAM_H

#include <stddef.h>
#include <stdint.h>

#define HISTOGRAM_BUCKETS 2048 /* 32 for each doubling: all of 64 bits */

struct histogram {
    uint64_t count;
    uint64_t max_us;
    uint64_t buckets[HISTOGRAM_BUCKETS];
};

void histogram_add(struct histogram *histogram, uint64_t us);

/* The value, in microseconds, that the share (0 to 1) of all values does not exceed; rounded up to
 * the end of its bucket, but not beyond the greatest value. 0 when there is none. */
uint64_t histogram_percentile(const struct histogram *histogram, double share);

#endif
