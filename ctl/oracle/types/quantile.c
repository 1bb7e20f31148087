/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/oracle/types/quantile.h"

#include <math.h>
#include <stdlib.h>

static int by_size(const void *a_p, const void *b_p)
{
    const double a = *(const double *)a_p;
    const double b = *(const double *)b_p;
    return (a > b) - (a < b);
}

/* The value with what is lost of it: all behind the 128th part of its power of 2. */
static double as_shown(double value)
{
    int power;
    double size = fmin(fabs(value), nextafter(0x1p60, 0));
    if (size < 0x1p-30) {
        return 0;
    }
    size = frexp(size, &power); /* from 1/2 to 1 */
    return copysign(ldexp(floor(size * 256) / 256, power), value);
}

double oracle_quantile(double *values, size_t count, unsigned percent)
{
    size_t place = 1;
    while (100 * place < percent * count) { /* so many of them are not percent percent yet */
        place++;
    }
    qsort(values, count, sizeof *values, by_size);
    return as_shown(values[place - 1]);
}
