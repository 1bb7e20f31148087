/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/fold/types/calendar.h"

#include "common/base/time/civil.h"
#include "common/base/time/zone.h"

#define DAYS_MAX                                                                                   \
    INT64_C(26700000) /* as many from 1970; µs of such days stay far below INT64_MAX              \
                       */

/* The first weekday before 1970-01-01, a Thursday, on which weeks begin, in days since then. */
static int64_t first_week(const struct calendar *calendar)
{
    return (int64_t)calendar->local->week_starts - 3;
}

/* The number of the period that a date lies in. */
static int64_t number_of_date(const struct calendar *calendar, int64_t days)
{
    int64_t year;
    int month;
    int day;
    switch (calendar->period) {
    case TILE_PERIOD_WEEK:
        return civil_floor_div(days - first_week(calendar), 7);
    case TILE_PERIOD_MONTH:
        civil_date(days, &year, &month, &day);
        return (year - 1970) * 12 + month - 1;
    case TILE_PERIOD_NONE:
    case TILE_PERIOD_DAY:
        break;
    }
    return days;
}

/* The first date of a period. */
static int64_t date_of_number(const struct calendar *calendar, int64_t number)
{
    switch (calendar->period) {
    case TILE_PERIOD_WEEK:
        return number * 7 + first_week(calendar);
    case TILE_PERIOD_MONTH: {
        const int64_t years = civil_floor_div(number, 12);
        return civil_days(1970 + years, (int)(number - years * 12) + 1, 1);
    }
    case TILE_PERIOD_NONE:
    case TILE_PERIOD_DAY:
        break;
    }
    return number;
}

bool calendar_reaches(const struct calendar *calendar, int64_t number)
{
    if (number > DAYS_MAX || number < -DAYS_MAX) {
        return false;
    }
    const int64_t days = date_of_number(calendar, number);
    return days <= DAYS_MAX && days >= -DAYS_MAX;
}

int64_t calendar_begin_us(const struct calendar *calendar, int64_t number)
{
    if (!calendar_reaches(calendar, number)) {
        return INT64_MAX;
    }
    return zone_first_us(calendar->local->zone, date_of_number(calendar, number) * US_PER_DAY);
}

int64_t calendar_number(const struct calendar *calendar, int64_t us)
{
    const int64_t local_us = zone_local_us(calendar->local->zone, us);
    const int64_t number = number_of_date(calendar, civil_floor_div(local_us, US_PER_DAY));
    /* When a clock is put back over midnight, it shows the old date again in the new day. */
    return calendar_begin_us(calendar, number + 1) <= us ? number + 1 : number;
}
