/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The oracle's own business time, by docs/tiles.md: which seconds of a day are open is worked out
 * with the oracle's zones (zone.h). It shares no code with common/base/time/business.h but the
 * definition of a calendar. Like zone.h it is for one thread.
 */
#ifndef CTL_ORACLE_BUSINESS_H
#define CTL_ORACLE_BUSINESS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/time/business.h"

/* The first moment at which span_us of business time have passed since from_us; all are µs, and
 * span_us is above 0. False when there is none within 60 years. */
bool oracle_business_after(const struct business_calendar *calendar, int64_t from_us,
                           int64_t span_us, int64_t *out);

/* The business time between the two moments, in µs. */
int64_t oracle_business_between(const struct business_calendar *calendar, int64_t from_us,
                                int64_t to_us);

/* True when more than span_us of business time lie between the two moments. */
bool oracle_business_exceeds(const struct business_calendar *calendar, int64_t from_us,
                             int64_t to_us, int64_t span_us);

#endif
