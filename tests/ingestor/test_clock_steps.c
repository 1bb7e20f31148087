/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/clock_steps.h"

#include "tests/unit.h"

#define START_S INT64_C(1795411920)
#define DAY_S 86400

/* The believed time in s, less the true time; the wall clock is ahead_s ahead of the true time. */
static int64_t believed(struct clock_steps *clock, int64_t boot_s, int64_t ahead_s,
                        enum clock_step *step)
{
    const wall_time t = clock_steps_now(clock, (wall_time){(START_S + boot_s + ahead_s) * US_PER_S},
                                        (boot_time){boot_s * US_PER_S}, step);
    return t.us / US_PER_S - START_S - boot_s;
}

static void test_a_jump_of_a_moment_is_never_believed(void **state)
{
    (void)state;
    static const int64_t jumps[] = {DAY_S, 3600, 61, -61, -DAY_S};
    for (size_t i = 0; i < sizeof jumps / sizeof *jumps; i++) {
        struct clock_steps clock = {0};
        enum clock_step step;
        assert_int_equal(believed(&clock, 100, 0, &step), 0);
        assert_int_equal(step, CLOCK_STEP_NONE);
        assert_int_equal(believed(&clock, 101, jumps[i], &step), 0);
        assert_int_equal(step, CLOCK_STEP_HELD);
        assert_int_equal(believed(&clock, 130, jumps[i], &step), 0);
        assert_int_equal(step, CLOCK_STEP_NONE);
        assert_int_equal(believed(&clock, 131, 0, &step), 0);
        assert_int_equal(step, CLOCK_STEP_OVER);
        assert_int_equal(believed(&clock, 132, 0, &step), 0);
        assert_int_equal(step, CLOCK_STEP_NONE);
        assert_int_equal(clock.steps, 1);
    }
}

static void test_a_jump_that_lasts_is_believed(void **state)
{
    (void)state;
    static const int64_t jumps[] = {DAY_S, -DAY_S};
    for (size_t i = 0; i < 2; i++) {
        struct clock_steps clock = {0};
        enum clock_step step;
        (void)believed(&clock, 0, 0, &step);
        assert_int_equal(believed(&clock, 1, jumps[i], &step), 0);
        assert_int_equal(believed(&clock, 30, jumps[i], &step), 0);
        assert_int_equal(believed(&clock, 31, jumps[i], &step), jumps[i]);
        assert_int_equal(step, jumps[i] > 0 ? CLOCK_STEP_AHEAD : CLOCK_STEP_BACK);
        assert_int_equal(believed(&clock, 32, jumps[i], &step), jumps[i]);
        assert_int_equal(step, CLOCK_STEP_NONE);
    }
}

static void test_another_jump_meanwhile_begins_anew(void **state)
{
    (void)state;
    struct clock_steps clock = {0};
    enum clock_step step;
    (void)believed(&clock, 0, 0, &step);
    assert_int_equal(believed(&clock, 1, DAY_S, &step), 0);
    assert_int_equal(believed(&clock, 20, 3600, &step), 0);
    assert_int_equal(step, CLOCK_STEP_NONE); /* it is told once */
    assert_int_equal(believed(&clock, 40, 3600, &step), 0);
    assert_int_equal(believed(&clock, 50, 3600, &step), 3600);
    assert_int_equal(clock.steps, 2);
}

static void test_small_steps_and_slewing_are_followed(void **state)
{
    (void)state;
    struct clock_steps clock = {0};
    enum clock_step step;
    (void)believed(&clock, 0, 0, &step);
    int64_t ahead = 0;
    for (int i = 1; i < 100; i++) {
        ahead += i % 3 == 0 ? -60 : 59;
        assert_int_equal(believed(&clock, i, ahead, &step), ahead);
        assert_int_equal(step, CLOCK_STEP_NONE);
    }
    assert_int_equal(clock.steps, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_jump_of_a_moment_is_never_believed),
        cmocka_unit_test(test_a_jump_that_lasts_is_believed),
        cmocka_unit_test(test_another_jump_meanwhile_begins_anew),
        cmocka_unit_test(test_small_steps_and_slewing_are_followed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
