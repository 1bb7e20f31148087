/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A list of patterns, compiled: in each `*` stands for any run of bytes, even an empty one. It is
 * asked about many names, so what a name costs must not grow with the number of patterns where
 * that can be helped:
 *
 *   "orders.open"   names       sorted; one binary search for all of them
 *   "orders.*"      beginnings  sorted, and none begins with another, so that only the last one
 *                               that is not behind the name can fit: one binary search, too
 *   "*.open"        the rest    one by one; most are passed over because they have a byte that the
 *                               name lacks, or another beginning or end
 *
 * What is left to do is counted in steps, for whoever has to bound it. Pure.
 */
#ifndef COMMON_BASE_MATCH_PATTERNS_H
#define COMMON_BASE_MATCH_PATTERNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/str.h"

struct patterns;

/* The texts are borrowed for as long as the result lives, which the caller destroys. An empty list
 * matches nothing. */
struct patterns *patterns_create(const struct str *list, size_t count);
void patterns_destroy(struct patterns **patterns);

/* True when one of them matches the whole name. *steps grows by the work that it was: a step takes
 * about 20 ns at most. */
bool patterns_match(const struct patterns *patterns, struct str name, uint64_t *steps);

/* The memory that they take, in bytes, without their texts. */
size_t patterns_bytes(const struct patterns *patterns);

/* The names, sorted and each once, if there is nothing else in the list; NULL if there is. Borrowed
 * from the patterns. */
const struct str *patterns_names(const struct patterns *patterns, size_t *count);

#endif
