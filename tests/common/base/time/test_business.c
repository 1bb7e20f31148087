/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Business time against a model that goes minute by minute with the C library's clock. The model
 * remembers the latest local time that the clock has shown so far: hours are open while that lies
 * in them, so it knows no dates and no changes of the clock.
 */
#include "common/base/time/business.h"

#include <stdio.h>
#include <time.h>

#include "common/base/time/civil.h"
#include "tests/unit.h"

#define MINUTE_US (60 * US_PER_S)
#define DAYS 40
#define MINUTES (DAYS * 1440)

static struct arena *memory;

static int set_up(void **state)
{
    (void)state;
    memory = arena_create();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_destroy(&memory);
    return 0;
}

static struct business_calendar calendar_in(const char *zone)
{
    struct business_calendar calendar = {.name = "desk", .time_zone = zone};
    struct error err = {{0}};
    char text[300];
    if (strcmp(zone, "UTC") != 0 && zone_load(zone, memory, &calendar.zone, &err) != STATUS_OK) {
        fail_msg("%s", err.text);
    }
    snprintf(text, sizeof text, ":%s", zone);
    setenv("TZ", text, 1);
    tzset();
    return calendar;
}

static void open_on(struct business_calendar *calendar, size_t day, int from, int to)
{
    struct business_hours *hours = &calendar->week[day];
    hours->ranges[hours->count++] = (struct business_range){from, to};
}

static bool is_open(const struct business_calendar *calendar, int64_t local_s)
{
    const int64_t day = civil_floor_div(local_s, 86400);
    const int minute = (int)((local_s - day * 86400) / 60);
    const struct business_hours *hours = &calendar->week[((day + 3) % 7 + 7) % 7];
    for (size_t i = 0; i < calendar->holiday_count; i++) {
        if (calendar->holidays[i] == day) {
            return false;
        }
    }
    for (size_t i = 0; i < hours->count; i++) {
        if (hours->ranges[i].from <= minute && minute < hours->ranges[i].to) {
            return true;
        }
    }
    return false;
}

/* How many minutes were open before each minute from first_s on. */
static void model(const struct business_calendar *calendar, int64_t first_s,
                  int before[MINUTES + 1])
{
    int64_t latest = INT64_MIN;
    before[0] = 0;
    for (int64_t s = first_s - 3 * 86400; s < first_s + MINUTES * INT64_C(60); s += 60) {
        const time_t at = s;
        struct tm tm;
        assert_non_null(localtime_r(&at, &tm));
        latest = s + tm.tm_gmtoff > latest ? s + tm.tm_gmtoff : latest;
        if (s >= first_s) {
            const int64_t minute = (s - first_s) / 60;
            before[minute + 1] = before[minute] + is_open(calendar, latest);
        }
    }
}

/* Many spans from many minutes, both ways. */
static void check_around(const struct business_calendar *calendar, int64_t first_day,
                         unsigned *seed)
{
    static int before[MINUTES + 1];
    const int64_t first_s = first_day * 86400;
    model(calendar, first_s, before);
    assert_true(before[MINUTES] > 0);
    for (int i = 0; i < 2000; i++) {
        const int from = rand_r(seed) % MINUTES;
        const int span = rand_r(seed) % (i % 2 == 0 ? 600 : 6000);
        const int64_t from_us = (first_s + from * INT64_C(60)) * US_PER_S;
        int there = from;
        while (there < MINUTES && before[there] - before[from] < span) {
            there++;
        }
        if (before[there] - before[from] >= span) {
            assert_int_equal(business_after(calendar, from_us, span * MINUTE_US),
                             (first_s + there * INT64_C(60)) * US_PER_S);
        }
        assert_int_equal(
            business_between(calendar, from_us, (first_s + there * INT64_C(60)) * US_PER_S),
            (before[there] - before[from]) * MINUTE_US);
        int back = from;
        while (back > 0 && before[from] - before[back - 1] <= span) {
            back--;
        }
        if (back > 0) {
            assert_int_equal(business_before(calendar, from_us, span * MINUTE_US),
                             (first_s + back * INT64_C(60)) * US_PER_S);
        }
    }
}

static void test_it_is_what_a_model_counts_over_all_changes_of_the_clock(void **state)
{
    (void)state;
    static const struct {
        const char *zone;
        int year;
        int month;
    } cases[] = {
        {"UTC", 2026, 11},
        {"Europe/Berlin", 2026, 10},       /* put back at 03:00 */
        {"Europe/Berlin", 2026, 3},        /* put forward at 02:00 */
        {"Australia/Lord_Howe", 2026, 10}, /* by half an hour */
        {"Australia/Lord_Howe", 2026, 4},  /* and back */
        {"America/St_Johns", 2006, 10},    /* put back over midnight */
        {"America/Havana", 2026, 3},       /* a day without a midnight */
        {"Pacific/Apia", 2011, 12},        /* a date that never was */
        {"America/New_York", 1965, 4},     /* before 1970 */
    };
    unsigned seed = 7;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (int kind = 0; kind < 3; kind++) {
            struct business_calendar calendar = calendar_in(cases[i].zone);
            const int64_t day = civil_days(cases[i].year, cases[i].month, 10);
            const int64_t holidays[] = {day + 3, day + 4, day + 16};
            for (size_t weekday = 0; weekday < (kind == 0 ? 5 : 7); weekday++) {
                if (kind == 2) { /* hours that changes of the clock fall into */
                    open_on(&calendar, weekday, 0, 1);
                    open_on(&calendar, weekday, 30, 135);
                    open_on(&calendar, weekday, 150, 1380);
                    open_on(&calendar, weekday, 1410, 1440);
                } else {
                    open_on(&calendar, weekday, kind == 0 ? 480 : 0, kind == 0 ? 1080 : 1440);
                }
            }
            calendar.holidays = holidays;
            calendar.holiday_count = kind == 1 ? 0 : 3;
            check_around(&calendar, day, &seed);
        }
    }
}

static void test_a_week_is_counted(void **state)
{
    (void)state;
    struct business_calendar calendar = calendar_in("UTC");
    assert_int_equal(business_week_ms(&calendar), 0);
    open_on(&calendar, 0, 480, 720);
    open_on(&calendar, 0, 780, 1020);
    open_on(&calendar, 6, 0, 1440);
    assert_int_equal(business_week_ms(&calendar), 32 * INT64_C(3600000));
}

static void test_what_is_too_far_away_is_never(void **state)
{
    (void)state;
    struct business_calendar calendar = calendar_in("Europe/Berlin");
    assert_int_equal(business_after(&calendar, 0, 1), INT64_MAX); /* never open */
    assert_int_equal(business_before(&calendar, 0, 0), INT64_MIN);
    open_on(&calendar, 0, 480, 481);
    assert_int_equal(business_after(&calendar, 0, 10000 * MINUTE_US), INT64_MAX);
    assert_int_equal(business_after(&calendar, INT64_MAX - 1, 1), INT64_MAX);
    assert_int_equal(business_before(&calendar, INT64_MIN, 1), INT64_MIN);
    assert_int_equal(business_after(&calendar, 5, 0), 5);
    assert_int_equal(business_between(&calendar, INT64_MIN, INT64_MAX), 0);
    assert_int_equal(business_between(&calendar, 5 * US_PER_DAY, 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_it_is_what_a_model_counts_over_all_changes_of_the_clock),
        cmocka_unit_test(test_a_week_is_counted),
        cmocka_unit_test(test_what_is_too_far_away_is_never),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
