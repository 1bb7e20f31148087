/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/fold/number.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct number number_of_int(int64_t integer)
{
    const double value = (double)integer;
    /* 2^63, which is no int64, is the double next to the largest ones. */
    const int64_t rest = value >= 0x1p63 ? integer - INT64_MAX - 1 : integer - (int64_t)value;
    return (struct number){value, (int32_t)rest};
}

static size_t digits(struct str text, size_t at)
{
    size_t end = at;
    while (end < text.len && text.p[end] >= '0' && text.p[end] <= '9') {
        end++;
    }
    return end - at;
}

static size_t sign(struct str text, size_t at)
{
    return at < text.len && (text.p[at] == '-' || text.p[at] == '+') ? 1 : 0;
}

/* True when the text is a decimal number from end to end. *whole: it is written as an integer. */
static bool is_decimal(struct str text, bool *whole)
{
    size_t at = sign(text, 0);
    size_t count = digits(text, at);
    at += count;
    *whole = true;
    if (at < text.len && text.p[at] == '.') {
        const size_t fraction = digits(text, at + 1);
        *whole = false;
        count += fraction;
        at += 1 + fraction;
    }
    if (count != 0 && at < text.len && (text.p[at] == 'e' || text.p[at] == 'E')) {
        at++;
        at += sign(text, at);
        count = digits(text, at);
        *whole = false;
        at += count;
    }
    return count != 0 && at == text.len;
}

/* Reads digits with a sign or none. False when int64 cannot hold them. */
static bool read_integer(struct str text, int64_t *out)
{
    int64_t integer = 0;
    for (size_t i = sign(text, 0); i < text.len; i++) {
        const int digit = text.p[i] - '0';
        if (__builtin_mul_overflow(integer, 10, &integer) ||
            (text.p[0] == '-' ? __builtin_sub_overflow(integer, digit, &integer)
                              : __builtin_add_overflow(integer, digit, &integer))) {
            return false;
        }
    }
    *out = integer;
    return true;
}

bool number_of_text(struct str text, struct number *out)
{
    bool whole;
    int64_t integer;
    if (text.len > NUMBER_TEXT_MAX || !is_decimal(text, &whole)) {
        return false;
    }
    if (whole && read_integer(text, &integer)) {
        *out = number_of_int(integer);
        return true;
    }
    char copy[NUMBER_TEXT_MAX + 1];
    memcpy(copy, text.p, text.len);
    copy[text.len] = '\0';
    const double value = strtod(copy, NULL);
    if (!isfinite(value)) {
        return false;
    }
    *out = number_of_real(value);
    return true;
}

void number_put(struct buf *out, struct number number)
{
    if (number.rest == 0) {
        mp_put_number(out, number.value);
    } else if (number.value >= 0x1p63) {
        mp_put_int(out, INT64_MAX + (number.rest + 1)); /* rest is below 0 */
    } else {
        mp_put_int(out, (int64_t)number.value + number.rest);
    }
}

bool number_get(const mp_value *value, struct number *out)
{
    int64_t integer;
    if (mp_as_int(value, &integer)) {
        *out = number_of_int(integer);
        return true;
    }
    *out = number_of_real(0);
    return mp_as_number(value, &out->value) && isfinite(out->value);
}

bool number_of_json(const struct json_value *value, struct number *out)
{
    int64_t integer;
    double real;
    if (json_as_int(value, &integer)) {
        *out = number_of_int(integer);
        return true;
    }
    if (json_as_number(value, &real)) {
        *out = number_of_real(real);
        return true;
    }
    return false;
}
