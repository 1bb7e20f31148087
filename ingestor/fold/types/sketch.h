/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many values there are of each size: enough to tell percentiles, with a relative error that is
 * known, whatever the values are. It is the same in any order of them, two can be added, and what
 * was added can be taken away again (DDSketch with the mapping that is linear between powers of 2;
 * a t-digest depends on the order).
 *
 * From one power of 2 to the next there are 128 parts of equal width. A value is told by its part,
 * and shown as the end of the part that is nearer to 0: less than 1/128 of it is lost, and whole
 * numbers up to 256 are exact.
 *
 *     8          9          10                  15         16
 *     ├─┬─┬─ … ─┬┼┬─ …      │        …          │ …  ─┬─┬─┤
 *      0.0625    └ 9.0625 is the part from 9.0625 to 9.125
 *
 * What is nearer to 0 than 2^-30 counts as 0, and what is 2^60 or beyond is in the last part. So
 * there are 23,041 parts, and a sketch takes 8 bytes for each that has a value: at most 184 KB.
 *
 * Pure.
 */
#ifndef INGESTOR_FOLD_TYPES_SKETCH_H
#define INGESTOR_FOLD_TYPES_SKETCH_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/buf.h"
#include "common/codec/mp.h"

struct sketch;

/* Adds a finite value to the sketch at *sketch, which is NULL for none, and moves as it grows;
 * freed with free(). At most 2^48 - 1 values may be in a part. */
void sketch_add(struct sketch **sketch, double value);

/* Adds all values of another one, which may be NULL. */
void sketch_add_all(struct sketch **sketch, const struct sketch *other);

/* Takes away a value that was added before. */
void sketch_remove(struct sketch *sketch, double value);

/* Takes the values of another one away, which were added to this before. */
void sketch_take(struct sketch *sketch, const struct sketch *other);

/* The value at that place of all in their order, from 1 to how many there are. */
double sketch_at(const struct sketch *sketch, uint64_t place);

/* The place of a percentile of so many values, of which there is one at least: the first that has
 * so many percent of them at it or before it. */
uint64_t sketch_place(uint64_t count, unsigned percent);

/* Appends [part, count, part, count, …]. */
void sketch_save(const struct sketch *sketch, struct buf *out);

/* A sketch of so many values that sketch_save wrote; NULL when the value is none. */
struct sketch *sketch_load(const mp_value *value, uint64_t count);

#endif
