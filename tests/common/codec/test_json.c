/* SPDX-License-Identifier: Apache-2.0 */
#include "common/codec/json.h"

#include "common/base/error.h"
#include "tests/unit.h"

static void test_paths(void **state)
{
    (void)state;
    struct json_value *root;
    const struct str text =
        STR("{\"a\":{\"b\":{\"c\":7}},\"s\":\"x\\u0000y\",\"f\":1.5,\"t\":true,\"n\":null}");
    int64_t integer;
    double number;
    bool boolean;
    struct str string;
    if (json_parse(text, 1000, &root) == STATUS_OK) {
        fail_msg("a NUL character in a string is refused: C code would cut the text there");
    }
    const struct str fine =
        STR("{\"a\":{\"b\":{\"c\":7}},\"s\":\"x\",\"f\":1.5,\"t\":true,\"n\":null}");
    assert_int_equal(json_parse(fine, 1000, &root), STATUS_OK);
    assert_true(json_as_int(json_at(root, STR("a.b.c")), &integer));
    assert_int_equal(integer, 7);
    assert_true(json_as_number(json_at(root, STR("f")), &number));
    assert_true(json_as_bool(json_at(root, STR("t")), &boolean));
    assert_true(json_as_str(json_at(root, STR("s")), &string));
    assert_int_equal(string.len, 1);
    assert_null(json_at(root, STR("a.x.c")));
    assert_null(json_at(root, STR("f.c")));
    assert_null(json_at(root, STR("a..b")));
    assert_true(json_absent(json_at(root, STR("n"))));
    assert_false(json_as_int(json_at(root, STR("f")), &integer));
    assert_ptr_equal(json_at(root, STR("")), root);
    json_free(root);
}

static void test_refuses(void **state)
{
    (void)state;
    struct json_value *root;
    assert_int_equal(json_parse(STR("{\"a\":"), 1000, &root), STATUS_INVALID);
    assert_null(root);
    assert_int_equal(json_parse(STR("{} x"), 1000, &root), STATUS_INVALID);
    assert_int_equal(json_parse(STR("\xff"), 1000, &root), STATUS_INVALID);
    assert_int_equal(json_parse(STR_NULL, 1000, &root), STATUS_INVALID);
    assert_int_equal(json_parse(STR("[1,2,3]"), 3, &root), STATUS_FULL);
}

static void test_numbers_beyond_int64(void **state)
{
    (void)state;
    struct json_value *root;
    double number;
    const struct str text = STR("{\"v\":123456789012345678901234567890}");
    assert_int_equal(json_parse(text, 100, &root), STATUS_OK);
    assert_true(json_as_number(json_at(root, STR("v")), &number));
    assert_true(number > 1.2e29 && number < 1.3e29);
    json_free(root);
}

static void test_strings(void **state)
{
    (void)state;
    struct buf out = {0};
    json_write_string(&out, STR("a\"\\\n\x01\xff"));
    assert_string_equal(buf_cstr(&out), "\"a\\\"\\\\\\n\\u0001\xef\xbf\xbd\"");
    buf_free(&out);
}

static bool stop_after_two(void *arg, struct str name, const struct json_value *value)
{
    (void)name;
    (void)value;
    return ++*(int *)arg < 2;
}

static void test_each_can_stop(void **state)
{
    (void)state;
    struct json_value *root;
    int seen = 0;
    assert_int_equal(json_parse(STR("{\"a\":1,\"b\":2,\"c\":3}"), 100, &root), STATUS_OK);
    json_each(root, stop_after_two, &seen);
    assert_int_equal(seen, 2);
    json_free(root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_paths),
        cmocka_unit_test(test_refuses),
        cmocka_unit_test(test_numbers_beyond_int64),
        cmocka_unit_test(test_strings),
        cmocka_unit_test(test_each_can_stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
