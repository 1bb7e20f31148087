/* SPDX-License-Identifier: Apache-2.0 */
/* Where two values differ, member by member. */
#ifndef CTL_VERIFY_DIFF_H
#define CTL_VERIFY_DIFF_H

#include "common/base/buf.h"
#include "common/codec/mp.h"

/* One difference; expected or got is NULL where the member is missing. path: "data.buckets.open"
 * (borrowed). */
typedef void diff_fn(void *arg, const char *path, const mp_value *expected, const mp_value *got);

/*
 * Calls each for every difference. Numbers that differ relatively by at most tolerance are equal.
 * Members of the outermost map that are not expected are no difference (a later version may add
 * some); anywhere deeper they are.
 */
void diff_values(const mp_value *expected, const mp_value *got, double tolerance, diff_fn *each,
                 void *arg);

#endif
