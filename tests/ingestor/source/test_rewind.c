/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/source/rewind.h"

#include "tests/unit.h"

static enum rewind seen(struct rewind_watch *watch, int64_t newest)
{
    return rewind_seen(watch, 1000, newest, false, false);
}

static void test_growing_is_no_rewind(void **state)
{
    (void)state;
    struct rewind_watch watch = {0};
    assert_int_equal(rewind_seen(&watch, 0, 0, false, false),
                     REWIND_NONE); /* an empty table, of which nothing was read */
    assert_int_equal(seen(&watch, 1000), REWIND_NONE);
    assert_int_equal(seen(&watch, 5000), REWIND_NONE);
    assert_int_equal(rewind_seen(&watch, 1000, 1000, true, false),
                     REWIND_NONE); /* replaced by one with all its rows */
}

static void test_deleting_the_newest_is_none(void **state)
{
    (void)state;
    struct rewind_watch watch = {0};
    assert_int_equal(seen(&watch, 990), REWIND_SHORTER);
    assert_int_equal(seen(&watch, 990), REWIND_NONE);
    assert_int_equal(seen(&watch, 980), REWIND_NONE);
    assert_int_equal(seen(&watch, 1001), REWIND_NONE); /* the sequence goes on */
    assert_int_equal(seen(&watch, 995), REWIND_SHORTER);
}

static void test_rows_below_the_position_are_one(void **state)
{
    (void)state;
    struct rewind_watch watch = {0};
    assert_int_equal(seen(&watch, 990), REWIND_SHORTER);
    assert_int_equal(seen(&watch, 991), REWIND_ANEW);
    watch.below = 999;
    assert_int_equal(seen(&watch, 1000),
                     REWIND_ANEW); /* the id of the newest row is used once more */
}

static void test_rows_above_the_position_are_none(void **state)
{
    (void)state;
    struct rewind_watch watch = {0};
    assert_int_equal(rewind_seen(&watch, 1000, 990, false, false), REWIND_SHORTER);
    assert_int_equal(rewind_seen(&watch, 1003, 1003, false, false),
                     REWIND_NONE); /* three were read meanwhile */
    assert_int_equal(rewind_seen(&watch, 1003, 1002, false, false), REWIND_SHORTER);
    assert_int_equal(rewind_seen(&watch, 1005, 1004, false, false), REWIND_SHORTER);
    assert_int_equal(rewind_seen(&watch, 1005, 1005, false, false), REWIND_ANEW);
}

static void test_but_not_those_that_were_waited_for(void **state)
{
    (void)state;
    struct rewind_watch watch = {0};
    assert_int_equal(seen(&watch, 990), REWIND_SHORTER);
    assert_int_equal(rewind_seen(&watch, 1000, 993, false, true), REWIND_NONE);
    assert_int_equal(seen(&watch, 994), REWIND_ANEW);
}

static void test_emptied_or_replaced(void **state)
{
    (void)state;
    struct rewind_watch watch = {0};
    assert_int_equal(seen(&watch, 0), REWIND_ANEW);
    assert_int_equal(seen(&watch, 500), REWIND_ANEW);
    assert_int_equal(rewind_seen(&watch, 1000, 999, true, false), REWIND_ANEW);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_growing_is_no_rewind),
        cmocka_unit_test(test_deleting_the_newest_is_none),
        cmocka_unit_test(test_rows_below_the_position_are_one),
        cmocka_unit_test(test_rows_above_the_position_are_none),
        cmocka_unit_test(test_but_not_those_that_were_waited_for),
        cmocka_unit_test(test_emptied_or_replaced),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
