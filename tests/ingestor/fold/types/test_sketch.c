/* SPDX-License-Identifier: Apache-2.0 */
/* How far a sketch is from the values themselves, and that it adds, takes, saves and loads. */
#include "ingestor/fold/types/sketch.h"

#include <math.h>
#include <stdlib.h>

#include "common/base/error.h"
#include "tests/unit.h"

static double shown(double value)
{
    struct sketch *sketch = NULL;
    sketch_add(&sketch, value);
    const double got = sketch_at(sketch, 1);
    free(sketch);
    return got;
}

static void test_a_value_is_less_than_a_part_too_near_to_0(void **state)
{
    (void)state;
    unsigned seed = 16;
    for (int i = 0; i < 100000; i++) {
        const double value = ldexp(1 + (double)rand_r(&seed) / RAND_MAX, rand_r(&seed) % 89 - 30);
        const double got = shown(value);
        assert_true(got <= value && got > value * (1 - 1.0 / 128));
        assert_true(shown(-value) == -got);
    }
    for (int i = -256; i <= 256; i++) {
        assert_true(shown(i) == i);
    }
    assert_true(shown(257) == 256);
    assert_true(shown(0x1p-30) == 0x1p-30 && shown(-0x1p-30) == -0x1p-30);
    assert_true(shown(nextafter(0x1p-30, 0)) == 0 && shown(5e-324) == 0 && shown(-0.0) == 0);
    assert_true(shown(1.7e308) == shown(0x1p60) && shown(0x1p60) > 0x1p60 * (1 - 1.0 / 128));
    assert_true(shown(-1.7e308) == -shown(0x1p60));
}

static int by_size(const void *a, const void *b)
{
    const double x = *(const double *)a;
    const double y = *(const double *)b;
    return (x > y) - (x < y);
}

static void test_places_are_those_of_the_values_in_their_order(void **state)
{
    (void)state;
    unsigned seed = 17;
    double values[1000];
    struct sketch *sketch = NULL;
    for (size_t i = 0; i < 1000; i++) {
        values[i] = rand_r(&seed) % 20001 / 7.0 - 1000;
        sketch_add(&sketch, values[i]);
    }
    qsort(values, 1000, sizeof *values, by_size);
    for (size_t i = 0; i < 1000; i++) {
        assert_true(sketch_at(sketch, i + 1) == shown(values[i]));
    }
    free(sketch);
}

static void test_the_place_of_a_percentile(void **state)
{
    (void)state;
    assert_int_equal(sketch_place(1, 50), 1);
    assert_int_equal(sketch_place(1, 99), 1);
    assert_int_equal(sketch_place(2, 50), 1);
    assert_int_equal(sketch_place(3, 50), 2);
    assert_int_equal(sketch_place(20, 95), 19);
    assert_int_equal(sketch_place(21, 95), 20);
    assert_int_equal(sketch_place(100, 99), 99);
    assert_int_equal(sketch_place(101, 99), 100);
    assert_int_equal(sketch_place(UINT64_C(1) << 62, 50), UINT64_C(1) << 61);
}

static void put(struct sketch **sketch, double first, int count)
{
    for (int i = 0; i < count; i++) {
        sketch_add(sketch, first + i);
    }
}

static void save_same(const struct sketch *a, const struct sketch *b)
{
    struct buf x = {0};
    struct buf y = {0};
    sketch_save(a, &x);
    sketch_save(b, &y);
    assert_int_equal(x.len, y.len);
    assert_memory_equal(x.data, y.data, x.len);
    buf_free(&x);
    buf_free(&y);
}

static void test_what_was_added_can_be_taken_away(void **state)
{
    (void)state;
    struct sketch *whole = NULL;
    struct sketch *first = NULL;
    struct sketch *second = NULL;
    put(&first, -20, 50);
    put(&second, 10, 100);
    sketch_add_all(&whole, NULL);
    sketch_add_all(&whole, second);
    sketch_add_all(&whole, first);
    assert_true(sketch_at(whole, 1) == -20 && sketch_at(whole, 150) == 109);
    sketch_take(whole, first);
    save_same(whole, second);
    sketch_take(whole, NULL);
    save_same(whole, second);
    sketch_add(&whole, 20.5);
    sketch_add(&whole, 15);
    sketch_remove(whole, 20.5);
    sketch_remove(whole, 15);
    save_same(whole, second);
    free(whole);
    free(first);
    free(second);
}

static struct sketch *load(struct buf *saved, uint64_t count)
{
    struct mp_doc doc;
    mp_doc_init(&doc);
    assert_int_equal(mp_parse(&doc, saved->data, saved->len), STATUS_OK);
    struct sketch *sketch = sketch_load(&doc.root, count);
    mp_doc_free(&doc);
    return sketch;
}

static void test_what_is_saved_is_loaded_and_nothing_else(void **state)
{
    (void)state;
    struct sketch *sketch = NULL;
    struct buf saved = {0};
    put(&sketch, -5, 300);
    sketch_save(sketch, &saved);
    struct sketch *loaded = load(&saved, 300);
    assert_non_null(loaded);
    save_same(loaded, sketch);
    assert_null(load(&saved, 299));
    assert_null(load(&saved, 301));
    static const uint64_t bad[][4] = {{5, 1, 5, 1}, {6, 1, 5, 1}, {5, 0, 6, 2}, {5, 1, 23041, 1}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        buf_clear(&saved);
        mp_put_array(&saved, 4);
        for (size_t k = 0; k < 4; k++) {
            mp_put_uint(&saved, bad[i][k]);
        }
        assert_null(load(&saved, 2));
    }
    buf_free(&saved);
    free(sketch);
    free(loaded);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_value_is_less_than_a_part_too_near_to_0),
        cmocka_unit_test(test_places_are_those_of_the_values_in_their_order),
        cmocka_unit_test(test_the_place_of_a_percentile),
        cmocka_unit_test(test_what_was_added_can_be_taken_away),
        cmocka_unit_test(test_what_is_saved_is_loaded_and_nothing_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
