/* SPDX-License-Identifier: Apache-2.0 */
#include "common/wire/tally.h"

#include "common/base/error.h"
#include "tests/unit.h"

static struct tally of_rows(const int64_t *ids, size_t count)
{
    struct tally tally = {.known = true};
    for (size_t i = 0; i < count; i++) {
        tally_add(&tally, tally_of_row(ids[i], (wall_time){ids[i] / 2}, STR("order.created")));
    }
    return tally;
}

static void test_the_order_of_rows_does_not_matter(void **state)
{
    (void)state;
    const int64_t one[] = {1, 2, 3, INT64_MAX};
    const int64_t other[] = {INT64_MAX, 3, 1, 2};
    const struct tally a = of_rows(one, 4);
    const struct tally b = of_rows(other, 4);
    assert_true(tally_equal(&a, &b));
    assert_int_equal(a.rows, 4);
}

static void test_other_rows_are_told_apart(void **state)
{
    (void)state;
    const int64_t one[] = {1, 4};
    const int64_t other[] = {2, 3};
    const struct tally a = of_rows(one, 2);
    const struct tally b = of_rows(other, 2);
    assert_false(tally_equal(&a, &b)); /* though the sums of the ids are equal */
    const uint64_t row = tally_of_row(7, (wall_time){1000}, STR("a"));
    assert_true(row != tally_of_row(8, (wall_time){1000}, STR("a")));
    assert_true(row != tally_of_row(7, (wall_time){1001}, STR("a")));
    assert_true(row != tally_of_row(7, (wall_time){1000}, STR("b")));
}

static void test_what_is_not_known_equals_nothing(void **state)
{
    (void)state;
    const struct tally unknown = {0};
    const struct tally none = {.known = true};
    assert_false(tally_equal(&unknown, &unknown));
    assert_false(tally_equal(&unknown, &none));
    assert_true(tally_equal(&none, &none));
}

static struct tally put_and_read(const struct tally *tally)
{
    struct buf out = {0};
    struct mp_doc doc;
    mp_doc_init(&doc);
    tally_put(&out, tally);
    assert_int_equal(mp_parse(&doc, out.data, out.len), STATUS_OK);
    const struct tally back = tally_read(&doc.root);
    mp_doc_free(&doc);
    buf_free(&out);
    return back;
}

static void test_it_is_read_as_it_was_put(void **state)
{
    (void)state;
    const struct tally tally = {true, 12, UINT64_MAX};
    const struct tally unknown = {0};
    const struct tally back = put_and_read(&tally);
    assert_true(tally_equal(&tally, &back));
    assert_false(put_and_read(&unknown).known);
    assert_false(tally_read(NULL).known);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_order_of_rows_does_not_matter),
        cmocka_unit_test(test_other_rows_are_told_apart),
        cmocka_unit_test(test_what_is_not_known_equals_nothing),
        cmocka_unit_test(test_it_is_read_as_it_was_put),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
