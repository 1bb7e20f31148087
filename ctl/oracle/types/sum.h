/* SPDX-License-Identifier: Apache-2.0 */
/* A sum without rounding: digits to the base 2^32, the lowest of which counts units of 2^-1074, the
 * smallest double. */
#ifndef CTL_ORACLE_TYPES_SUM_H
#define CTL_ORACLE_TYPES_SUM_H

#include <stdbool.h>
#include <stdint.h>

#define ORACLE_SUM_DIGITS 70 /* 2098 bits for the largest double, and more for 2^63 of them */

struct oracle_sum {
    int64_t digits[ORACLE_SUM_DIGITS]; /* each has its own sign until carries are moved on */
    uint32_t added;                    /* since carries were moved on */
};

/* value is a double or an integer of int64. A sum that is all zero is 0. */
void oracle_sum_add(struct oracle_sum *sum, long double value);

/* The sum itself when it is an integer of int64, and the nearest double otherwise. False when it is
 * larger than all doubles. */
bool oracle_sum_value(const struct oracle_sum *sum, long double *out);

#endif
