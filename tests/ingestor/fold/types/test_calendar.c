/* SPDX-License-Identifier: Apache-2.0 */
/* Days, weeks and months of time zones, against a clock of the C library that is watched minute by
 * minute. */
#include "ingestor/fold/types/calendar.h"

#include <stdio.h>
#include <time.h>

#include "common/base/time/civil.h"
#include "common/base/time/zone_spans.h"
#include "tests/ingestor/fold/fold_unit.h"

#define MINUTE INT64_C(60)
#define DAY INT64_C(86400)

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

static struct config_local_time local_in(const char *name, enum config_weekday week_starts)
{
    struct config_local_time local = {.time_zone = name, .week_starts = week_starts};
    char text[300];
    assert_int_equal(zone_load(name, memory, &local.zone, NULL), STATUS_OK);
    snprintf(text, sizeof text, ":%s", name);
    setenv("TZ", text, 1);
    tzset();
    return local;
}

static void shown_at(int64_t s, struct tm *tm)
{
    const time_t t = s;
    assert_non_null(localtime_r(&t, tm));
}

static void check_day(const struct config_local_time *local, int64_t s, int64_t day, int64_t begin)
{
    const struct calendar days = {TILE_PERIOD_DAY, local};
    const int64_t number = calendar_number(&days, s * US_PER_S);
    if (number != day || (begin != 0 && calendar_begin_us(&days, day) != begin * US_PER_S)) {
        fail_msg("%s at %lld: day %lld from %lld, and not %lld from %lld", local->time_zone,
                 (long long)s, (long long)number, (long long)calendar_begin_us(&days, number),
                 (long long)day, (long long)begin);
    }
}

/* A day is there from the minute on at which the clock first shows its date. */
static void watch_days(const struct config_local_time *local, int64_t from_s, int64_t to_s)
{
    struct tm tm;
    int64_t day = INT64_MIN;
    int64_t begin = 0; /* unknown */
    for (int64_t s = from_s; s < to_s; s += MINUTE) {
        shown_at(s, &tm);
        const int64_t shown = civil_days(tm.tm_year + INT64_C(1900), tm.tm_mon + 1, tm.tm_mday);
        if (shown > day) {
            begin = day == INT64_MIN ? 0 : s;
            day = shown;
        }
        check_day(local, s, day, begin);
    }
}

static const char *const zones[] = {"Europe/Berlin",    "America/New_York",   "Pacific/Apia",
                                    "America/St_Johns", "America/Havana",     "America/Sao_Paulo",
                                    "Asia/Gaza",        "Australia/Lord_Howe"};

static void test_days_begin_when_the_clock_first_shows_them(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof zones / sizeof *zones; i++) {
        const struct config_local_time local = local_in(zones[i], CONFIG_MONDAY);
        for (size_t k = 0; k < local.zone->count; k++) {
            const int64_t s = local.zone->spans[k].from_us / US_PER_S;
            if (s > civil_days(1970, 1, 3) * DAY && s < civil_days(2060, 1, 1) * DAY) {
                const int64_t whole = s - (s % MINUTE);
                watch_days(&local, whole - 2 * DAY, whole + 2 * DAY);
            }
        }
    }
}

static void check_period(const struct config_local_time *local, enum tile_period period, int64_t us)
{
    const struct calendar calendar = {period, local};
    const struct calendar days = {TILE_PERIOD_DAY, local};
    const int64_t number = calendar_number(&calendar, us);
    const int64_t begin_us = calendar_begin_us(&calendar, number);
    struct tm tm;
    assert_true(begin_us <= us && us < calendar_begin_us(&calendar, number + 1));
    assert_int_equal(calendar_number(&calendar, begin_us), number);
    assert_int_equal(calendar_number(&calendar, begin_us - 1), number - 1);
    /* It begins with a day, and that one is the first of the period. */
    assert_int_equal(begin_us, calendar_begin_us(&days, calendar_number(&days, begin_us)));
    shown_at(begin_us / US_PER_S, &tm);
    if (period == TILE_PERIOD_MONTH) {
        assert_int_equal(tm.tm_mday, 1);
    } else if (period == TILE_PERIOD_WEEK) {
        assert_int_equal((tm.tm_wday + 6) % 7, (int)local->week_starts);
    }
}

static void test_weeks_and_months_begin_with_their_first_day(void **state)
{
    (void)state;
    unsigned seed = seed_of_run();
    for (int i = 0; i < 20000; i++) {
        static struct config_local_time local;
        if (i % 500 == 0) {
            local = local_in(zones[i / 500 % 2], (enum config_weekday)(i / 500 % 7));
        }
        const int64_t us = (civil_days(1970, 2, 1) + rand_r(&seed) % 47000) * US_PER_DAY +
                           rand_r(&seed) % DAY * US_PER_S;
        check_period(&local, TILE_PERIOD_DAY, us);
        check_period(&local, TILE_PERIOD_WEEK, us);
        check_period(&local, TILE_PERIOD_MONTH, us);
    }
}

/* Random rows around the changes of the clock, in any order, while time goes on. What is shown is
 * counted anew from all of them. */
static void test_random_rows_are_counted_in_their_periods(void **state)
{
    (void)state;
    static const char *const keys[] = {"d", "w", "m", "td", "tw", "tm"};
    unsigned seed = seed_of_run();
    int64_t rows_ms[400];
    struct fold_test t;
    fold_test_init_in(&t, ", time_zone: Europe/Berlin, week_starts: saturday",
                      "  - {key: d, type: count, window: today}\n"
                      "  - {key: w, type: count, window: this_week}\n"
                      "  - {key: m, type: count, window: this_month}\n"
                      "  - {key: td, type: trend, step: 1d, length: 5}\n"
                      "  - {key: tw, type: trend, step: 1w, length: 2}\n"
                      "  - {key: tm, type: trend, step: 1M, length: 2}\n");
    pass_ms(&t, (civil_days(2027, 3, 25) * US_PER_DAY - START_US) / US_PER_MS);
    for (size_t i = 0; i < 400; i++) {
        const int64_t now_ms = (t.now.wall.us - START_US) / US_PER_MS;
        rows_ms[i] = now_ms - (int64_t)(rand_r(&seed) % (100 * 3600)) * 1000;
        fold_at(&t, (int64_t)i + 1, rows_ms[i], "x", NULL, NULL);
        pass_ms(&t, rand_r(&seed) % 3600000);
        const size_t k = i % 6;
        const struct tile_config *tile = config_tile(t.config, str_of(keys[k]));
        const struct calendar calendar = {k < 3 ? tile->window_period : tile->step_period,
                                          tile->local};
        const int64_t length = k < 3 ? 1 : tile->length;
        const int64_t oldest_us =
            calendar_begin_us(&calendar, calendar_number(&calendar, t.now.wall.us) - length + 1);
        int64_t expected = 0;
        for (size_t r = 0; r <= i; r++) {
            expected += START_US + rows_ms[r] * US_PER_MS >= oldest_us;
        }
        const char *data = data_of(&t, keys[k]);
        int64_t shown = 0;
        const char *points = strstr(data, "\"points\":{");
        assert_true(k < 3 || points != NULL);
        const char *at = k < 3 || points == NULL ? data : points + strlen("\"points\":{");
        for (at = strchr(at, ':'); at != NULL; at = strchr(at + 1, ':')) {
            shown += strtoll(at + 1, NULL, 10);
            if (k < 3) {
                break;
            }
        }
        if (shown != expected) {
            fail_msg("%s: %s, and not %lld", keys[k], data, (long long)expected);
        }
    }
    fold_test_free(&t);
}

static void test_what_the_calendar_does_not_reach(void **state)
{
    (void)state;
    const struct config_local_time local = local_in("Europe/Berlin", CONFIG_MONDAY);
    for (int period = TILE_PERIOD_DAY; period <= TILE_PERIOD_MONTH; period++) {
        const struct calendar calendar = {(enum tile_period)period, &local};
        assert_int_equal(calendar_begin_us(&calendar, INT64_MAX), INT64_MAX);
        assert_int_equal(calendar_begin_us(&calendar, INT64_C(30000000)), INT64_MAX);
        assert_false(calendar_reaches(&calendar, INT64_MIN));
        const int64_t first = calendar_number(&calendar, INT64_MIN / 4); /* where a fold begins */
        assert_true(calendar_reaches(&calendar, first));
        assert_true(calendar_begin_us(&calendar, first) <= INT64_MIN / 4);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_days_begin_when_the_clock_first_shows_them),
        cmocka_unit_test(test_weeks_and_months_begin_with_their_first_day),
        cmocka_unit_test(test_random_rows_are_counted_in_their_periods),
        cmocka_unit_test(test_what_the_calendar_does_not_reach),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
