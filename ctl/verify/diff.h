/* SPDX-License-Identifier: Apache-2.0 */
/* Finds where two values differ, member by member. */
#ifndef CTL_VERIFY_DIFF_H
#define CTL_VERIFY_DIFF_H

#include "common/base/buf.h"
#include "common/codec/mp.h"

/* Is told of one difference. path is like "data.buckets.open"; expected or got is NULL where the
 * member is missing. All three are borrowed, and valid during the call. */
typedef void diff_fn(void *arg, const char *path, const mp_value *expected, const mp_value *got);

/*
 * Calls each for every difference. Numbers are equal when they differ by at most tolerance,
 * relative to their size. Members of the outermost map that are not expected are no difference,
 * since a later version may add some; deeper they are one.
 */
void diff_values(const mp_value *expected, const mp_value *got, double tolerance, diff_fn *each,
                 void *arg);

#endif
