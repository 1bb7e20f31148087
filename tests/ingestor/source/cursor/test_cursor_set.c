/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/source/cursor/cursor_set.h"

#include "tests/unit.h"

/* A mark with the last ordinal may lie before a row that the position has just come to: when such a
 * mark becomes the floor, the row lies behind it still, and would be delivered again. */
static void test_a_row_that_was_ahead_is_known_until_a_later_mark(void **state)
{
    (void)state;
    struct cursor_set set = {0};
    const struct cursor_key key = {STR("2026-11-27"), STR("ahead")};
    cursor_set_add(&set, STR("ahead"), 90, &key, true);
    cursor_set_add(&set, STR("in order"), 100, NULL, false);
    cursor_set_pass(&set, cursor_set_find(&set, STR("ahead")), 100);
    cursor_set_forget(&set, 100);
    assert_null(cursor_set_find(&set, STR("in order")));
    assert_non_null(cursor_set_find(&set, STR("ahead")));
    cursor_set_add(&set, STR("next"), 101, NULL, false);
    cursor_set_forget(&set, 101);
    assert_null(cursor_set_find(&set, STR("ahead")));
    assert_null(cursor_set_find(&set, STR("next")));
    cursor_set_free(&set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_row_that_was_ahead_is_known_until_a_later_mark),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
