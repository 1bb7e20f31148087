/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/histogram.h"

#include <math.h>

/* Values below 32 have buckets of their own; from there on the five bits after the first count. */
static size_t bucket_of(uint64_t us)
{
    if (us < 32) {
        return (size_t)us;
    }
    const unsigned shift = 58 - (unsigned)__builtin_clzll(us);
    return (size_t)(shift + 1) * 32 + (size_t)((us >> shift) & 31);
}

static uint64_t bucket_end(size_t bucket)
{
    if (bucket < 32) {
        return bucket;
    }
    const size_t shift = bucket / 32 - 1;
    return ((uint64_t)(bucket % 32 + 33) << shift) - 1;
}

void histogram_add(struct histogram *histogram, uint64_t us)
{
    histogram->buckets[bucket_of(us)]++;
    histogram->count++;
    if (us > histogram->max_us) {
        histogram->max_us = us;
    }
}

uint64_t histogram_percentile(const struct histogram *histogram, double share)
{
    const uint64_t wanted = (uint64_t)ceil((double)histogram->count * share);
    uint64_t seen = 0;
    for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
        seen += histogram->buckets[i];
        if (seen != 0 && seen >= wanted) {
            const uint64_t end = bucket_end(i);
            return end < histogram->max_us ? end : histogram->max_us;
        }
    }
    return histogram->max_us;
}
