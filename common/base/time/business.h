/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Business time: the time during which a place is open, by its weekly hours in its own time zone,
 * and by the days on which it is closed.
 *
 *        Fri            Sat   Sun   Mon
 *     ───[██████████]───────────────[██████████]───►
 *       08:00     18:00            08:00     18:00
 *
 * Hours begin and end where the clock first shows them, or a later time because it is put forward
 * over them (zone_first_us). Business time is the time that passes in between: a day that is open
 * from 00:00 to 24:00 has 23 hours when the clock is put forward, and 25 when it is put back.
 *
 * Pure. A calendar belongs to whoever fills it, and does not change while it is used, so threads
 * may share it. A question walks over the days that lie between, so it costs about as many lookups
 * of the zone as there are days, and at most BUSINESS_WALK_MAX_DAYS of them.
 */
#ifndef COMMON_BASE_TIME_BUSINESS_H
#define COMMON_BASE_TIME_BUSINESS_H

#include <stddef.h>
#include <stdint.h>

#include "common/base/time/zone.h"

#define BUSINESS_DAYS 7              /* of a week */
#define BUSINESS_RANGES_MAX 8        /* ranges of a day */
#define BUSINESS_HOLIDAYS_MAX 1000   /* dates on which it is closed */
#define BUSINESS_WALK_MAX_DAYS 20000 /* days that an answer may lie away */

/* A part of a day, in minutes since its midnight: 0 <= from < to <= 1440. */
struct business_range {
    int from; /* the first minute that is open */
    int to;   /* the first minute that is closed again */
};

/* The hours of one day of the week. */
struct business_hours {
    struct business_range ranges[BUSINESS_RANGES_MAX]; /* in their order; none meets another */
    size_t count;                                      /* 0: it is closed all day */
};

struct business_calendar {
    const char *name;                          /* unique in its file; borrowed */
    const char *time_zone;                     /* its name in the IANA database, or "UTC" */
    const struct zone *zone;                   /* NULL: UTC; borrowed */
    struct business_hours week[BUSINESS_DAYS]; /* from Monday on */
    const int64_t *holidays; /* closed days since 1970-01-01, ascending; borrowed */
    size_t holiday_count;    /* 0 to BUSINESS_HOLIDAYS_MAX */
};

/* The business time in a week without holidays and changes of the clock, in ms: 0 to 7 d. */
int64_t business_week_ms(const struct business_calendar *calendar);

/* The first instant, in µs since 1970, at which so much business time has passed since `from_us`:
 * that itself for 0. INT64_MAX when it is further away than BUSINESS_WALK_MAX_DAYS, or from_us is
 * 60,000 years or more from 1970. business_us is >= 0. */
int64_t business_after(const struct business_calendar *calendar, int64_t from_us,
                       int64_t business_us);

/* The business time from one instant to a later one, at most BUSINESS_WALK_MAX_DAYS away; of what
 * is further away, or 60,000 years or more from 1970, it is not counted. */
int64_t business_between(const struct business_calendar *calendar, int64_t from_us, int64_t to_us);

/* The first instant from which on no more business time than so much is left until `until_us`. For
 * 0 it is the last closing, if the place is closed at until_us. INT64_MIN as above. */
int64_t business_before(const struct business_calendar *calendar, int64_t until_us,
                        int64_t business_us);

#endif
