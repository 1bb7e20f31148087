/* SPDX-License-Identifier: Apache-2.0 */
#include "common/wire/version.h"

#include "tests/unit.h"

static void test_text(void **state)
{
    (void)state;
    char text[VERSION_TEXT_SIZE];
    assert_string_equal(version_format((struct version){56, 4401}, text), "1k-3e9");
    assert_string_equal(version_format((struct version){0, 0}, text), "0-0");
    assert_string_equal(version_format((struct version){UINT64_MAX, UINT64_MAX}, text),
                        "3w5e11264sgsf-3w5e11264sgsf");
    struct version back;
    assert_true(version_parse(str_of("3w5e11264sgsf-3w5e11264sgsf"), &back));
    assert_true(back.epoch == UINT64_MAX && back.seq == UINT64_MAX);
}

static void test_refuses_other_text(void **state)
{
    (void)state;
    static const char *const wrong[] = {"",
                                        "-",
                                        "1k",
                                        "1k-",
                                        "-1",
                                        "1K-1",
                                        "1-1-",
                                        "1 -1",
                                        "3w5e11264sgsg-1",
                                        "1-zzzzzzzzzzzzzzzz",
                                        "1-1_"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct version version = {7, 7};
        assert_false(version_parse(str_of(wrong[i]), &version));
        assert_int_equal(version.epoch, 7);
    }
}

static void test_order(void **state)
{
    (void)state;
    assert_true(version_compare((struct version){1, 900}, (struct version){2, 1}) < 0);
    assert_true(version_compare((struct version){2, 2}, (struct version){2, 1}) > 0);
    assert_int_equal(version_compare((struct version){2, 2}, (struct version){2, 2}), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_refuses_other_text),
        cmocka_unit_test(test_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
