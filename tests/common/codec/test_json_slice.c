/* SPDX-License-Identifier: Apache-2.0 */
#include "common/codec/json_slice.h"

#include "common/base/error.h"
#include "common/codec/json.h"
#include "tests/unit.h"

static void test_a_value_is_what_was_written(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *path;
        const char *expected; /* NULL: there is none */
    } rows[] = {
        {"{\"a\": 1.50}", "a", "1.50"},
        {" [1, 2]\n", "", "[1, 2]"},
        {"{\"a\":{\"b\":[1,{\"c\" : \"}\"}]},\"z\":0}", "a.b", "[1,{\"c\" : \"}\"}]"},
        {"{\"a\":{\"b\":[1,{\"c\" : \"}\"}]}}", "a.b.1.c", "\"}\""},
        {"{\"a\":\"\\\"\\\\\",\"b\":12345678901234567890}", "b", "12345678901234567890"},
        {"{\"a\":1,\"a\":2}", "a", "2"},
        {"{\"\\u0061b\":true}", "ab", "true"},
        {"{\"a\":{}}", "a", "{}"},
        {"{\"a\":[]}", "a.0", NULL},
        {"{\"a\":1}", "b", NULL},
        {"{\"a\":1}", "a.b", NULL},
        {"{}", "a", NULL},
        {"[ ]", "0", NULL},
        {"null", "", "null"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct str out;
        const bool found = json_slice(str_of(rows[i].text), str_of(rows[i].path), &out);
        assert_int_equal(found, rows[i].expected != NULL);
        if (found) {
            assert_str(out, rows[i].expected);
        }
    }
}

/* Each piece that is found is JSON, and the value that json_at finds; texts that end anywhere end
 * the search, too. */
static void test_it_agrees_with_the_parser_and_stops_at_any_end(void **state)
{
    (void)state;
    const char *text =
        "{ \"a\" : [ {\"b\\\"\": -1e5, \"c\":\"x]}\"} , [[]], null ],\"d\":{\"e\":false} }";
    static const char *const paths[] = {"a", "a.0", "a.0.b\"", "a.0.c", "a.1.0", "a.2", "d.e"};
    struct json_value *root;
    struct str piece;
    assert_int_equal(json_parse(str_of(text), 1000, &root), STATUS_OK);
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        struct json_value *alone;
        struct buf expected = {0};
        struct buf got = {0};
        assert_true(json_slice(str_of(text), str_of(paths[i]), &piece));
        assert_int_equal(json_parse(piece, 1000, &alone), STATUS_OK);
        json_to_mp(&expected, json_at(root, str_of(paths[i])));
        json_to_mp(&got, alone);
        assert_true(str_equal(buf_str(&expected), buf_str(&got)));
        buf_free(&expected);
        buf_free(&got);
        json_free(alone);
        for (size_t len = 0; len < strlen(text); len++) {
            (void)json_slice((struct str){text, len}, str_of(paths[i]), &piece);
        }
    }
    json_free(root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_value_is_what_was_written),
        cmocka_unit_test(test_it_agrees_with_the_parser_and_stops_at_any_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
