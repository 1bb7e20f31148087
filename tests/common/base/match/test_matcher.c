/* SPDX-License-Identifier: Apache-2.0 */
#include "common/base/match/matcher.h"

#include "tests/unit.h"

static const struct str orders[] = {{"orders.*", 8}, {"tickets.open", 12}};
static const struct str seen[] = {{"*.open", 6}, {"orders.paid", 11}};

static void test_a_name_has_to_be_in_each_list(void **state)
{
    (void)state;
    const struct matcher_list lists[] = {{orders, 2}, {seen, 2}};
    struct matcher *matcher = matcher_create(lists, 2);
    assert_false(matcher_wants_all(matcher));
    assert_true(matcher_wants(matcher, STR("orders.open")));
    assert_true(matcher_wants(matcher, STR("orders.paid")));
    assert_true(matcher_wants(matcher, STR("tickets.open")));
    assert_false(matcher_wants(matcher, STR("orders.lost")));
    assert_false(matcher_wants(matcher, STR("parcels.open")));
    matcher_destroy(&matcher);
    assert_null(matcher);
}

static void test_a_list_that_is_missing_leaves_nothing_out_an_empty_one_all(void **state)
{
    (void)state;
    const struct matcher_list lists[] = {{NULL, 0}, {orders, 2}};
    struct matcher *matcher = matcher_create(lists, 1);
    assert_true(matcher_wants_all(matcher));
    assert_true(matcher_wants(matcher, STR("anything")));
    assert_true(matcher_wants_numbered(matcher, STR("anything"), (struct name_number){0, 0}));
    matcher_destroy(&matcher);
    matcher = matcher_create(lists, 2);
    assert_true(matcher_wants(matcher, STR("orders.lost")));
    assert_false(matcher_wants(matcher, STR("anything")));
    matcher_destroy(&matcher);
    const struct matcher_list nothing[] = {{orders, 2}, {orders, 0}};
    matcher = matcher_create(nothing, 2);
    assert_false(matcher_wants_all(matcher));
    assert_false(matcher_wants(matcher, STR("orders.lost")));
    assert_false(matcher_wants_numbered(matcher, STR("orders.lost"), (struct name_number){0, 0}));
    matcher_destroy(&matcher);
}

static void test_a_verdict_is_remembered_until_another_name_has_the_place(void **state)
{
    (void)state;
    const struct matcher_list list = {orders, 2};
    struct matcher *matcher = matcher_create(&list, 1);
    assert_true(matcher_wants_numbered(matcher, STR("orders.new"), (struct name_number){70, 1}));
    assert_false(matcher_wants_numbered(matcher, STR("parcels"), (struct name_number){3, 1}));
    const uint64_t steps = matcher_steps(matcher);
    assert_true(steps > 0);
    for (int i = 0; i < 100; i++) {
        /* The text is not looked at again. */
        assert_true(matcher_wants_numbered(matcher, STR("?"), (struct name_number){70, 1}));
        assert_false(matcher_wants_numbered(matcher, STR("?"), (struct name_number){3, 1}));
    }
    assert_int_equal(matcher_steps(matcher), steps);
    assert_false(matcher_wants_numbered(matcher, STR("parcels"), (struct name_number){70, 2}));
    assert_true(matcher_wants_numbered(matcher, STR("orders."), (struct name_number){3, 0}));
    assert_true(matcher_steps(matcher) > steps);
    matcher_destroy(&matcher);
}

static void test_places_beyond_the_bound_are_asked_about_each_time(void **state)
{
    (void)state;
    const struct matcher_list list = {orders, 2};
    const struct name_number far = {UINT32_MAX, 0};
    struct matcher *matcher = matcher_create(&list, 1);
    assert_true(matcher_wants_numbered(matcher, STR("orders.new"), far));
    assert_false(matcher_wants_numbered(matcher, STR("parcels"), far));
    matcher_destroy(&matcher);
}

static void test_the_shortest_list_of_names_is_told(void **state)
{
    (void)state;
    const struct str few[] = {STR("b")};
    const struct str more[] = {STR("c"), STR("b")};
    const struct matcher_list lists[] = {{more, 2}, {few, 1}};
    const struct matcher_list patterns[] = {{orders, 2}, {more, 2}};
    size_t count;
    struct matcher *matcher = matcher_create(lists, 2);
    assert_str(matcher_names(matcher, &count)[0], "b");
    assert_int_equal(count, 1);
    matcher_destroy(&matcher);
    matcher = matcher_create(patterns, 2);
    assert_str(matcher_names(matcher, &count)[1], "c");
    assert_int_equal(count, 2);
    matcher_destroy(&matcher);
    matcher = matcher_create(patterns, 1);
    assert_null(matcher_names(matcher, &count));
    matcher_destroy(&matcher);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_name_has_to_be_in_each_list),
        cmocka_unit_test(test_a_list_that_is_missing_leaves_nothing_out_an_empty_one_all),
        cmocka_unit_test(test_a_verdict_is_remembered_until_another_name_has_the_place),
        cmocka_unit_test(test_places_beyond_the_bound_are_asked_about_each_time),
        cmocka_unit_test(test_the_shortest_list_of_names_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
