/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An exact sum of doubles: the same in whatever order they come, since nothing is rounded before it
 * is asked for.
 *
 * Every double is an integer times 2^-1074. The sum is such an integer in two's complement, of
 * which only the limbs (64 bits each) that were ever used are kept; the last one holds the sign:
 *
 *     bit    0         64        128              1088       1152        2176
 *            ├─────────┼─────────┼─ … ───────────┼──────────┼─ … ───────┤
 *     limb   0         1         2               17         18          34
 *            2^-1074                       1 is bit 1074            2^1024 · 2^63 rows
 *                                 amounts like 12.34 use 16, 17 and 18
 *
 * So a sum takes 32 to 288 bytes, and an addition touches two or three limbs. A list of doubles
 * that do not overlap (Shewchuk) would be as small, but it overflows where the sum does not.
 *
 * Pure.
 */
#ifndef INGESTOR_FOLD_TYPES_EXACT_H
#define INGESTOR_FOLD_TYPES_EXACT_H

#include <stdbool.h>

#include "common/base/buf.h"
#include "common/codec/mp.h"
#include "ingestor/fold/number.h"

struct exact;

/* Adds a finite value to the sum at *sum, which is NULL for 0, and moves as it grows; freed with
 * free(). At most 2^63 values may be added. */
void exact_add(struct exact **sum, double value);

/* Adds to a sum that is *value as long as a double can hold it, which is nearly free, and *sum from
 * then on, when *value is unused. Both begin as 0. */
void exact_take(double *value, struct exact **sum, struct number number);

/* Adds another sum, which is not NULL, in the same way. */
void exact_add_sum(struct exact **sum, const struct exact *other);

/* The sum: an integer of int64 exactly, any other number as the nearest double. False when it is
 * beyond all doubles. */
bool exact_number(const struct exact *sum, struct number *out);

/* Appends the sum as bin. */
void exact_save(const struct exact *sum, struct buf *out);

/* A sum that exact_save wrote; NULL when the value is none. */
struct exact *exact_load(const mp_value *value);

#endif
