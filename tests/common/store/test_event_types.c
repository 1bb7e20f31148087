/* SPDX-License-Identifier: Apache-2.0 */
#include "common/store/event_types.h"

#include "tests/unit.h"

static void test_equal_types_have_one_number(void **state)
{
    (void)state;
    struct event_types *types = event_types_create();
    const struct name_number a = event_types_take(types, STR("a"));
    const struct name_number b = event_types_take(types, STR("b"));
    const struct name_number again = event_types_take(types, STR("a"));
    assert_int_not_equal(a.place, b.place);
    assert_int_equal(a.place, again.place);
    assert_int_equal(a.use, again.use);
    assert_int_equal(event_types_count(types), 2);
    event_types_give_back(types, a);
    assert_int_equal(event_types_take(types, STR("a")).use, a.use); /* one event had it still */
    event_types_destroy(&types);
    assert_null(types);
}

static void test_a_place_that_is_given_away_again_is_another_number(void **state)
{
    (void)state;
    struct event_types *types = event_types_create();
    const struct name_number a = event_types_take(types, STR("a"));
    const size_t bytes = event_types_bytes(types);
    assert_true(bytes > 0);
    event_types_give_back(types, a);
    assert_int_equal(event_types_count(types), 0);
    assert_int_equal(event_types_bytes(types), 0);
    const struct name_number b = event_types_take(types, STR("b"));
    assert_int_equal(b.place, a.place);
    assert_int_not_equal(b.use, a.use);
    assert_int_equal(event_types_bytes(types), bytes);
    event_types_destroy(&types);
}

static void test_there_are_as_many_places_as_types_at_once(void **state)
{
    (void)state;
    struct event_types *types = event_types_create();
    uint32_t highest = 0;
    struct name_number numbers[100];
    for (int round = 0; round < 10; round++) {
        for (size_t i = 0; i < 100; i++) {
            char text[8] = {(char)('a' + round), (char)('!' + i)};
            numbers[i] = event_types_take(types, str_of(text));
            highest = numbers[i].place > highest ? numbers[i].place : highest;
        }
        for (size_t i = 0; i < 100; i++) {
            event_types_give_back(types, numbers[i]);
        }
    }
    assert_int_equal(highest, 99);
    event_types_destroy(&types);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_equal_types_have_one_number),
        cmocka_unit_test(test_a_place_that_is_given_away_again_is_another_number),
        cmocka_unit_test(test_there_are_as_many_places_as_types_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
