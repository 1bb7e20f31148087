/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many different values there are: exactly as long as these are few, and from then on as
 * HyperLogLog estimates it. It is the same in any order of the values, and of two that are added.
 *
 *     up to 1,024      [ 17 | 205 | 9001 | … ]      what tells the values apart, sorted
 *     beyond           [ 3 | 0 | 7 | 1 | … ]        8,192 registers of a byte
 *
 * A value is told by 53 bits of its hash. The highest 13 of them choose a register, which keeps how
 * early the first 1 comes in the other 40, at most. So what the registers hold does not depend on
 * when the census went over from the one to the other.
 *
 * Of 8,192 registers the standard error is 1.04 / sqrt(8192), 1.15 %. The estimate is that of Ertl
 * (New cardinality estimation algorithms for HyperLogLog sketches, 2017, algorithm 6): it has no
 * tables and no logarithms, whose last digit depends on the library.
 *
 * Memory: at most 8 KB and a few bytes.
 *
 * Pure.
 */
#ifndef INGESTOR_FOLD_TYPES_CENSUS_H
#define INGESTOR_FOLD_TYPES_CENSUS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/buf.h"
#include "common/base/str.h"
#include "common/codec/mp.h"

#define CENSUS_EXACT_MAX 1024 /* different values that are counted exactly */
#define CENSUS_HASH_BITS 53   /* so that a double holds a hash */

struct census;

/* What tells a value apart: a number below 2^53, the same on every machine. */
uint64_t census_hash(struct str value);

/* Adds a value by its hash to the census at *census, which is NULL for none, and moves as it
 * grows; freed with free(). */
void census_add(struct census **census, uint64_t hash);

/* Adds all values of another one, which may be NULL. */
void census_add_all(struct census **census, const struct census *other);

/* True when the count is an estimate. census may be NULL. */
bool census_estimates(const struct census *census);

/* How many different values were added; census may be NULL. */
uint64_t census_count(const struct census *census);

/* Appends [hash, hash, …], sorted; or the registers as bin. */
void census_save(const struct census *census, struct buf *out);

/* A census that census_save wrote; NULL when the value is none. */
struct census *census_load(const mp_value *value);

#endif
