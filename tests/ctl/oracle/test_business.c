/* SPDX-License-Identifier: Apache-2.0 */
/* The oracle's business time, by the table of docs/tiles.md and around changes of the clock. */
#include "ctl/oracle/business.h"

#include "common/base/time/civil.h"
#include "tests/unit.h"

#define HOUR_US (3600 * US_PER_S)

static const int64_t holidays[] = {20812}; /* 2026-12-25 */

/* Monday to Thursday 08:00-18:00, Friday 08:00-16:00, in Berlin. */
static struct business_calendar desk(void)
{
    struct business_calendar calendar = {
        .name = "desk", .time_zone = "Europe/Berlin", .holidays = holidays, .holiday_count = 1};
    for (size_t day = 0; day < 5; day++) {
        calendar.week[day].ranges[0] = (struct business_range){480, day == 4 ? 960 : 1080};
        calendar.week[day].count = 1;
    }
    return calendar;
}

/* µs since 1970 of an hour of UTC. */
static int64_t at(int year, int month, int day, int hour)
{
    return civil_days(year, month, day) * US_PER_DAY + hour * HOUR_US;
}

static int64_t after(const struct business_calendar *calendar, int64_t from, int hours)
{
    int64_t out = 0;
    assert_true(oracle_business_after(calendar, from, hours * HOUR_US, &out));
    return out;
}

static void test_the_table_of_the_documentation(void **state)
{
    (void)state;
    const struct business_calendar calendar = desk();
    assert_int_equal(civil_days(2026, 12, 25), holidays[0]);
    assert_int_equal(after(&calendar, at(2026, 11, 27, 8), 4), at(2026, 11, 27, 12));
    assert_int_equal(after(&calendar, at(2026, 11, 27, 13), 4), at(2026, 11, 30, 9));
    assert_int_equal(after(&calendar, at(2026, 11, 27, 11), 4), at(2026, 11, 27, 15));
    assert_int_equal(after(&calendar, at(2026, 11, 28, 10), 4), at(2026, 11, 30, 11));
    assert_int_equal(after(&calendar, at(2026, 12, 24, 15), 4), at(2026, 12, 28, 9));
}

static void test_what_lies_between(void **state)
{
    (void)state;
    const struct business_calendar calendar = desk();
    const int64_t friday = at(2026, 11, 27, 14); /* 15:00 in Berlin, an hour before the end */
    const int64_t monday = at(2026, 11, 30, 8);  /* 09:00, an hour after the beginning */
    assert_false(oracle_business_exceeds(&calendar, friday, monday, 2 * HOUR_US));
    assert_true(oracle_business_exceeds(&calendar, friday, monday, 2 * HOUR_US - 1));
    assert_true(oracle_business_exceeds(&calendar, friday - 1, monday, 2 * HOUR_US));
    assert_int_equal(oracle_business_between(&calendar, friday - 1, monday), 2 * HOUR_US + 1);
}

static void test_changes_of_the_clock(void **state)
{
    (void)state;
    struct business_calendar calendar = {.name = "night", .time_zone = "Europe/Berlin"};
    for (size_t day = 0; day < 7; day++) {
        calendar.week[day].ranges[0] = (struct business_range){0, 240};
        calendar.week[day].count = 1;
    }
    assert_int_equal(after(&calendar, at(2026, 3, 28, 23), 4), at(2026, 3, 29, 23));
    assert_int_equal(after(&calendar, at(2026, 10, 24, 22), 5), at(2026, 10, 25, 3));
}

static void test_never(void **state)
{
    (void)state;
    const struct business_calendar closed = {.name = "closed", .time_zone = "UTC"};
    int64_t out = 7;
    assert_false(oracle_business_after(&closed, 0, 1, &out));
    assert_int_equal(out, 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_table_of_the_documentation),
        cmocka_unit_test(test_what_lies_between),
        cmocka_unit_test(test_changes_of_the_clock),
        cmocka_unit_test(test_never),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
