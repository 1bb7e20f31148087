/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/fold/types/exact.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/xalloc.h"

#define LIMB_BITS 64
#define LOWEST_EXPONENT (-1074) /* of bit 0 of limb 0 */

/* 2^63 doubles sum up to less than 2^2161 units, and so need limbs 0 to 33; where limb 33 has more
 * than the sign, one more is kept. */
#define LIMBS_MAX 35

struct exact {
    uint32_t low;   /* which limb the first one is; those below are 0 */
    uint32_t count; /* of limbs, at least 1; those above repeat the sign of the last */
    uint64_t limbs[];
};

static uint64_t sign_of(const struct exact *sum)
{
    return sum->limbs[sum->count - 1] >> (LIMB_BITS - 1) != 0 ? UINT64_MAX : 0;
}

/* Makes room for limbs `from` to `to`, and for a carry out of them: the last limb has nothing but
 * the sign then. */
static void cover(struct exact **sum_p, uint32_t from, uint32_t to)
{
    struct exact *old = *sum_p;
    uint32_t low = from;
    uint32_t end = to + 1;
    uint64_t sign = 0;
    if (old != NULL) {
        sign = sign_of(old);
        const bool pure = old->limbs[old->count - 1] == sign;
        const uint32_t old_end = old->low + old->count + (pure ? 0 : 1);
        low = old->low < from ? old->low : from;
        end = old_end > end ? old_end : end;
        if (low == old->low && end == old->low + old->count) {
            return;
        }
    }
    struct exact *sum = x_calloc(1, sizeof *sum + (end - low) * sizeof *sum->limbs);
    sum->low = low;
    sum->count = end - low;
    if (old != NULL) {
        const uint32_t at = old->low - low;
        memcpy(sum->limbs + at, old->limbs, old->count * sizeof *old->limbs);
        for (uint32_t i = at + old->count; i < sum->count; i++) {
            sum->limbs[i] = sign;
        }
        free(old);
    }
    *sum_p = sum;
}

void exact_add(struct exact **sum_p, double value)
{
    int exponent;
    uint64_t mantissa = (uint64_t)ldexp(frexp(fabs(value), &exponent), 53);
    int bit = exponent - 53 - LOWEST_EXPONENT;
    if (bit < 0) {
        mantissa >>= -bit; /* The smallest doubles have zeros there. */
        bit = 0;
    }
    const uint32_t limb = (uint32_t)bit / LIMB_BITS;
    const unsigned shift = (unsigned)bit % LIMB_BITS;
    const uint64_t parts[2] = {mantissa << shift, shift != 0 ? mantissa >> (LIMB_BITS - shift) : 0};
    cover(sum_p, limb, limb + 2);
    struct exact *sum = *sum_p;
    bool carry = false;
    for (uint32_t i = 0, at = limb - sum->low; at < sum->count && (i < 2 || carry); i++, at++) {
        const uint64_t part = i < 2 ? parts[i] : 0;
        uint64_t *to = &sum->limbs[at];
        if (value < 0) {
            const bool first = __builtin_sub_overflow(*to, part, to);
            carry = __builtin_sub_overflow(*to, (uint64_t)carry, to) || first;
        } else {
            const bool first = __builtin_add_overflow(*to, part, to);
            carry = __builtin_add_overflow(*to, (uint64_t)carry, to) || first;
        }
    }
}

void exact_take(double *value, struct exact **sum_p, struct number number)
{
    if (*sum_p == NULL) {
        const double sum = *value + number.value;
        const double added = sum - *value; /* what of the number is in the sum */
        const double lost = (*value - (sum - added)) + (number.value - added);
        if (lost == 0 && number.rest == 0) { /* not when the sum is infinite: lost is NaN then */
            *value = sum;
            return;
        }
        exact_add(sum_p, *value);
    }
    exact_add(sum_p, number.value);
    if (number.rest != 0) {
        exact_add(sum_p, number.rest);
    }
}

void exact_add_sum(struct exact **sum_p, const struct exact *other)
{
    const uint64_t sign = sign_of(other);
    const uint32_t last = other->low + other->count - 1;
    cover(sum_p, other->low, other->limbs[other->count - 1] == sign ? last : last + 1);
    struct exact *sum = *sum_p;
    bool carry = false;
    for (uint32_t i = 0, at = other->low - sum->low; at < sum->count; i++, at++) {
        uint64_t *to = &sum->limbs[at];
        const bool first =
            __builtin_add_overflow(*to, i < other->count ? other->limbs[i] : sign, to);
        carry = __builtin_add_overflow(*to, (uint64_t)carry, to) || first;
    }
}

/* ---- Rounding ---- */

/* The sum without its sign. */
struct magnitude {
    uint64_t limbs[LIMBS_MAX + 1]; /* the last one is 0 */
    uint32_t low;                  /* which limb the first one is */
    int bits;                      /* from the first limb's bit 0 to the highest 1; 0: it is 0 */
    bool negative;
};

static void magnitude_of(const struct exact *sum, struct magnitude *out)
{
    *out = (struct magnitude){.low = sum->low, .negative = sign_of(sum) != 0};
    bool carry = out->negative;
    for (uint32_t i = 0; i < sum->count; i++) {
        const uint64_t limb = out->negative ? ~sum->limbs[i] : sum->limbs[i];
        carry = __builtin_add_overflow(limb, (uint64_t)carry, &out->limbs[i]);
        if (out->limbs[i] != 0) {
            out->bits = (int)(i + 1) * LIMB_BITS - __builtin_clzll(out->limbs[i]);
        }
    }
}

/* The 64 bits from that one on. */
static uint64_t bits_from(const struct magnitude *m, int bit)
{
    const int limb = bit / LIMB_BITS;
    const int shift = bit % LIMB_BITS;
    return shift == 0 ? m->limbs[limb]
                      : m->limbs[limb] >> shift | m->limbs[limb + 1] << (LIMB_BITS - shift);
}

/* True when there is a 1 below that bit. */
static bool any_below(const struct magnitude *m, int bit)
{
    int limb = 0;
    for (; bit >= LIMB_BITS; bit -= LIMB_BITS, limb++) {
        if (m->limbs[limb] != 0) {
            return true;
        }
    }
    return (m->limbs[limb] & ((UINT64_C(1) << bit) - 1)) != 0;
}

/* The nearest double; of two that are as near, the even one. May be infinite. */
static double nearest(const struct magnitude *m)
{
    const int first = (int)m->low * LIMB_BITS + LOWEST_EXPONENT;
    if (m->bits <= 53) {
        return ldexp((double)m->limbs[0], first);
    }
    const int cut = m->bits - 53;
    uint64_t mantissa = bits_from(m, cut) & ((UINT64_C(1) << 53) - 1);
    const bool half = (bits_from(m, cut - 1) & 1) != 0;
    if (half && ((mantissa & 1) != 0 || any_below(m, cut - 1))) {
        mantissa++;
    }
    return ldexp((double)mantissa, first + cut);
}

/* True when it is an integer; *out is that then, as far as 64 bits hold it. */
static bool whole(const struct magnitude *m, uint64_t *out)
{
    const int one = -LOWEST_EXPONENT - (int)m->low * LIMB_BITS; /* the bit that 1 is */
    if (one <= 0) {
        *out = m->limbs[0] << -one;
        return true;
    }
    *out = bits_from(m, one);
    return !any_below(m, one);
}

bool exact_number(const struct exact *sum, struct number *out)
{
    struct magnitude m;
    uint64_t integer;
    magnitude_of(sum, &m);
    const double value = nearest(&m);
    *out = number_of_real(m.negative ? -value : value);
    /* From 2^53 on an integer may be another one than its double. */
    if (value >= 0x1p53 && value <= 0x1p63 && whole(&m, &integer) && integer <= INT64_MAX) {
        *out = number_of_int(m.negative ? -(int64_t)integer : (int64_t)integer);
    }
    return isfinite(value);
}

/* ---- Saving and loading ---- */

void exact_save(const struct exact *sum, struct buf *out)
{
    unsigned char bytes[1 + LIMBS_MAX * 8];
    size_t len = 0;
    bytes[len++] = (unsigned char)sum->low;
    for (uint32_t i = 0; i < sum->count; i++) {
        for (int shift = 0; shift < LIMB_BITS; shift += 8) {
            bytes[len++] = (unsigned char)(sum->limbs[i] >> shift);
        }
    }
    mp_put_bin(out, (struct str){(const char *)bytes, len});
}

struct exact *exact_load(const mp_value *value)
{
    struct str bytes;
    if (!mp_as_bin(value, &bytes) || bytes.len < 9 || bytes.len % 8 != 1) {
        return NULL;
    }
    const unsigned char *p = (const unsigned char *)bytes.p;
    const size_t count = bytes.len / 8;
    if (p[0] + count > LIMBS_MAX) {
        return NULL;
    }
    struct exact *sum = x_calloc(1, sizeof *sum + count * sizeof *sum->limbs);
    sum->low = p[0];
    sum->count = (uint32_t)count;
    for (size_t i = 0; i < count * 8; i++) {
        sum->limbs[i / 8] |= (uint64_t)p[1 + i] << (i % 8 * 8);
    }
    if (sum->low + sum->count == LIMBS_MAX && sum->limbs[count - 1] != sign_of(sum)) {
        free(sum); /* so large a sum could outgrow the limbs */
        return NULL;
    }
    return sum;
}
