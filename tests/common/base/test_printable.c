/* SPDX-License-Identifier: Apache-2.0 */
#include "common/base/printable.h"

#include "tests/unit.h"

static void assert_both(const char *text, const char *plain, const char *json)
{
    struct buf out = {0};
    printable_append(&out, str_of(text));
    assert_string_equal(buf_cstr(&out), plain);
    buf_clear(&out);
    printable_append_json(&out, str_of(text));
    assert_string_equal(buf_cstr(&out), json);
    buf_free(&out);
}

static void text_is_left_alone(void **state)
{
    (void)state;
    static const char text[] = "Ärger 日本語 😀 ‐ ﷽ \u00a0 \u2027 \u202f \u2065 \ufeff";
    assert_both(text, text, text);
    assert_both("", "", "");
}

static void commands_are_none_any_more(void **state)
{
    (void)state;
    assert_both("a\x1b[31mb", "a [31mb", "a\\u001b[31mb");
    assert_both("a\x7f", "a ", "a\\u007f");
    assert_both("\xc2\x80\xc2\x9b\xc2\x9f", "   ", "\\u0080\\u009b\\u009f");
    /* NOLINTBEGIN(misc-misleading-bidirectional) */
    assert_both("a\u202eb\u2066", "a b ", "a\\u202eb\\u2066");
    assert_both("\u061c\u200e\u200f\u2028\u2029\u202a\u2069", "       ",
                "\\u061c\\u200e\\u200f\\u2028\\u2029\\u202a\\u2069");
    /* NOLINTEND(misc-misleading-bidirectional) */
}

/* An 8-bit terminal takes 0x9b for the beginning of an escape sequence. */
static void bytes_that_are_no_text_are_none_either(void **state)
{
    (void)state;
    assert_both("\x9b"
                "31m",
                " 31m", "\\ufffd31m");
    assert_both("a\xff\xe2\x82", "a   ", "a\\ufffd\\ufffd\\ufffd");
    assert_both("\xed\xa0\x80", "   ", "\\ufffd\\ufffd\\ufffd"); /* a surrogate */
}

static void only_json_has_lines(void **state)
{
    (void)state;
    assert_both("a\nb\tc\rd", "a b c d", "a\nb\tc\\u000dd");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_is_left_alone),
        cmocka_unit_test(commands_are_none_any_more),
        cmocka_unit_test(bytes_that_are_no_text_are_none_either),
        cmocka_unit_test(only_json_has_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
