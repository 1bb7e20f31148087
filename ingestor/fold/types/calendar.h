/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Days, weeks and months of a time zone, numbered from 1970. A period begins at the first instant
 * at which the zone's clock shows the midnight of its first day, or a later time because it is put
 * forward over that midnight; and it ends where the next one begins:
 *
 *     Berlin, October 2026    Sat 24        Sun 25            Mon 26
 *     begins, in UTC       Fri 22:00     Sat 22:00         Sun 23:00
 *                              │   24 h      │      25 h       │
 *
 * A day that the zone leaves out begins and ends at the same instant. Pure.
 */
#ifndef INGESTOR_FOLD_TYPES_CALENDAR_H
#define INGESTOR_FOLD_TYPES_CALENDAR_H

#include <stdbool.h>
#include <stdint.h>

#include "common/config/tiles.h"

struct calendar {
    enum tile_period period; /* a day, a week or a month; NONE: there is no calendar */
    const struct config_local_time *local; /* borrowed; NULL only when the period is NONE */
};

/* The number of the period that an instant, in µs since 1970, lies in. */
int64_t calendar_number(const struct calendar *calendar, int64_t us);

/* When the period of that number begins, in µs since 1970; INT64_MAX when the calendar does not
 * reach it. */
int64_t calendar_begin_us(const struct calendar *calendar, int64_t number);

/* True when the period lies within 73,000 years of 1970: so far the calendar reaches. */
bool calendar_reaches(const struct calendar *calendar, int64_t number);

#endif
