/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/oracle/period.h"

#include <stdbool.h>
#include <time.h>

#include "ctl/oracle/zone.h"

#define MILLION INT64_C(1000000)

/* The same for the period in which the date lies that the clock shows, without looking whether it
 * is over. */
static int64_t begin_of_date_s(const struct config_local_time *local, enum tile_period period,
                               int64_t instant_s, int later)
{
    const time_t shown = oracle_zone_shown(local->time_zone, instant_s);
    struct tm date;
    (void)gmtime_r(&shown, &date);
    struct tm begin = {.tm_year = date.tm_year, .tm_mon = date.tm_mon, .tm_mday = date.tm_mday};
    switch (period) {
    case TILE_PERIOD_WEEK: {
        const int since_monday = (date.tm_wday + 6) % 7; /* tm_wday counts from Sunday */
        begin.tm_mday -= (since_monday + 7 - (int)local->week_starts) % 7;
        begin.tm_mday += 7 * later;
        break;
    }
    case TILE_PERIOD_MONTH:
        begin.tm_mday = 1;
        begin.tm_mon += later;
        break;
    case TILE_PERIOD_NONE:
    case TILE_PERIOD_DAY:
        begin.tm_mday += later;
        break;
    }
    return oracle_zone_begin_s(local->time_zone, timegm(&begin));
}

int64_t oracle_period_begin_us(const struct config_local_time *local, enum tile_period period,
                               int64_t instant_us, int later)
{
    const int64_t part = (instant_us % MILLION + MILLION) % MILLION;
    const int64_t instant_s = (instant_us - part) / MILLION;
    /* The clock may show the last day's date again after the new day has begun. */
    const bool over = begin_of_date_s(local, period, instant_s, 1) <= instant_s;
    return begin_of_date_s(local, period, instant_s, later + over) * MILLION;
}
