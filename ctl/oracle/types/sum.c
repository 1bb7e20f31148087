/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/oracle/types/sum.h"

#include <float.h>
#include <math.h>

_Static_assert(LDBL_MANT_DIG >= 64, "a long double holds each integer of 64 bits");

#define BASE (INT64_C(1) << 32)
#define UNIT_EXPONENT (-1074)
#define CARRY_AFTER (1U << 24) /* additions; a digit has room for 2^30 */

/* Brings all digits but the last between 0 and BASE. */
static void move_carries(struct oracle_sum *sum)
{
    for (int i = 0; i + 1 < ORACLE_SUM_DIGITS; i++) {
        const int64_t rest = (sum->digits[i] % BASE + BASE) % BASE;
        sum->digits[i + 1] += (sum->digits[i] - rest) / BASE;
        sum->digits[i] = rest;
    }
    sum->added = 0;
}

void oracle_sum_add(struct oracle_sum *sum, long double value)
{
    int exponent;
    uint64_t bits = (uint64_t)ldexpl(frexpl(fabsl(value), &exponent), 64);
    int at = exponent - 64 - UNIT_EXPONENT;
    for (; at < 0; at++) {
        bits /= 2; /* a double has no units smaller than that */
    }
    const uint64_t low = (bits % BASE) << (at % 32);
    const uint64_t high = (bits / BASE) << (at % 32);
    const int64_t sign = value < 0 ? -1 : 1;
    int64_t *digit = &sum->digits[at / 32];
    digit[0] += sign * (int64_t)(low % BASE);
    digit[1] += sign * (int64_t)(low / BASE + high % BASE);
    digit[2] += sign * (int64_t)(high / BASE);
    if (++sum->added == CARRY_AFTER) {
        move_carries(sum);
    }
}

/* The digits, none of which is negative, as a number with its 64 highest bits; *exact tells whether
 * there were no more. Else the lowest bit is set, so that rounding it to a double once more rounds
 * the right way. */
static long double highest_bits(const struct oracle_sum *sum, bool *exact)
{
    int top = ORACLE_SUM_DIGITS - 1;
    while (top > 0 && sum->digits[top] == 0) {
        top--;
    }
    uint64_t bits = (uint64_t)sum->digits[top];
    int exponent = UNIT_EXPONENT + top * 32;
    *exact = true;
    for (int at = top * 32 - 1; at >= 0; at--) {
        const bool one = (sum->digits[at / 32] >> (at % 32) & 1) != 0;
        if (bits >> 63 == 0) {
            bits = bits * 2 + one;
            exponent--;
        } else if (one) {
            *exact = false;
        }
    }
    return ldexpl((long double)(*exact ? bits : bits | 1), exponent);
}

bool oracle_sum_value(const struct oracle_sum *sum, long double *out)
{
    struct oracle_sum magnitude = *sum;
    bool exact;
    move_carries(&magnitude);
    const bool negative = magnitude.digits[ORACLE_SUM_DIGITS - 1] < 0;
    for (int i = 0; negative && i < ORACLE_SUM_DIGITS; i++) {
        magnitude.digits[i] = -magnitude.digits[i];
    }
    move_carries(&magnitude);
    long double value = highest_bits(&magnitude, &exact);
    const bool whole =
        exact && value <= (long double)INT64_MAX && fabsl(value - truncl(value)) <= 0;
    value = whole ? value : (long double)(double)value;
    *out = negative ? -value : value;
    return isfinite((double)value);
}
