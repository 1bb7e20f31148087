/* SPDX-License-Identifier: Apache-2.0 */
/* What it costs to measure: bench_histogram [TIMES]. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "common/base/histogram.h"
#include "common/base/time/clock.h"
#include "common/base/xalloc.h"

#define VALUES 65536

/* Of this process: others may want the processor, too. */
static double cpu_ns(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

int main(int argc, char **argv)
{
    const size_t times = argc > 1 ? (size_t)atol(argv[1]) : 100000000;
    struct histogram histogram = {{0}, 0};
    int64_t *values = x_calloc(VALUES, sizeof *values);
    unsigned seed = 1;
    for (size_t i = 0; i < VALUES; i++) {
        values[i] = (int64_t)rand_r(&seed) >> rand_r(&seed) % 28; /* of every size */
    }
    double begun = cpu_ns();
    for (size_t i = 0; i < times; i++) {
        histogram_add(&histogram, values[i % VALUES]);
    }
    const double add_ns = (cpu_ns() - begun) / (double)times;
    const size_t reads = times / 10 + 1;
    volatile int64_t last = 0;
    begun = cpu_ns();
    for (size_t i = 0; i < reads; i++) {
        last = clock_mono().us;
    }
    const double read_ns = (cpu_ns() - begun) / (double)reads;
    (void)last;
    printf("%.1f ns a value, %.1f ns a look at the clock (%llu values)\n", add_ns, read_ns,
           (unsigned long long)histogram_count(&histogram));
    free(values);
    return EXIT_SUCCESS;
}
