/* SPDX-License-Identifier: Apache-2.0 */
#include "common/program/config_path.h"

#include "tests/unit.h"

static void test_the_file_here_comes_first(void **state)
{
    (void)state;
    assert_string_equal(config_path_first(".", "/"), ".");
    assert_string_equal(config_path_first("./none", "/"), "/");
}

static void test_where_none_is_the_message_names_the_one_here(void **state)
{
    (void)state;
    assert_string_equal(config_path_first("./none", "/none"), "./none");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_file_here_comes_first),
        cmocka_unit_test(test_where_none_is_the_message_names_the_one_here),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
