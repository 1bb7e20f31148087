/* SPDX-License-Identifier: Apache-2.0 */
#include "common/base/str.h"

#include "common/base/buf.h"
#include "common/base/utf8.h"
#include "tests/unit.h"

static bool glob(const char *pattern, const char *text)
{
    return str_glob(str_of(pattern), str_of(text));
}

static void test_glob(void **state)
{
    (void)state;
    assert_true(glob("order.*", "order.created"));
    assert_true(glob("order.*", "order."));
    assert_false(glob("order.*", "orders"));
    assert_true(glob("*", ""));
    assert_true(glob("", ""));
    assert_false(glob("", "a"));
    assert_true(glob("*.created", "order.created"));
    assert_true(glob("a*b*c", "a-b-b-c"));
    assert_false(glob("a*b*c", "a-b-b"));
    assert_true(glob("**a**", "banana"));
    assert_false(glob("a", "A"));
}

/* Retrying each star for each character would take longer than the universe has. */
static void test_glob_is_not_exponential(void **state)
{
    (void)state;
    char text[20001];
    memset(text, 'a', 20000);
    text[20000] = '\0';
    assert_false(glob("*a*a*a*a*a*a*a*a*a*a*b", text));
}

static void test_absent_is_not_empty(void **state)
{
    (void)state;
    assert_false(str_equal(STR_NULL, STR("")));
    assert_true(str_equal(STR_NULL, STR_NULL));
    assert_true(str_is(STR("x"), "x"));
    assert_false(str_is(STR_NULL, ""));
}

static void test_utf8(void **state)
{
    (void)state;
    static const char *const valid[] = {"",
                                        "plain text, longer than eight",
                                        "caf\xc3\xa9",
                                        "\xe2\x82\xac",
                                        "\xf0\x9f\x98\x80",
                                        "\xf4\x8f\xbf\xbf"};
    static const char *const invalid[] = {"\x80",
                                          "\xc0\x80",
                                          "\xc3",
                                          "\xe0\x80\x80",
                                          "\xed\xa0\x80",
                                          "\xf4\x90\x80\x80",
                                          "\xf8\x88\x80\x80\x80",
                                          "12345678\xff"};
    for (size_t i = 0; i < sizeof valid / sizeof *valid; i++) {
        assert_true(utf8_valid(str_of(valid[i])));
    }
    for (size_t i = 0; i < sizeof invalid / sizeof *invalid; i++) {
        assert_false(utf8_valid(str_of(invalid[i])));
        struct buf clean = {0};
        utf8_append_clean(&clean, str_of(invalid[i]));
        assert_true(utf8_valid(buf_str(&clean)));
        buf_free(&clean);
    }
}

static void test_buf_grows(void **state)
{
    (void)state;
    struct buf buf = {0};
    assert_string_equal(buf_cstr(&buf), "");
    for (int i = 0; i < 1000; i++) {
        buf_printf(&buf, "%03d", i);
    }
    assert_int_equal(buf.len, 3000);
    assert_memory_equal(buf.data + 2997, "999", 3);
    char *text = buf_take(&buf);
    assert_null(buf.data);
    free(text);
    buf_free(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_glob),
        cmocka_unit_test(test_glob_is_not_exponential),
        cmocka_unit_test(test_absent_is_not_empty),
        cmocka_unit_test(test_utf8),
        cmocka_unit_test(test_buf_grows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
