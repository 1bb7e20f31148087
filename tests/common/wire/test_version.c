/* SPDX-License-Identifier: Apache-2.0 */
#include "common/wire/version.h"

#include <stdio.h>

#include "tests/unit.h"

static void test_text(void **state)
{
    (void)state;
    char text[VERSION_TEXT_SIZE];
    assert_string_equal(version_format((struct version){56, 4401}, text), "1k-3e9");
    assert_string_equal(version_format((struct version){0, 0}, text), "0-0");
    assert_string_equal(version_format((struct version){UINT64_MAX, UINT64_MAX}, text),
                        "3w5e11264sgsf-3w5e11264sgsf");
    struct version back;
    assert_true(version_parse(str_of("3w5e11264sgsf-3w5e11264sgsf"), &back));
    assert_true(back.epoch == UINT64_MAX && back.seq == UINT64_MAX);
}

static void test_refuses_other_text(void **state)
{
    (void)state;
    static const char *const wrong[] = {"",
                                        "-",
                                        "1k",
                                        "1k-",
                                        "-1",
                                        "1K-1",
                                        "1-1-",
                                        "1 -1",
                                        "3w5e11264sgsg-1",
                                        "1-zzzzzzzzzzzzzzzz",
                                        "1-1_"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct version version = {7, 7};
        assert_false(version_parse(str_of(wrong[i]), &version));
        assert_int_equal(version.epoch, 7);
    }
}

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

static void test_order(void **state)
{
    (void)state;
    assert_true(version_compare((struct version){1, 900}, (struct version){2, 1}) < 0);
    assert_true(version_compare((struct version){2, 2}, (struct version){2, 1}) > 0);
    assert_int_equal(version_compare((struct version){2, 2}, (struct version){2, 2}), 0);
}

static void test_a_family_shares_a_lane(void **state)
{
    (void)state;
    bool used[8] = {false};
    for (int i = 0; i < 200; i++) {
        char family[32];
        char member[32];
        snprintf(family, sizeof family, "tile.%d", i);
        snprintf(member, sizeof member, "tile.%d/eu%%20west", i);
        const unsigned lane = lane_of_key(str_of(family), 8);
        assert_int_equal(lane, lane_of_key(str_of(member), 8));
        used[lane] = true;
    }
    for (int i = 0; i < 8; i++) {
        assert_true(used[i]);
    }
    assert_int_equal(lane_of_key(str_of("x"), 1), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_refuses_other_text),
        cmocka_unit_test(test_cursor_repeats_no_epoch),
        cmocka_unit_test(test_cursor_refuses_other_text),
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_a_family_shares_a_lane),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
