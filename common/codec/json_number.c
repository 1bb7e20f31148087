/* SPDX-License-Identifier: Apache-2.0 */
#include "common/codec/json_number.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/*
 * Numbers that 15 significant digits write exactly, such as prices, without printf and strtod:
 * `digits` / 10^scale. It is proved by dividing: both are whole numbers that a double holds, so
 * that the quotient is the double nearest to that decimal, which is what a reader gets. There is no
 * other decimal of so few digits that gives the same double. False for what needs more digits, and
 * what
 * %.15g would write with an exponent.
 */
static bool few_digits(double size, uint64_t *digits, int *scale)
{
    static const double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8, 1e9,
                                    1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18};
    if (!(size >= 1e-4 && size < 1e15)) {
        return false;
    }
    int places = 15; /* so that 15 digits are before the point */
    if (size >= 1) {
        for (int i = 1; i <= 15 && size >= powers[i - 1]; i++) {
            places = 15 - i;
        }
    } else {
        places += (size < 1e-1) + (size < 1e-2) + (size < 1e-3);
    }
    *digits = (uint64_t)(size * powers[places] + 0.5);
    *scale = places;
    const double read = (double)*digits / powers[places];
    return !(read < size) && !(read > size);
}

/* Writes digits / 10^scale, and returns the length. */
static size_t put_decimal(uint64_t digits, int scale, bool negative, char out[JSON_NUMBER_SIZE])
{
    char reversed[JSON_NUMBER_SIZE];
    size_t len = 0;
    for (; scale > 0 && digits % 10 == 0; scale--) {
        digits /= 10;
    }
    for (int i = 0; digits != 0 || i <= scale; i++) {
        if (i == scale && scale != 0) {
            reversed[len++] = '.';
        }
        reversed[len++] = (char)('0' + digits % 10);
        digits /= 10;
    }
    if (negative) {
        reversed[len++] = '-';
    }
    for (size_t i = 0; i < len; i++) {
        out[i] = reversed[len - 1 - i];
    }
    out[len] = '\0';
    return len;
}

size_t json_number_text(double number, char out[JSON_NUMBER_SIZE])
{
    uint64_t decimal;
    int scale;
    if (few_digits(fabs(number), &decimal, &scale)) {
        return put_decimal(decimal, scale, number < 0, out);
    }
    for (int digits = 15; digits < 17; digits++) {
        const int len = snprintf(out, JSON_NUMBER_SIZE, "%.*g", digits, number);
        const double read = strtod(out, NULL);
        if (!(read < number) && !(read > number)) {
            return (size_t)len;
        }
    }
    return (size_t)snprintf(out, JSON_NUMBER_SIZE, "%.17g", number); /* enough for all */
}
