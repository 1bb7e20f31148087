/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/oracle/types/sum.h"

#include <float.h>
#include <math.h>

#include "tests/unit.h"

static void sums_to(const long double *values, size_t count, long double expected)
{
    struct oracle_sum sum = {0};
    long double value;
    for (size_t i = 0; i < count; i++) {
        oracle_sum_add(&sum, values[i]);
    }
    assert_true(oracle_sum_value(&sum, &value));
    if (fabsl(value - expected) > 0) {
        fail_msg("%.20Lg and not %.20Lg", value, expected);
    }
}

#define SUMS_TO(expected, ...)                                                                     \
    sums_to((const long double[]){__VA_ARGS__},                                                    \
            sizeof(long double[]){__VA_ARGS__} / sizeof(long double), expected)

static void test_nothing_is_lost(void **state)
{
    (void)state;
    SUMS_TO(1, 1e16L, -1e16L, 1);
    SUMS_TO(0, 5, -5);
    SUMS_TO(0x1p-55, (double)0.1, (double)0.2, (double)-0.3);
    SUMS_TO((double)-5e-324, (double)1e308, (double)-5e-324, (double)-1e308);
    SUMS_TO(DBL_MAX, DBL_MAX, DBL_MAX, -DBL_MAX);
    SUMS_TO((double)15e-324, (double)5e-324, (double)5e-324, (double)5e-324);
}

static void test_integers_are_exact_and_others_are_doubles(void **state)
{
    (void)state;
    SUMS_TO(9007199254740993, 9007199254740992, 1);
    SUMS_TO(-9007199254740993, -9007199254740993);
    SUMS_TO((long double)INT64_MAX, (long double)INT64_MAX - 1, 1);
    SUMS_TO(0x1p63L, 0x1p63L, 1);
    SUMS_TO(9007199254740994, 9007199254740992, 1.5L);
    SUMS_TO(1, 1, 0x1p-53L);
    SUMS_TO(1 + 0x1p-52L, 1, 0x1p-53L, 0x1p-1074L);
    SUMS_TO(1 + 0x1p-51L, 1 + 0x1p-52L, 0x1p-53L);
}

static void test_many_rows(void **state)
{
    (void)state;
    static struct oracle_sum sum;
    long double value;
    const int rows = (1 << 24) + 5; /* carries are moved on once */
    for (int i = 0; i < rows; i++) {
        oracle_sum_add(&sum, (long double)INT64_MAX);
    }
    for (int i = 0; i < rows; i++) {
        oracle_sum_add(&sum, -(long double)INT64_MAX);
    }
    oracle_sum_add(&sum, 0.25L);
    assert_true(oracle_sum_value(&sum, &value));
    assert_true(value == 0.25L);
    for (int i = 0; i < 2; i++) {
        oracle_sum_add(&sum, DBL_MAX);
    }
    assert_false(oracle_sum_value(&sum, &value));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_is_lost),
        cmocka_unit_test(test_integers_are_exact_and_others_are_doubles),
        cmocka_unit_test(test_many_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
