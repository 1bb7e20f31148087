/* SPDX-License-Identifier: Apache-2.0 */
#include "common/codec/json_outline.h"

#include "common/base/error.h"
#include "common/codec/json.h"
#include "tests/unit.h"

/* What stands at a path: its text where it is a string, else as it is written; NULL: nothing. */
static void assert_at(const char *text, const char *path, const char *expected)
{
    struct json_outline outline = {0};
    struct buf scratch = {0};
    struct str found;
    assert_true(json_outline_read(&outline, str_of(text)));
    const struct json_node *node =
        json_outline_at(&outline, json_outline_root(&outline), str_of(path));
    assert_int_equal(node != NULL, expected != NULL);
    if (node != NULL) {
        if (!json_outline_text(&outline, node, &scratch, &found)) {
            found = json_outline_raw(&outline, node);
        }
        assert_str(found, expected);
    }
    buf_free(&scratch);
    json_outline_free(&outline);
}

static void test_a_value_is_what_was_written(void **state)
{
    (void)state;
    assert_at("{\"a\": 1.50}", "a", "1.50");
    assert_at(" [1, 2]\n", "", "[1, 2]");
    assert_at("{\"a\":{\"b\":[1,{\"c\" : \"}\"}]},\"z\":0}", "a.b", "[1,{\"c\" : \"}\"}]");
    assert_at("{\"a\":{\"b\":[1,{\"c\" : \"}\"}]}}", "a.b.1.c", "}");
    assert_at("{\"a\":\"\\\"\\\\\",\"b\":12345678901234567890}", "b", "12345678901234567890");
    assert_at("{\"a\":[]}", "a", "[]");
    assert_at("{\"a\":{}, \"b\": {} }", "b", "{}");
    assert_at("null", "", "null");
    assert_at("{\"long enough for eight\":\"and this is, too\"}", "long enough for eight",
              "and this is, too");
}

static void test_what_is_not_there_is_not_found(void **state)
{
    (void)state;
    assert_at("{\"a\":[]}", "a.0", NULL);
    assert_at("{\"a\":[1]}", "a.1", NULL);
    assert_at("{\"a\":[1,2]}", "a.01", NULL);
    assert_at("{\"a\":[1]}", "a.x", NULL);
    assert_at("{\"a\":1}", "b", NULL);
    assert_at("{\"a\":1}", "a.b", NULL);
    assert_at("{}", "a", NULL);
    assert_at("{\"\\ud800\":1}", "\xed\xa0\x80", NULL);
}

static void test_of_members_of_one_name_the_last_one_counts(void **state)
{
    (void)state;
    assert_at("{\"a\":1,\"a\":{\"b\":2},\"c\":3}", "a.b", "2");
    assert_at("{\"a\":{\"b\":2},\"\\u0061\":5}", "a", "5");
    assert_at("{\"a\":{\"b\":2},\"a\":5}", "a.b", NULL);
}

static void test_escapes_are_read(void **state)
{
    (void)state;
    assert_at("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "", "\"\\/\b\f\n\r\t");
    assert_at("\"x\\u00e9\\u20ac\\ud83d\\ude00\\u007Fy\"", "",
              "x\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\x7fy");
    assert_at("\"\xc3\xa9\"", "", "\xc3\xa9");
}

static void test_what_cannot_be_held_is_unusable(void **state)
{
    (void)state;
    static const char *const texts[] = {"[\"\\ud800\"]", "[\"\\ude00x\"]", "[\"\\u0000\"]",
                                        "[\"\xff\"]", "[\"\\ud800\\u0041\"]"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct json_outline outline = {0};
        struct buf scratch = {0};
        struct str text;
        assert_true(json_outline_read(&outline, str_of(texts[i])));
        const struct json_node *node =
            json_outline_at(&outline, json_outline_root(&outline), STR("0"));
        assert_non_null(node);
        assert_int_equal(node->kind, OUTLINE_UNUSABLE);
        assert_false(json_outline_absent(node));
        assert_false(json_outline_text(&outline, node, &scratch, &text));
        json_outline_free(&outline);
        buf_free(&scratch);
    }
}

static void test_numbers(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t as_integer;
        double as_number;
        bool integer;
        bool number;
    } rows[] = {
        {"0", 0, 0, true, true},
        {"-0", 0, 0, true, true},
        {"9223372036854775807", INT64_MAX, 0x1p63, true, true},
        {"9223372036854775808", 0, 0x1p63, false, true},
        {"1.0", 0, 1, false, true},
        {"-2.5e-1", 0, -0.25, false, true},
        {"1e400", 0, 0, false, false},
        {"\"1\"", 0, 0, false, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct json_outline outline = {0};
        int64_t integer;
        double number;
        assert_true(json_outline_read(&outline, str_of(rows[i].text)));
        const struct json_node *node = json_outline_root(&outline);
        assert_int_equal(json_outline_integer(&outline, node, &integer), rows[i].integer);
        assert_int_equal(json_outline_number(&outline, node, &number), rows[i].number);
        if (rows[i].integer) {
            assert_int_equal(integer, rows[i].as_integer);
        }
        if (rows[i].number) {
            assert_true(number >= rows[i].as_number && number <= rows[i].as_number);
        }
        json_outline_free(&outline);
    }
}

static void test_what_is_no_json_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        " ",
        "{",
        "}",
        "{]",
        "[1,]",
        "[,1]",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{a:1}",
        "{\"a\" 1}",
        "1 2",
        "01",
        "1.",
        ".5",
        "-",
        "1e",
        "+1",
        "tru",
        "nulls",
        "\"",
        "\"\\\"",
        "\"\\x\"",
        "\"\\u12\"",
        "\"\t\"",
        "[1 2]",
        "[[]",
        "{\"a\":1 \"b\":2}",
        "{1:2}",
        "\xef\xbb\xbf{}",
    };
    struct json_outline outline = {0};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        if (json_outline_read(&outline, str_of(texts[i]))) {
            fail_msg("taken for JSON: %s", texts[i]);
        }
        assert_null(json_outline_root(&outline));
    }
    assert_false(json_outline_read(&outline, STR_NULL));
    assert_false(json_outline_read(&outline, (struct str){"[1]\0", 4}));
    json_outline_free(&outline);
}

/* What is nested too deep is passed over, and what stands behind it is read. */
static void test_deep_nesting_costs_its_value_only(void **state)
{
    (void)state;
    struct buf text = {0};
    buf_append_text(&text, "{\"deep\":");
    for (int i = 0; i < 5000; i++) {
        buf_append_text(&text, i % 2 != 0 ? "[" : "{\"a\":");
    }
    buf_append_text(&text, "\"]\"");
    for (int i = 5000; i-- != 0;) {
        buf_append_text(&text, i % 2 != 0 ? "]" : "}");
    }
    buf_append_text(&text, ",\"n\":7}");
    assert_at(buf_cstr(&text), "n", "7");
    buf_free(&text);
}

/* Texts that end anywhere are refused, and nothing is read behind their ends. */
static void test_a_text_may_end_anywhere(void **state)
{
    (void)state;
    const char *text = "{\"a\":[true,false,null,-1.5e+3,\"\\u00e9\\ud83d\\ude00 and more\"]}";
    struct json_outline outline = {0};
    for (size_t len = 0; len < strlen(text); len++) {
        char *alone = malloc(len + 1);
        assert_non_null(alone);
        memcpy(alone, text, len);
        assert_false(json_outline_read(&outline, (struct str){alone, len}));
        free(alone);
    }
    assert_true(json_outline_read(&outline, str_of(text)));
    json_outline_free(&outline);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_value_is_what_was_written),
        cmocka_unit_test(test_what_is_not_there_is_not_found),
        cmocka_unit_test(test_of_members_of_one_name_the_last_one_counts),
        cmocka_unit_test(test_escapes_are_read),
        cmocka_unit_test(test_what_cannot_be_held_is_unusable),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_what_is_no_json_is_refused),
        cmocka_unit_test(test_deep_nesting_costs_its_value_only),
        cmocka_unit_test(test_a_text_may_end_anywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
