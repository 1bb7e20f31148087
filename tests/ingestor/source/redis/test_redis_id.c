/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/source/redis/redis_id.h"

#include "tests/unit.h"

static void test_what_is_an_id(void **unused)
{
    (void)unused;
    struct redis_id id;
    char text[REDIS_ID_SIZE];
    const char *const good[] = {"0-1", "1700000000000-0",
                                "18446744073709551615-18446744073709551615"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_true(redis_id_parse(str_of(good[i]), &id));
        assert_string_equal(redis_id_format(id, text), good[i]);
    }
    const char *const bad[] = {"", "-", "1", "1-", "-1", "1-2-3", "a-1", "1-18446744073709551616"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false(redis_id_parse(str_of(bad[i]), &id));
    }
}

static void test_order(void **unused)
{
    (void)unused;
    const struct redis_id ordered[] = {{0, 0}, {0, 1}, {9, 10}, {10, 9}, {10, UINT64_MAX}, {11, 0}};
    for (size_t i = 0; i < sizeof ordered / sizeof ordered[0]; i++) {
        for (size_t k = 0; k < sizeof ordered / sizeof ordered[0]; k++) {
            assert_int_equal(redis_id_compare(ordered[i], ordered[k]), (i > k) - (i < k));
        }
    }
    assert_int_equal(redis_id_compare(redis_id_next(ordered[4]), ordered[5]), 0);
    assert_int_equal(redis_id_compare(redis_id_next(ordered[0]), ordered[1]), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_an_id),
        cmocka_unit_test(test_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
