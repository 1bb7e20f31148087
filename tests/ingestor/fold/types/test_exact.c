/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/fold/types/exact.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

#include "common/base/error.h"
#include "tests/unit.h"

static struct exact *sum_of(const double *values, size_t count)
{
    struct exact *sum = NULL;
    for (size_t i = 0; i < count; i++) {
        exact_add(&sum, values[i]);
    }
    return sum;
}

#define SUM(...)                                                                                   \
    sum_of((const double[]){__VA_ARGS__}, sizeof(double[]){__VA_ARGS__} / sizeof(double))

static void gives(struct exact *sum, double value, int32_t rest)
{
    struct number number;
    assert_true(exact_number(sum, &number));
    if (number.value != value || number.rest != rest) {
        fail_msg("%.17g + %d and not %.17g + %d", number.value, number.rest, value, rest);
    }
    free(sum);
}

static void test_nothing_is_lost(void **state)
{
    (void)state;
    gives(SUM(1e16, -1e16, 1), 1, 0);
    gives(SUM(1, 1e16, -1e16), 1, 0);
    gives(SUM(0), 0, 0);
    gives(SUM(-1), -1, 0);
    gives(SUM(5, -5), 0, 0);
    gives(SUM(0.1, 0.2, -0.3), 0x1p-55, 0); /* what the three doubles add up to */
    gives(SUM(1e308, -5e-324, -1e308), -5e-324, 0);
    gives(SUM(DBL_MAX, DBL_MAX, -DBL_MAX), DBL_MAX, 0);
    gives(SUM(5e-324, 5e-324, 5e-324), 15e-324, 0);
    gives(SUM(DBL_MIN, -5e-324), DBL_MIN - 5e-324, 0);
}

static void test_integers_are_exact(void **state)
{
    (void)state;
    gives(SUM(0x1p53, 1), 0x1p53, 1);
    gives(SUM(0x1p53, 1, 1), 0x1p53 + 2, 0);
    gives(SUM(-0x1p53, -1), -0x1p53, -1);
    gives(SUM(0x1p63, -1), 0x1p63, -1);
    gives(SUM(0x1p63, 1), 0x1p63, 0);
    gives(SUM(-0x1p63, 1), -0x1p63, 1);
    gives(SUM(0x1p53, 1.5), 0x1p53 + 2, 0); /* no integer: the nearest double */
    gives(SUM(0x1p53, 0.5, 0.5), 0x1p53, 1);
}

static void test_halves_go_to_the_even_double(void **state)
{
    (void)state;
    gives(SUM(1, 0x1p-53), 1, 0);
    gives(SUM(1, 0x1p-53, 0x1p-1074), 1 + 0x1p-52, 0);
    gives(SUM(1 + 0x1p-52, 0x1p-53), 1 + 0x1p-51, 0);
    gives(SUM(2, -0x1p-53), 2 - 0x1p-52 + 0x1p-52, 0);
    gives(SUM(-1, -0x1p-53), -1, 0);
    gives(SUM(-1, -0x1p-53, -0x1p-1074), -1 - 0x1p-52, 0);
    gives(SUM(1, 0x1p-52, -0x1p-53, -0x1p-1074), 1, 0);
}

static void test_a_sum_beyond_all_doubles(void **state)
{
    (void)state;
    struct number number;
    struct exact *sum = NULL;
    for (int i = 0; i < 100000; i++) {
        exact_add(&sum, -DBL_MAX);
    }
    assert_false(exact_number(sum, &number));
    for (int i = 0; i < 100000; i++) {
        exact_add(&sum, DBL_MAX);
    }
    exact_add(&sum, -0.75);
    gives(sum, -0.75, 0);
}

static double random_value(unsigned *seed)
{
    const double mantissa = rand_r(seed) - RAND_MAX / 2;
    return ldexp(mantissa, rand_r(seed) % 2000 - 1074);
}

static void test_any_order_gives_the_same(void **state)
{
    (void)state;
    unsigned seed = 7;
    for (int round = 0; round < 300; round++) {
        double values[40];
        for (size_t i = 0; i < 40; i += 2) {
            values[i] = random_value(&seed);
            values[i + 1] = rand_r(&seed) % 2 != 0 ? -values[i] : random_value(&seed);
        }
        struct number first = number_of_real(0);
        bool finite = false;
        for (int order = 0; order < 5; order++) {
            for (size_t i = 39; i > 0; i--) {
                const size_t k = (size_t)rand_r(&seed) % (i + 1);
                const double held = values[i];
                values[i] = values[k];
                values[k] = held;
            }
            struct number number;
            struct exact *sum = sum_of(values, 40);
            const bool good = exact_number(sum, &number);
            assert_true(order == 0 || (good == finite && (!good || number_equal(number, first))));
            finite = good;
            first = number;
            free(sum);
        }
    }
}

static void test_fixed_point_says_the_same(void **state)
{
    (void)state;
    unsigned seed = 9;
    int64_t expected = 0; /* in units of 2^-20 */
    struct exact *sum = NULL;
    for (int i = 0; i < 20000; i++) {
        const int64_t unit = ((int64_t)rand_r(&seed) << 8) - ((int64_t)RAND_MAX << 7);
        expected += unit;
        exact_add(&sum, ldexp((double)unit, -20));
        struct number number;
        assert_true(exact_number(sum, &number));
        assert_true(number.value == ldexp((double)expected, -20));
    }
    free(sum);
}

static struct exact *saved_and_loaded(struct exact *sum)
{
    struct buf out = {0};
    struct mp_doc doc;
    mp_doc_init(&doc);
    exact_save(sum, &out);
    assert_true(out.len <= 288);
    assert_int_equal(mp_parse(&doc, out.data, out.len), STATUS_OK);
    struct exact *loaded = exact_load(&doc.root);
    assert_non_null(loaded);
    mp_doc_free(&doc);
    buf_free(&out);
    free(sum);
    return loaded;
}

static void refuses(struct str bytes)
{
    struct buf out = {0};
    struct mp_doc doc;
    mp_doc_init(&doc);
    mp_put_bin(&out, bytes);
    assert_int_equal(mp_parse(&doc, out.data, out.len), STATUS_OK);
    assert_null(exact_load(&doc.root));
    mp_doc_free(&doc);
    buf_free(&out);
}

static void test_save_and_load(void **state)
{
    (void)state;
    gives(saved_and_loaded(SUM(0.1, 0.2, -0.3)), 0x1p-55, 0);
    gives(saved_and_loaded(SUM(0x1p53, 1)), 0x1p53, 1);
    gives(saved_and_loaded(SUM(-1e300, 5e-324, -1)), -1e300, 0);
    struct exact *sum = saved_and_loaded(SUM(DBL_MAX, DBL_MAX, 5e-324));
    exact_add(&sum, -DBL_MAX);
    exact_add(&sum, -DBL_MAX);
    gives(sum, 5e-324, 0);
    char bytes[1 + 36 * 8];
    memset(bytes, 1, sizeof bytes);
    refuses((struct str){bytes, 0});
    refuses((struct str){bytes, 1});
    refuses((struct str){bytes, 10});
    refuses((struct str){bytes, sizeof bytes});
    refuses((struct str){bytes, sizeof bytes - 16}); /* the last limb is no sign alone */
    bytes[0] = 34;
    refuses((struct str){bytes, 17});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_is_lost),
        cmocka_unit_test(test_integers_are_exact),
        cmocka_unit_test(test_halves_go_to_the_even_double),
        cmocka_unit_test(test_a_sum_beyond_all_doubles),
        cmocka_unit_test(test_any_order_gives_the_same),
        cmocka_unit_test(test_fixed_point_says_the_same),
        cmocka_unit_test(test_save_and_load),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
