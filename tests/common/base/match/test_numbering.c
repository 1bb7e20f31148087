/* SPDX-License-Identifier: Apache-2.0 */
#include "common/base/match/numbering.h"

#include "tests/unit.h"

static void test_a_place_comes_again_with_another_use(void **state)
{
    (void)state;
    struct numbering numbering = {0};
    const struct name_number a = numbering_take(&numbering);
    const struct name_number b = numbering_take(&numbering);
    assert_int_equal(a.place, 0);
    assert_int_equal(b.place, 1);
    numbering_give_back(&numbering, a);
    const struct name_number c = numbering_take(&numbering);
    assert_int_equal(c.place, a.place);
    assert_int_equal(c.use, a.use + 1);
    numbering_free(&numbering);
    assert_null(numbering.uses);
}

static void test_there_are_as_many_places_as_names_at_once(void **state)
{
    (void)state;
    struct numbering numbering = {0};
    struct name_number numbers[200];
    for (int round = 0; round < 5; round++) {
        bool taken[200] = {false};
        for (size_t i = 0; i < 200; i++) {
            numbers[i] = numbering_take(&numbering);
            assert_true(numbers[i].place < 200 && !taken[numbers[i].place]);
            taken[numbers[i].place] = true;
        }
        for (size_t i = 0; i < 200; i++) {
            numbering_give_back(&numbering, numbers[i]);
        }
    }
    numbering_free(&numbering);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_place_comes_again_with_another_use),
        cmocka_unit_test(test_there_are_as_many_places_as_names_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
