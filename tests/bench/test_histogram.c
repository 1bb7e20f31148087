/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit.h"

#include "tests/bench/histogram.h"

static void percentiles_are_those_of_the_values(void **state)
{
    (void)state;
    static struct histogram h;
    assert_int_equal(histogram_percentile(&h, 0.5), 0);
    for (uint64_t us = 1; us <= 100000; us++) {
        histogram_add(&h, us);
    }
    assert_int_equal(h.count, 100000);
    assert_int_equal(h.max_us, 100000);
    const double shares[] = {0.001, 0.01, 0.5, 0.9, 0.99};
    for (size_t i = 0; i < sizeof shares / sizeof *shares; i++) {
        const double exact = 100000 * shares[i];
        const double got = (double)histogram_percentile(&h, shares[i]);
        assert_true(got >= exact && got <= exact * 33 / 32 + 1);
    }
    assert_int_equal(histogram_percentile(&h, 1), 100000);
}

static void one_slow_value_in_a_hundred_is_not_the_99th_percentile(void **state)
{
    (void)state;
    static struct histogram h;
    for (int i = 0; i < 99; i++) {
        histogram_add(&h, 7);
    }
    histogram_add(&h, 5000000);
    assert_int_equal(histogram_percentile(&h, 0.99), 7);
    assert_int_equal(histogram_percentile(&h, 0.999), 5000000);
}

static void any_value_has_a_bucket(void **state)
{
    (void)state;
    static struct histogram h;
    for (unsigned bit = 0; bit < 64; bit++) {
        histogram_add(&h, UINT64_C(1) << bit);
        histogram_add(&h, (UINT64_C(1) << bit) - 1);
    }
    histogram_add(&h, UINT64_MAX);
    assert_int_equal(h.count, 129);
    assert_true(histogram_percentile(&h, 1) == UINT64_MAX);
    assert_int_equal(histogram_percentile(&h, 1.0 / 129), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(percentiles_are_those_of_the_values),
        cmocka_unit_test(one_slow_value_in_a_hundred_is_not_the_99th_percentile),
        cmocka_unit_test(any_value_has_a_bucket),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
