/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/source/postgres/pg_rewind.h"

#include "tests/unit.h"

static enum rewind seen(struct pg_rewind *watch, int64_t newest)
{
    return pg_rewind_seen(watch, 1000, newest, false);
}

static void test_ids_that_go_on_are_no_rewind(void **state)
{
    (void)state;
    struct pg_rewind watch = {0};
    assert_int_equal(pg_rewind_seen(&watch, 0, 0, false), REWIND_NONE);
    assert_int_equal(seen(&watch, 1000), REWIND_NONE);
    assert_int_equal(seen(&watch, 0), REWIND_SHORTER); /* an outbox: all were processed */
    assert_int_equal(seen(&watch, 0), REWIND_NONE);
    assert_int_equal(seen(&watch, 1001), REWIND_NONE);
    assert_int_equal(pg_rewind_seen(&watch, 1001, 3, false), REWIND_SHORTER); /* row 3 waits */
    assert_int_equal(pg_rewind_seen(&watch, 1001, 1002, false), REWIND_NONE);
}

static void test_ids_that_are_used_again_are_one(void **state)
{
    (void)state;
    struct pg_rewind watch = {0};
    assert_int_equal(seen(&watch, 0), REWIND_SHORTER);
    assert_int_equal(seen(&watch, 1), REWIND_ANEW);
    watch = (struct pg_rewind){0};
    assert_int_equal(seen(&watch, 999), REWIND_SHORTER);
    assert_int_equal(seen(&watch, 1000), REWIND_ANEW);
}

static void test_but_not_those_that_were_waited_for(void **state)
{
    (void)state;
    struct pg_rewind watch = {0};
    assert_int_equal(seen(&watch, 0), REWIND_SHORTER);
    assert_int_equal(pg_rewind_seen(&watch, 1000, 900, true), REWIND_NONE);
    assert_int_equal(seen(&watch, 900), REWIND_NONE);
    assert_int_equal(seen(&watch, 901), REWIND_ANEW);
}

static void test_another_position_is_not_compared(void **state)
{
    (void)state;
    struct pg_rewind watch = {0};
    assert_int_equal(pg_rewind_seen(&watch, 1000, 990, false), REWIND_SHORTER);
    assert_int_equal(pg_rewind_seen(&watch, 1003, 1002, false), REWIND_SHORTER);
    assert_int_equal(pg_rewind_seen(&watch, 1003, 1003, false), REWIND_ANEW);
}

static void test_the_age_of_a_row(void **state)
{
    (void)state;
    assert_true(pg_rewind_is_older(999, 1000));
    assert_false(pg_rewind_is_older(1000, 1000));
    assert_false(pg_rewind_is_older(1001, 1000));
    assert_true(pg_rewind_is_older(2, 1000)); /* frozen */
    assert_true(pg_rewind_is_older(2, UINT64_C(3000000000)));
    assert_true(pg_rewind_is_older(UINT32_MAX, (UINT64_C(1) << 32) + 5)); /* before the wrap */
    assert_false(pg_rewind_is_older(7, (UINT64_C(1) << 32) + 5));
    assert_false(pg_rewind_is_older(999, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ids_that_go_on_are_no_rewind),
        cmocka_unit_test(test_ids_that_are_used_again_are_one),
        cmocka_unit_test(test_but_not_those_that_were_waited_for),
        cmocka_unit_test(test_another_position_is_not_compared),
        cmocka_unit_test(test_the_age_of_a_row),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
