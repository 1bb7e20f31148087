/* SPDX-License-Identifier: Apache-2.0 */
#include "common/net/few_lines.h"

#include <stdio.h>

#include "tests/unit.h"

static bool say(struct few_lines *lines, const char *subject, int64_t ms, uint64_t *left_out)
{
    return few_lines_allow(lines, str_of(subject), (mono_time){ms * US_PER_MS}, left_out);
}

static void test_a_few_a_minute_and_none_twice(void **state)
{
    (void)state;
    struct few_lines lines = {0};
    uint64_t left_out = 9;
    assert_true(say(&lines, "a", 5, &left_out));
    assert_int_equal(left_out, 0);
    assert_false(say(&lines, "a", 6, &left_out));
    assert_true(say(&lines, "b", 7, &left_out));
    assert_int_equal(left_out, 1);
    unsigned said = 2;
    for (int i = 0; i < 1000; i++) {
        char subject[16];
        snprintf(subject, sizeof subject, "s%d", i);
        said += say(&lines, subject, 8 + i, &left_out);
    }
    assert_int_equal(said, FEW_LINES_MAX);
    assert_false(say(&lines, "c", 4 + FEW_LINES_MS, &left_out));
    assert_true(say(&lines, "a", 5 + FEW_LINES_MS, &left_out));
    assert_int_equal(left_out, 1000 - (FEW_LINES_MAX - 2) + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_a_few_a_minute_and_none_twice)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
