/* SPDX-License-Identifier: Apache-2.0 */
#include "common/base/histogram.h"

#include "tests/unit.h"

static size_t bucket_of(int64_t us)
{
    struct histogram histogram = {{0}, 0};
    histogram_add(&histogram, us);
    assert_int_equal(histogram_count(&histogram), 1);
    size_t bucket = 0;
    while (histogram.counts[bucket] == 0) {
        bucket++;
    }
    return bucket;
}

static size_t expected_bucket(int64_t us)
{
    size_t bucket = 0;
    while (bucket < HISTOGRAM_BOUNDS && us > histogram_bounds_us[bucket]) {
        bucket++;
    }
    return bucket;
}

static void values_fall_into_their_buckets(void **state)
{
    (void)state;
    for (int64_t us = 0; us < 20000; us++) {
        assert_int_equal(bucket_of(us), expected_bucket(us));
    }
    for (size_t i = 0; i < HISTOGRAM_BOUNDS; i++) {
        for (int64_t off = -1; off <= 1; off++) {
            const int64_t us = histogram_bounds_us[i] + off;
            assert_int_equal(bucket_of(us), expected_bucket(us));
        }
    }
    for (unsigned bit = 0; bit < 63; bit++) {
        assert_int_equal(bucket_of(INT64_C(1) << bit), expected_bucket(INT64_C(1) << bit));
        assert_int_equal(bucket_of((INT64_C(1) << bit) - 1),
                         expected_bucket((INT64_C(1) << bit) - 1));
    }
    assert_int_equal(bucket_of(INT64_MAX), HISTOGRAM_BOUNDS);
    assert_int_equal(bucket_of(-1), 0);
    assert_int_equal(bucket_of(INT64_MIN), 0);
}

/* The goals are bounds: whether they are met can be told exactly. */
static void the_goals_are_bounds(void **state)
{
    (void)state;
    assert_int_not_equal(bucket_of(300000), bucket_of(300001));
    assert_int_not_equal(bucket_of(1000000), bucket_of(1000001));
}

static void is_written_as_cumulative_seconds(void **state)
{
    (void)state;
    struct histogram histogram = {{0}, 0};
    struct buf out = {0};
    histogram_add(&histogram, 10);
    histogram_add(&histogram, 11);
    histogram_add(&histogram, 300000);
    histogram_add(&histogram, 200000000);
    histogram_put_head(&out, "x_seconds", "What it is.");
    histogram_put(&out, "x_seconds", "a=\"b\"", &histogram);
    const char *text = buf_cstr(&out);
    assert_ptr_equal(strstr(text, "# HELP x_seconds What it is.\n# TYPE x_seconds histogram\n"),
                     text);
    assert_non_null(strstr(text, "\nx_seconds_bucket{a=\"b\",le=\"1e-05\"} 1\n"));
    assert_non_null(strstr(text, "\nx_seconds_bucket{a=\"b\",le=\"2e-05\"} 2\n"));
    assert_non_null(strstr(text, "\nx_seconds_bucket{a=\"b\",le=\"0.2\"} 2\n"));
    assert_non_null(strstr(text, "\nx_seconds_bucket{a=\"b\",le=\"0.3\"} 3\n"));
    assert_non_null(strstr(text, "\nx_seconds_bucket{a=\"b\",le=\"100\"} 3\n"));
    assert_non_null(strstr(text, "\nx_seconds_bucket{a=\"b\",le=\"+Inf\"} 4\n"));
    assert_non_null(strstr(text, "\nx_seconds_sum{a=\"b\"} 200.300021\n"));
    assert_non_null(strstr(text, "\nx_seconds_count{a=\"b\"} 4\n"));
    buf_clear(&out);
    histogram_put(&out, "x_seconds", "", &histogram);
    assert_non_null(strstr(buf_cstr(&out), "\nx_seconds_bucket{le=\"+Inf\"} 4\n"));
    assert_non_null(strstr(buf_cstr(&out), "\nx_seconds_count 4\n"));
    buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_fall_into_their_buckets),
        cmocka_unit_test(the_goals_are_bounds),
        cmocka_unit_test(is_written_as_cumulative_seconds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
