/* SPDX-License-Identifier: Apache-2.0 */
#include "common/base/histogram.h"

#include <inttypes.h>

#define DECADE(us) (us), 2 * (us), 3 * (us), 5 * (us)

const int64_t histogram_bounds_us[HISTOGRAM_BOUNDS + 1] = {
    DECADE(INT64_C(10)),       DECADE(INT64_C(100)),    DECADE(INT64_C(1000)),
    DECADE(INT64_C(10000)),    DECADE(INT64_C(100000)), DECADE(INT64_C(1000000)),
    DECADE(INT64_C(10000000)), INT64_C(100000000),      INT64_MAX,
};

/*
 * The first bucket that a value of so many bits may belong to. Its own is at most two further on,
 * because at most two bounds lie between a power of two and its double:
 *
 *   7 bits are 64 … 127:   first_bucket[7] = 4, up to 100; or the next, up to 200
 */
static const uint8_t first_bucket[] = {0,  0,  0,  0,  0,  1,  3,  4,  5,  6,  8,  9,  10, 11,
                                       12, 13, 15, 16, 17, 18, 20, 21, 22, 23, 24, 25, 27, 28};

static unsigned bits(uint64_t value)
{
    return value == 0 ? 0 : 64U - (unsigned)__builtin_clzll(value);
}

void histogram_add(struct histogram *histogram, int64_t us)
{
    const uint64_t value = us > 0 ? (uint64_t)us : 0;
    const unsigned len = bits(value);
    size_t bucket = len < sizeof first_bucket ? first_bucket[len] : HISTOGRAM_BOUNDS;
    /* Two additions and no branch, which would often be mispredicted. */
    bucket += (int64_t)value > histogram_bounds_us[bucket];
    bucket += (int64_t)value > histogram_bounds_us[bucket];
    histogram->counts[bucket]++;
    histogram->sum_us += value;
}

uint64_t histogram_count(const struct histogram *histogram)
{
    uint64_t count = 0;
    for (size_t i = 0; i <= HISTOGRAM_BOUNDS; i++) {
        count += histogram->counts[i];
    }
    return count;
}

void histogram_put_head(struct buf *out, const char *name, const char *help)
{
    buf_printf(out, "# HELP %s %s\n# TYPE %s histogram\n", name, help, name);
}

void histogram_put(struct buf *out, const char *name, const char *labels,
                   const struct histogram *histogram)
{
    const char *comma = labels[0] != '\0' ? "," : "";
    const char *open = labels[0] != '\0' ? "{" : "";
    const char *close = labels[0] != '\0' ? "}" : "";
    uint64_t count = 0;
    for (size_t i = 0; i < HISTOGRAM_BOUNDS; i++) {
        count += histogram->counts[i];
        buf_printf(out, "%s_bucket{%s%sle=\"%g\"} %" PRIu64 "\n", name, labels, comma,
                   (double)histogram_bounds_us[i] / 1e6, count);
    }
    count += histogram->counts[HISTOGRAM_BOUNDS];
    buf_printf(out, "%s_bucket{%s%sle=\"+Inf\"} %" PRIu64 "\n", name, labels, comma, count);
    buf_printf(out, "%s_sum%s%s%s %" PRIu64 ".%06" PRIu64 "\n", name, open, labels, close,
               histogram->sum_us / 1000000, histogram->sum_us % 1000000);
    buf_printf(out, "%s_count%s%s%s %" PRIu64 "\n", name, open, labels, close, count);
}
