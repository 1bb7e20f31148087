/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/row_times.h"

#include "tests/unit.h"

#define MINUTE_US (60 * US_PER_S)

static const wall_time arrival = {INT64_C(1795411921220000)};

/* A row of that age, read at a minute of the monotonic clock. */
static void add(struct row_times *times, int64_t age_us, int64_t minute)
{
    row_times_add(times, wall_add_us(arrival, -age_us), arrival, (mono_time){minute * MINUTE_US});
}

static int64_t ahead_us(const struct row_times *times, int64_t minute)
{
    return row_times_ahead_us(times, (mono_time){minute * MINUTE_US});
}

static void test_nothing_is_known_before_a_row(void **state)
{
    (void)state;
    static const struct row_times none;
    int64_t age_us;
    assert_false(row_times_age_us(&none, &age_us));
    assert_int_equal(ahead_us(&none, 0), 0);
    assert_int_equal(ahead_us(&none, 1000), 0);
}

static void test_the_median_is_that_of_the_newest_rows(void **state)
{
    (void)state;
    struct row_times times = {0};
    int64_t age_us;
    add(&times, 3000, 1);
    add(&times, -9000, 1);
    add(&times, 4000, 1);
    assert_true(row_times_age_us(&times, &age_us));
    assert_int_equal(age_us, 3000);
    for (int i = 0; i < ROW_TIMES_NEWEST; i++) {
        add(&times, i, 1);
    }
    assert_true(row_times_age_us(&times, &age_us));
    assert_int_equal(age_us, ROW_TIMES_NEWEST / 2);
    for (int i = 0; i < ROW_TIMES_NEWEST; i++) {
        add(&times, -3600 * US_PER_S, 1);
    }
    assert_true(row_times_age_us(&times, &age_us));
    assert_int_equal(age_us, -3600 * US_PER_S);
}

static void test_rows_ahead_are_counted_and_the_farthest_is_known_for_minutes(void **state)
{
    (void)state;
    struct row_times times = {0};
    add(&times, 0, 7);
    assert_int_equal(times.ahead, 0);
    add(&times, -50, 7);
    add(&times, -80, 7);
    add(&times, -70, 7);
    add(&times, -20, 9);
    assert_int_equal(times.ahead, 4);
    assert_int_equal(ahead_us(&times, 9), 80);
    assert_int_equal(ahead_us(&times, 7 + ROW_TIMES_MINUTES - 1), 80);
    assert_int_equal(ahead_us(&times, 7 + ROW_TIMES_MINUTES), 20);
    assert_int_equal(ahead_us(&times, 9 + ROW_TIMES_MINUTES), 0);
    add(&times, -10, 7 + ROW_TIMES_MINUTES); /* the place of minute 7 */
    assert_int_equal(ahead_us(&times, 7 + ROW_TIMES_MINUTES), 20);
    assert_int_equal(ahead_us(&times, 9 + ROW_TIMES_MINUTES), 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_is_known_before_a_row),
        cmocka_unit_test(test_the_median_is_that_of_the_newest_rows),
        cmocka_unit_test(test_rows_ahead_are_counted_and_the_farthest_is_known_for_minutes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
