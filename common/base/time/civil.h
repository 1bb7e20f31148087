/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Units of time, and dates of the proleptic Gregorian calendar as numbers of days, after Howard
 * Hinnant, "chrono-Compatible Low-Level Date Algorithms"
 * (https://howardhinnant.github.io/date_algorithms.html). Years are counted from March, so that the
 * leap day is the last of its year; an era is 400 of them, and has 146,097 days. All is inline,
 * because each row needs it, and constants are folded. Pure.
 */
#ifndef COMMON_BASE_TIME_CIVIL_H
#define COMMON_BASE_TIME_CIVIL_H

#include <stdint.h>

#define US_PER_MS INT64_C(1000)
#define US_PER_S INT64_C(1000000)
#define US_PER_DAY INT64_C(86400000000)

/* Days since 1970-01-01 of a date. month is 1 to 12 and day 1 to 31; any year whose days int64
 * holds. */
static inline int64_t civil_days(int64_t year, int month, int day)
{
    year -= month <= 2;
    const int64_t era = (year >= 0 ? year : year - 399) / 400;
    const int64_t year_of_era = year - era * 400;
    const int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    const int64_t day_of_era =
        year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

/* The date of a day since 1970-01-01. */
static inline void civil_date(int64_t days, int64_t *year, int *month, int *day)
{
    days += 719468;
    const int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    const int64_t day_of_era = days - era * 146097;
    const int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    const int64_t day_of_year =
        day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    const int64_t month_from_march = (5 * day_of_year + 2) / 153;
    *day = (int)(day_of_year - (153 * month_from_march + 2) / 5 + 1);
    *month = (int)(month_from_march < 10 ? month_from_march + 3 : month_from_march - 9);
    *year = year_of_era + era * 400 + (*month <= 2);
}

/* a / b, rounded towards the past; b is above 0. */
static inline int64_t civil_floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b != 0 && a < 0);
}

#endif
