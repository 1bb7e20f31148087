/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/oracle/business.h"

#include <time.h>

#include "ctl/oracle/zone.h"

#define MILLION INT64_C(1000000)
#define DAY_S INT64_C(86400)
#define DAYS_TRIED INT64_C(22000)

/* A stretch of time that is open: seconds since 1970, the last one not included. */
struct stretch {
    int64_t from;
    int64_t to;
};

static bool is_closed(const struct business_calendar *calendar, int64_t date)
{
    for (size_t i = 0; i < calendar->holiday_count; i++) {
        if (calendar->holidays[i] == date) {
            return true;
        }
    }
    return false;
}

/* The stretches of the date that begins at that second of a clock of UTC. Returns how many. */
static size_t stretches_of(const struct business_calendar *calendar, int64_t date,
                           struct stretch out[BUSINESS_RANGES_MAX])
{
    const time_t noon = date * DAY_S + DAY_S / 2;
    struct tm tm = {0};
    (void)gmtime_r(&noon, &tm);
    const struct business_hours *hours = &calendar->week[(tm.tm_wday + 6) % 7]; /* 0: Sunday */
    if (is_closed(calendar, date)) {
        return 0;
    }
    for (size_t i = 0; i < hours->count; i++) {
        out[i].from = oracle_zone_begin_s(calendar->time_zone,
                                          date * DAY_S + hours->ranges[i].from * INT64_C(60));
        out[i].to = oracle_zone_begin_s(calendar->time_zone,
                                        date * DAY_S + hours->ranges[i].to * INT64_C(60));
    }
    return hours->count;
}

/* A date that surely has no hour behind the moment. */
static int64_t date_before(int64_t us)
{
    return us / MILLION / DAY_S - 3;
}

/* How much of the stretch lies between the two moments, in µs. */
static int64_t overlap(const struct stretch *stretch, int64_t from_us, int64_t to_us)
{
    const int64_t from = stretch->from * MILLION < from_us ? from_us : stretch->from * MILLION;
    const int64_t to = stretch->to * MILLION > to_us ? to_us : stretch->to * MILLION;
    return to > from ? to - from : 0;
}

bool oracle_business_after(const struct business_calendar *calendar, int64_t from_us,
                           int64_t span_us, int64_t *out)
{
    const int64_t first = date_before(from_us);
    int64_t passed = 0;
    for (int64_t date = first; date < first + DAYS_TRIED; date++) {
        struct stretch open[BUSINESS_RANGES_MAX];
        const size_t count = stretches_of(calendar, date, open);
        for (size_t i = 0; i < count; i++) {
            passed += overlap(&open[i], from_us, INT64_MAX);
            if (passed >= span_us) {
                *out = open[i].to * MILLION - (passed - span_us);
                return true;
            }
        }
    }
    return false;
}

int64_t oracle_business_between(const struct business_calendar *calendar, int64_t from_us,
                                int64_t to_us)
{
    int64_t passed = 0;
    for (int64_t date = date_before(from_us); date <= to_us / MILLION / DAY_S + 3; date++) {
        struct stretch open[BUSINESS_RANGES_MAX];
        const size_t count = stretches_of(calendar, date, open);
        for (size_t i = 0; i < count; i++) {
            passed += overlap(&open[i], from_us, to_us);
        }
    }
    return passed;
}

bool oracle_business_exceeds(const struct business_calendar *calendar, int64_t from_us,
                             int64_t to_us, int64_t span_us)
{
    int64_t passed = 0;
    for (int64_t date = date_before(from_us); date <= to_us / MILLION / DAY_S + 3; date++) {
        struct stretch open[BUSINESS_RANGES_MAX];
        const size_t count = stretches_of(calendar, date, open);
        for (size_t i = 0; i < count; i++) {
            passed += overlap(&open[i], from_us, to_us);
        }
        if (passed > span_us) {
            return true;
        }
    }
    return false;
}
