/* SPDX-License-Identifier: Apache-2.0 */
/* What a window saves, and what it takes over from programs that knew no exact sums. */
#include "ingestor/fold/types/window.h"

#include <math.h>

#include "common/base/error.h"
#include "tests/unit.h"

#define WIDTH_US 1000000
#define LENGTH 4

static const wall_time start = {100 * (int64_t)WIDTH_US};

static void add_row(struct window *window, wall_time timestamp, int64_t id, struct number value)
{
    const struct event event = {.id = {.number = id}, .timestamp = timestamp};
    (void)window_add(window, &event, value);
}

static void add(struct window *window, int64_t slot, double value)
{
    add_row(window, (wall_time){slot * WIDTH_US}, 1, number_of_real(value));
}

static bool load(struct window *window, enum tile_aggregate aggregate, struct buf *saved)
{
    struct mp_doc doc;
    mp_doc_init(&doc);
    assert_int_equal(mp_parse(&doc, saved->data, saved->len), STATUS_OK);
    window_init(window, WIDTH_US, LENGTH, aggregate, start);
    const bool good = window_load(window, &doc.root);
    mp_doc_free(&doc);
    buf_free(saved);
    return good;
}

static struct number value_at(const struct window *window, int64_t slot)
{
    struct number number;
    const struct bucket *bucket = window_after(window, slot - 1);
    assert_non_null(bucket);
    assert_int_equal(bucket->slot, slot);
    assert_true(window_value(window, bucket, &number));
    return number;
}

/* [100, [[99, 3, value]]], as programs before exact sums save it. */
static struct buf old_sum(double value)
{
    struct buf saved = {0};
    mp_put_array(&saved, 2);
    mp_put_int(&saved, 100);
    mp_put_array(&saved, 1);
    mp_put_array(&saved, 3);
    mp_put_int(&saved, 99);
    mp_put_uint(&saved, 3);
    mp_put_number(&saved, value);
    return saved;
}

static void test_a_sum_of_an_older_program_goes_on(void **state)
{
    (void)state;
    struct window window;
    struct buf saved = old_sum(0.1);
    assert_true(load(&window, TILE_AGGREGATE_SUM, &saved));
    assert_true(value_at(&window, 99).value == 0.1);
    add(&window, 99, 0.2);
    add(&window, 99, -0.1);
    assert_true(value_at(&window, 99).value == 0.2);
    assert_int_equal(window_after(&window, 98)->count, 5);
    window_finish(&window);
}

static void test_an_older_program_reads_the_double_of_a_sum(void **state)
{
    (void)state;
    struct window window;
    struct buf saved = {0};
    struct mp_doc doc;
    double sum;
    window_init(&window, WIDTH_US, LENGTH, TILE_AGGREGATE_SUM, start);
    add(&window, 100, 0.1);
    add(&window, 100, 0.2);
    window_save(&window, &saved);
    window_finish(&window);
    mp_doc_init(&doc);
    assert_int_equal(mp_parse(&doc, saved.data, saved.len), STATUS_OK);
    const mp_value *bucket = mp_at(mp_at(&doc.root, 1), 0);
    assert_true(mp_as_number(mp_at(bucket, 2), &sum));
    assert_true(sum == 0.1 + 0.2);
    mp_doc_free(&doc);
    buf_free(&saved);
}

static void test_exact_sums_are_saved_and_move_with_time(void **state)
{
    (void)state;
    struct window window;
    struct window loaded;
    struct buf saved = {0};
    window_init(&window, WIDTH_US, LENGTH, TILE_AGGREGATE_SUM, start);
    for (int64_t slot = 96; slot <= 100; slot++) {
        add(&window, slot, 1e16);
        add(&window, slot, 0.1);
    }
    window_save(&window, &saved);
    assert_true(load(&loaded, TILE_AGGREGATE_SUM, &saved));
    (void)window_advance(&window, (wall_time){102 * (int64_t)WIDTH_US});
    (void)window_advance(&loaded, (wall_time){102 * (int64_t)WIDTH_US});
    for (int64_t slot = 99; slot <= 100; slot++) {
        add(&window, slot, -1e16);
        add(&loaded, slot, -1e16);
        assert_true(value_at(&window, slot).value == 0.1);
        assert_true(value_at(&loaded, slot).value == 0.1);
    }
    (void)window_advance(&window, (wall_time){1000 * (int64_t)WIDTH_US});
    assert_null(window_after(&window, INT64_MIN));
    window_finish(&window);
    window_finish(&loaded); /* with sums in it */
}

static void test_integers_are_saved_exactly(void **state)
{
    (void)state;
    struct window window;
    struct window loaded;
    struct buf saved = {0};
    window_init(&window, WIDTH_US, LENGTH, TILE_AGGREGATE_MAX, start);
    add_row(&window, start, 1, number_of_int(9007199254740992));
    add_row(&window, start, 2, number_of_int(9007199254740993));
    add_row(&window, start, 3, number_of_real(9007199254740992.0));
    window_save(&window, &saved);
    assert_true(load(&loaded, TILE_AGGREGATE_MAX, &saved));
    assert_int_equal(value_at(&loaded, 100).rest, 1);
    window_finish(&window);
    window_finish(&loaded);
}

static void test_damaged_sums_are_refused(void **state)
{
    (void)state;
    struct window window;
    struct buf saved = old_sum((double)NAN); /* saved as nil */
    assert_false(load(&window, TILE_AGGREGATE_AVG, &saved));
    window_finish(&window);
    mp_put_array(&saved, 2);
    mp_put_int(&saved, 100);
    mp_put_array(&saved, 1);
    mp_put_array(&saved, 4);
    mp_put_int(&saved, 99);
    mp_put_uint(&saved, 3);
    mp_put_number(&saved, 1);
    mp_put_bin(&saved, STR("xy"));
    assert_false(load(&window, TILE_AGGREGATE_AVG, &saved));
    window_finish(&window);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_sum_of_an_older_program_goes_on),
        cmocka_unit_test(test_an_older_program_reads_the_double_of_a_sum),
        cmocka_unit_test(test_exact_sums_are_saved_and_move_with_time),
        cmocka_unit_test(test_integers_are_saved_exactly),
        cmocka_unit_test(test_damaged_sums_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
