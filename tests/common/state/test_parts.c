/* SPDX-License-Identifier: Apache-2.0 */
#include "common/state/parts.h"

#include "tests/common/state/state_unit.h"

#define CHANGE_BYTES 64 /* what a change counts beside its value */

static void test_what_is_taken_away_comes_first(void **state)
{
    (void)state;
    struct state_changes c = {0};
    state_put(&c, ID(1, 0, 0), STR("a"));
    state_gone(&c, STATE_MEMBER_GONE, ID(1, 2, 0));
    state_put(&c, ID(1, 2, 3), STR("b"));
    state_gone(&c, STATE_TILE_GONE, ID(2, 0, 0));
    state_gone(&c, STATE_ITEM_GONE, ID(3, 4, 5));
    state_changes_settle(&c);
    state_parts_order(&c);
    assert_changes(&c, "-1/2 -2 -3/4/5 1/0/0=a 1/2/3=b");
    state_changes_free(&c);
}

static void test_parts_are_bounded_and_leave_nothing_out(void **state)
{
    (void)state;
    char value[1000];
    struct state_changes c = {0};
    memset(value, 'v', sizeof value);
    for (uint64_t i = 0; i < 500; i++) {
        state_put(&c, ID(1, 1, i), (struct str){value, (size_t)(i * 37 % sizeof value)});
    }
    state_parts_order(&c);
    for (size_t max = 100; max < 100000; max *= 3) {
        size_t parts = 0;
        size_t end = 0;
        for (size_t from = 0; from < c.count; from = end, parts++) {
            size_t bytes = 0;
            end = state_parts_end(&c, from, max);
            assert_true(end > from && end <= c.count);
            for (size_t i = from; i < end; i++) {
                bytes += CHANGE_BYTES + c.list[i].len;
            }
            assert_true(bytes <= max || end == from + 1);
            /* One more would have been too much. */
            assert_true(end == c.count || bytes + CHANGE_BYTES + c.list[end].len > max);
        }
        assert_true(parts > 1);
    }
    assert_int_equal(state_parts_end(&c, 0, SIZE_MAX), c.count);
    state_changes_free(&c);
}

static void test_an_empty_list_has_no_part(void **state)
{
    (void)state;
    struct state_changes c = {0};
    state_parts_order(&c);
    assert_int_equal(state_parts_end(&c, 0, 100), 0);
    state_changes_free(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_taken_away_comes_first),
        cmocka_unit_test(test_parts_are_bounded_and_leave_nothing_out),
        cmocka_unit_test(test_an_empty_list_has_no_part),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
