/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/source/database_clock.h"

#include "tests/unit.h"

#define WALL_LESS_MONO INT64_C(1795411921220000)

/* It is asked at a time of the monotonic clock, answers after way_us, and looks at its clock after
 * early_us of them. */
static void measure(struct database_clock *clock, int64_t ahead_us, int64_t asked_us,
                    int64_t way_us, int64_t early_us)
{
    const wall_time theirs = {WALL_LESS_MONO + asked_us + early_us + ahead_us};
    const struct moment answered = {{WALL_LESS_MONO + asked_us + way_us}, {asked_us + way_us}};
    database_clock_measure(clock, theirs, (mono_time){asked_us}, answered);
}

static void test_half_the_way_is_taken_off(void **state)
{
    (void)state;
    struct database_clock clock = {0};
    measure(&clock, -90 * US_PER_S, 1000000, 600, 300);
    assert_true(clock.known);
    assert_int_equal(clock.ahead_us, -90 * US_PER_S);
    assert_int_equal(clock.uncertain_us, 300);
}

static void test_the_shortest_way_of_a_minute_is_kept(void **state)
{
    (void)state;
    struct database_clock clock = {0};
    measure(&clock, 500, 1000000, 80000, 0); /* with a large answer */
    assert_int_equal(clock.ahead_us, 500 - 40000);
    measure(&clock, 500, 2000000, 200, 50);
    assert_int_equal(clock.ahead_us, 450);
    measure(&clock, 500, 3000000, 90000, 1000);
    assert_int_equal(clock.ahead_us, 450);
    measure(&clock, 500, 3000000 + DATABASE_CLOCK_KEPT_US, 1000, 500);
    assert_int_equal(clock.ahead_us, 500);
    assert_int_equal(clock.uncertain_us, 500);
}

static void test_a_clock_that_was_set_is_noticed_at_once(void **state)
{
    (void)state;
    struct database_clock clock = {0};
    measure(&clock, 0, 1000000, 200, 100);
    measure(&clock, 3600 * US_PER_S, 1500000, 50000, 25000);
    assert_int_equal(clock.ahead_us, 3600 * US_PER_S);
    assert_int_equal(clock.uncertain_us, 25000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_half_the_way_is_taken_off),
        cmocka_unit_test(test_the_shortest_way_of_a_minute_is_kept),
        cmocka_unit_test(test_a_clock_that_was_set_is_noticed_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
