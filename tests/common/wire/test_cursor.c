/* SPDX-License-Identifier: Apache-2.0 */
#include "common/wire/cursor.h"

#include "tests/unit.h"

static void test_cursor_repeats_no_epoch(void **state)
{
    (void)state;
    const struct cursor cursor = {4, {{56, 1}, {56, 37}, {57, 0}, {57, 2}}};
    struct buf text = {0};
    cursor_append(&text, &cursor);
    assert_string_equal(buf_cstr(&text), "1k-1_-11_1l-0_-2");
    struct cursor back;
    assert_true(cursor_parse(buf_str(&text), &back));
    assert_int_equal(back.lanes, 4);
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(version_compare(back.at[i], cursor.at[i]), 0);
    }
    buf_free(&text);
}

static void test_cursor_refuses_other_text(void **state)
{
    (void)state;
    struct cursor cursor;
    assert_false(cursor_parse(str_of(""), &cursor));
    assert_false(cursor_parse(str_of("-1"), &cursor));
    assert_false(cursor_parse(str_of("1-1_"), &cursor));
    assert_false(cursor_parse(str_of("1-1 "), &cursor));
    struct buf many = {0};
    buf_append_text(&many, "1-1");
    for (int i = 0; i < LANES_MAX; i++) {
        buf_append_text(&many, "_-1");
    }
    assert_false(cursor_parse(buf_str(&many), &cursor));
    many.len -= 3;
    assert_true(cursor_parse(buf_str(&many), &cursor));
    buf_free(&many);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cursor_repeats_no_epoch),
        cmocka_unit_test(test_cursor_refuses_other_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
