/* SPDX-License-Identifier: Apache-2.0 */
#include "common/net/silence.h"

#include "tests/unit.h"

static mono_time at(int64_t ms)
{
    return (mono_time){ms * US_PER_MS};
}

static void test_patience_doubles_and_something_heard_restores_it(void **state)
{
    (void)state;
    struct silence silence;
    silence_heard(&silence, at(100));
    assert_false(silence_is_over(&silence, at(100 + SILENCE_FIRST_MS - 1)));
    int64_t now = 100;
    for (int64_t patience = SILENCE_FIRST_MS; patience < SILENCE_MAX_MS; patience *= 2) {
        assert_false(silence_is_over(&silence, at(now + patience - 1)));
        now += patience;
        assert_true(silence_is_over(&silence, at(now)));
    }
    for (int i = 0; i < 100; i++) {
        assert_false(silence_is_over(&silence, at(now + SILENCE_MAX_MS - 1)));
        now += SILENCE_MAX_MS;
        assert_true(silence_is_over(&silence, at(now)));
    }
    silence_heard(&silence, at(now));
    assert_true(silence_is_over(&silence, at(now + SILENCE_FIRST_MS)));
}

static void test_time_in_which_nothing_was_expected_does_not_count(void **state)
{
    (void)state;
    struct silence silence;
    silence_heard(&silence, at(0));
    silence_excuse(&silence, at(10 * SILENCE_FIRST_MS));
    assert_false(silence_is_over(&silence, at(11 * SILENCE_FIRST_MS - 1)));
    assert_true(silence_is_over(&silence, at(11 * SILENCE_FIRST_MS)));
    silence_excuse(&silence, at(12 * SILENCE_FIRST_MS)); /* nor does it restore the patience */
    assert_false(silence_is_over(&silence, at(14 * SILENCE_FIRST_MS - 1)));
    assert_true(silence_is_over(&silence, at(14 * SILENCE_FIRST_MS)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_patience_doubles_and_something_heard_restores_it),
        cmocka_unit_test(test_time_in_which_nothing_was_expected_does_not_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
