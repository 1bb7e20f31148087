/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The oracle's own reading of moments, by docs/sources.md: a text is turned into its shape, which
 * is looked up in a list of shapes, and the calendar is that of the C library.
 *
 *   2026-11-23 05:12:01.22+01   date 2026-11-23   time 05:12:01   fraction .22   zone +01
 *   shapes                           9999-99-99        99:99:99                       +99
 *
 * Each function sets *us to microseconds since 1970, or returns false when it is no moment. A date
 * and time that name no zone are those of the clock of `zone` (zone.h).
 */
#ifndef CTL_ORACLE_MOMENT_H
#define CTL_ORACLE_MOMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/str.h"

bool oracle_moment_of_text(struct str text, const char *zone, int64_t *us);
bool oracle_moment_of_integer(int64_t number, const char *zone, int64_t *us);
bool oracle_moment_of_real(double number, const char *zone, int64_t *us);

/* True when the moment lies in the years 0 to 9999; no other is one for us. */
bool oracle_moment_in_range(int64_t us);

#endif
