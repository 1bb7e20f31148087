/* SPDX-License-Identifier: Apache-2.0 */
#include "common/base/time/business.h"

#include <stdbool.h>

#include "common/base/time/civil.h"

#define US_PER_MINUTE (60 * US_PER_S)
#define MS_PER_MINUTE INT64_C(60000)
#define MONDAY_OF_EPOCH 3 /* 1970-01-01 was a Thursday, the third day after a Monday */
#define FAR_US INT64_C(1900000000000000000) /* where no zone is asked any more */

int64_t business_week_ms(const struct business_calendar *calendar)
{
    int64_t minutes = 0;
    for (size_t day = 0; day < BUSINESS_DAYS; day++) {
        for (size_t i = 0; i < calendar->week[day].count; i++) {
            minutes += calendar->week[day].ranges[i].to - calendar->week[day].ranges[i].from;
        }
    }
    return minutes * MS_PER_MINUTE;
}

static bool is_holiday(const struct business_calendar *calendar, int64_t day)
{
    size_t low = 0;
    size_t high = calendar->holiday_count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (calendar->holidays[middle] < day) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < calendar->holiday_count && calendar->holidays[low] == day;
}

/* The hours of a day since 1970-01-01; NULL when it is closed. */
static const struct business_hours *hours_of(const struct business_calendar *calendar, int64_t day)
{
    const int64_t weekday = day + MONDAY_OF_EPOCH -
                            civil_floor_div(day + MONDAY_OF_EPOCH, BUSINESS_DAYS) * BUSINESS_DAYS;
    const struct business_hours *hours = &calendar->week[weekday];
    return hours->count == 0 || is_holiday(calendar, day) ? NULL : hours;
}

static int64_t instant_of(const struct business_calendar *calendar, int64_t day, int minute)
{
    return zone_first_us(calendar->zone, day * US_PER_DAY + minute * US_PER_MINUTE);
}

static int64_t local_day(const struct business_calendar *calendar, int64_t us)
{
    return civil_floor_div(zone_local_us(calendar->zone, us), US_PER_DAY);
}

/* Hours lie behind each other as instants, too, but need not lie in the day that the clock shows
 * meanwhile: it may be put back over midnight. So both walks begin a day early. */
int64_t business_after(const struct business_calendar *calendar, int64_t from_us,
                       int64_t business_us)
{
    if (business_us <= 0) {
        return from_us;
    }
    if (from_us < -FAR_US || from_us > FAR_US) {
        return INT64_MAX;
    }
    const int64_t first = local_day(calendar, from_us) - 1;
    for (int64_t day = first; day < first + BUSINESS_WALK_MAX_DAYS; day++) {
        const struct business_hours *hours = hours_of(calendar, day);
        for (size_t i = 0; hours != NULL && i < hours->count; i++) {
            const int64_t to = instant_of(calendar, day, hours->ranges[i].to);
            if (to <= from_us) {
                continue;
            }
            const int64_t opens = instant_of(calendar, day, hours->ranges[i].from);
            const int64_t from = opens > from_us ? opens : from_us;
            if (to - from >= business_us) {
                return from + business_us;
            }
            business_us -= to - from;
        }
    }
    return INT64_MAX;
}

int64_t business_between(const struct business_calendar *calendar, int64_t from_us, int64_t to_us)
{
    int64_t passed_us = 0;
    if (from_us < -FAR_US || to_us > FAR_US || from_us >= to_us) {
        return 0;
    }
    const int64_t first = local_day(calendar, from_us) - 1;
    for (int64_t day = first; day < first + BUSINESS_WALK_MAX_DAYS; day++) {
        const struct business_hours *hours = hours_of(calendar, day);
        for (size_t i = 0; hours != NULL && i < hours->count; i++) {
            const int64_t opens = instant_of(calendar, day, hours->ranges[i].from);
            if (opens >= to_us) {
                return passed_us;
            }
            const int64_t closes = instant_of(calendar, day, hours->ranges[i].to);
            const int64_t from = opens > from_us ? opens : from_us;
            const int64_t to = closes < to_us ? closes : to_us;
            passed_us += to > from ? to - from : 0;
        }
    }
    return passed_us;
}

int64_t business_before(const struct business_calendar *calendar, int64_t until_us,
                        int64_t business_us)
{
    if (until_us < -FAR_US || until_us > FAR_US) {
        return INT64_MIN;
    }
    const int64_t last = local_day(calendar, until_us) + 1;
    for (int64_t day = last; day > last - BUSINESS_WALK_MAX_DAYS; day--) {
        const struct business_hours *hours = hours_of(calendar, day);
        for (size_t i = hours != NULL ? hours->count : 0; i-- > 0;) {
            const int64_t from = instant_of(calendar, day, hours->ranges[i].from);
            if (from >= until_us) {
                continue;
            }
            const int64_t closes = instant_of(calendar, day, hours->ranges[i].to);
            const int64_t to = closes < until_us ? closes : until_us;
            if (to - from > business_us) {
                return to - business_us;
            }
            business_us -= to > from ? to - from : 0;
        }
    }
    return INT64_MIN;
}
