/* SPDX-License-Identifier: Apache-2.0 */
#include "common/codec/json.h"

#include <math.h>
#include <stdlib.h>

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

/* jansson passes over one behind a number. */
static void test_a_nul_byte_is_no_json(void **state)
{
    (void)state;
    static const char *const texts[] = {"[1@,2]", "[98765432109876543210@,2]", "1@", "[\"@\"]",
                                        "@"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct json_value *root;
        char text[32];
        const size_t len = strlen(texts[i]);
        memcpy(text, texts[i], len);
        *(char *)memchr(text, '@', len) = '\0';
        assert_int_equal(json_parse((struct str){text, len}, 1000, &root), STATUS_INVALID);
        assert_int_equal(json_parse_usable((struct str){text, len}, 1000, &root), STATUS_INVALID);
        assert_null(root);
    }
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

static struct json_value *usable(struct str text)
{
    struct json_value *root;
    if (json_parse_usable(text, SIZE_MAX, &root) != STATUS_OK) {
        fail_msg("cannot be read: %.*s", (int)text.len, text.p);
    }
    return root;
}

/* Other members are read as if that one were not there. */
static void only_a_is_unusable(struct str text)
{
    struct json_value *root = usable(text);
    int64_t integer;
    double number;
    struct str string;
    const struct json_value *a = json_at(root, STR("a"));
    assert_true(json_is_unusable(a));
    assert_false(json_absent(a));
    assert_false(json_as_str(a, &string));
    assert_false(json_as_number(a, &number));
    assert_false(json_as_digits(a, &string));
    assert_true(json_as_int(json_at(root, STR("b")), &integer));
    assert_int_equal(integer, 9007199254740993);
    assert_false(json_is_unusable(json_at(root, STR("b"))));
    struct buf out = {0};
    struct mp_doc doc;
    mp_doc_init(&doc);
    json_to_mp(&out, root);
    assert_int_equal(mp_parse(&doc, out.data, out.len), STATUS_OK);
    assert_int_equal(mp_count(&doc.root), 1);
    mp_doc_free(&doc);
    buf_free(&out);
    json_free(root);
}

static void test_what_cannot_be_held_costs_its_member_only(void **state)
{
    (void)state;
    only_a_is_unusable(STR("{\"a\":\"\\ud83d\",\"b\":9007199254740993}"));
    only_a_is_unusable(STR("{\"a\":\"x\\uDE00y\",\"b\":9007199254740993}"));
    only_a_is_unusable(STR("{\"a\":\"\\ud83d\\ud83d\\ude00\",\"b\":9007199254740993}"));
    only_a_is_unusable(STR("{\"a\":\"\\ud83d\\n\\ude00\",\"b\":9007199254740993}"));
    only_a_is_unusable(STR("{\"a\":\"\\u0000\",\"b\":9007199254740993}"));
    only_a_is_unusable(STR("{\"b\":9007199254740993 , \"a\" : \"12\\u00003\"}"));
    only_a_is_unusable(STR("{\"a\":\"\xff\",\"b\":9007199254740993}"));
    only_a_is_unusable(STR("{\"a\":1e400,\"b\":9007199254740993}"));
    only_a_is_unusable(STR("{\"a\":-1.5E+999,\"b\":9007199254740993}"));
    /* A name that cannot be held is no member that anybody can ask for. */
    struct json_value *root = usable(STR("{\"\\ud83d\" : 1,\"\\u0000\":2,\"b\":3}"));
    int64_t integer;
    assert_true(json_as_int(json_at(root, STR("b")), &integer));
    json_free(root);
}

static void test_what_is_no_json_stays_none(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "{\"a\":\"\\ud83d\"",
        "{\"a\":\"\\ud83d}",
        "{\"a\":1e400x}",
        "[1e400 1]",
        "[00000000000000000000]",
        "[-]",
        "[1e]",
        "[1.]",
        "[.5]",
        "[+5]",
        "[0x10]",
        "[NaN]",
        "[Infinity]",
        "[\"\\u00zz\"]",
        "[\"\\ud83d\",]",
        "{\"a\":\"\\u0000\"}}",
        "\"\\u0000\"\"\"",
        "{1e400:1}",
        "[99999999999999999999a]",
        "\"\\",
        "\"\xe9",
        "\"\\ud83d",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct json_value *root;
        if (json_parse_usable(str_of(texts[i]), 1000, &root) == STATUS_OK) {
            fail_msg("was read: %s", texts[i]);
        }
    }
}

static void test_large_integers_keep_their_digits(void **state)
{
    (void)state;
    struct json_value *root =
        usable(STR("{\"a\":9223372036854775807,\"b\":-9223372036854775809,"
                   "\"c\":9223372036854775808,\"d\":9007199254740993,\"e\":\"9\"}"));
    int64_t integer;
    double number;
    struct str digits;
    assert_true(json_as_int(json_at(root, STR("a")), &integer));
    assert_true(integer == INT64_MAX);
    assert_false(json_as_int(json_at(root, STR("b")), &integer));
    assert_false(json_as_str(json_at(root, STR("b")), &digits));
    assert_true(json_as_digits(json_at(root, STR("b")), &digits));
    assert_true(str_is(digits, "-9223372036854775809"));
    assert_true(json_as_number(json_at(root, STR("c")), &number));
    assert_true(number > 9.223e18 && number < 9.224e18);
    assert_true(json_as_int(json_at(root, STR("d")), &integer));
    assert_int_equal(integer, 9007199254740993);
    assert_false(json_as_digits(json_at(root, STR("d")), &digits));
    assert_false(json_as_digits(json_at(root, STR("e")), &digits));
    json_free(root);
}

static void test_integers_of_uint64_stay_exact(void **state)
{
    (void)state;
    static const char text[] = "[9223372036854775807,9223372036854775809,18446744073709551615,"
                               "18446744073709551616,-9223372036854775809]";
    struct json_value *root;
    struct buf packed = {0};
    struct buf out = {0};
    struct mp_doc doc;
    mp_doc_init(&doc);
    assert_int_equal(json_parse_usable(str_of(text), 1000, &root), STATUS_OK);
    json_to_mp(&packed, root);
    assert_int_equal(mp_parse(&doc, packed.data, packed.len), STATUS_OK);
    json_write_value(&out, &doc.root);
    assert_string_equal(buf_cstr(&out),
                        "[9223372036854775807,9223372036854775809,18446744073709551615,"
                        "1.8446744073709552e19,-9.223372036854776e18]");
    mp_doc_free(&doc);
    buf_free(&packed);
    buf_free(&out);
    json_free(root);
}

static void test_deep_nesting_costs_its_member_only(void **state)
{
    (void)state;
    for (size_t depth = 2040; depth < 2056; depth++) {
        struct buf text = {0};
        buf_append_text(&text, "{\"a\":");
        for (size_t i = 0; i < depth; i++) {
            buf_append_text(&text, i % 2 == 0 ? "[" : "{\"]\":");
        }
        buf_append_text(&text, "7");
        for (size_t i = depth; i > 0; i--) {
            buf_append_char(&text, i % 2 == 1 ? ']' : '}');
        }
        buf_append_text(&text, ",\"b\":9}");
        struct json_value *root = usable(buf_str(&text));
        int64_t integer;
        assert_true(json_as_int(json_at(root, STR("b")), &integer));
        json_free(root);
        buf_free(&text);
    }
}

/* A member that is nil would be a removal in a merge patch. */
static void test_what_is_too_deep_for_a_message_is_left_out(void **state)
{
    (void)state;
    struct json_value *root = usable(
        STR("{\"1\":{\"2\":{\"3\":{\"4\":{\"5\":{\"6\":{\"7\":{\"8\":{\"9\":1,\"8\":[2]}}}}}}}}}"));
    struct buf packed = {0};
    struct buf out = {0};
    struct mp_doc doc;
    mp_doc_init(&doc);
    json_to_mp(&packed, root);
    assert_int_equal(mp_parse(&doc, packed.data, packed.len), STATUS_OK);
    json_write_value(&out, &doc.root);
    assert_string_equal(buf_cstr(&out),
                        "{\"1\":{\"2\":{\"3\":{\"4\":{\"5\":{\"6\":{\"7\":{\"8\":{}}}}}}}}}");
    mp_doc_free(&doc);
    buf_free(&packed);
    buf_free(&out);
    json_free(root);
}

static void test_items_of_lists(void **state)
{
    (void)state;
    struct json_value *root = usable(STR("{\"items\":[{\"q\":5},[6,7]],\"m\":{\"0\":8}}"));
    int64_t integer;
    assert_true(json_as_int(json_at(root, STR("items.0.q")), &integer));
    assert_int_equal(integer, 5);
    assert_true(json_as_int(json_at(root, STR("items.1.1")), &integer));
    assert_int_equal(integer, 7);
    assert_true(json_as_int(json_at(root, STR("m.0")), &integer));
    assert_int_equal(integer, 8);
    static const char *const missing[] = {
        "items.2",          "items.00.q", "items.-1", "items.q", "items.18446744073709551616",
        "items.4294967296", "items.+0"};
    for (size_t i = 0; i < sizeof missing / sizeof *missing; i++) {
        assert_null(json_at(root, str_of(missing[i])));
    }
    json_free(root);
}

static void writes_as(double number, const char *expected)
{
    struct buf packed = {0};
    struct buf out = {0};
    struct mp_doc doc;
    mp_doc_init(&doc);
    mp_put_number(&packed, number);
    assert_int_equal(mp_parse(&doc, packed.data, packed.len), STATUS_OK);
    json_write_value(&out, &doc.root);
    assert_string_equal(buf_cstr(&out), expected);
    mp_doc_free(&doc);
    buf_free(&packed);
    buf_free(&out);
}

static void test_numbers_are_read_again_as_they_were(void **state)
{
    (void)state;
    writes_as(0.1, "0.1");
    writes_as(0.1 + 0.2, "0.30000000000000004");
    writes_as(2.0 / 3, "0.6666666666666666");
    writes_as(12.5, "12.5");
    writes_as(-3, "-3");
    writes_as(9007199254740992.0, "9007199254740992.0");
    writes_as(1e300, "1e300");
    writes_as(-1.5e-7, "-1.5e-7");
    writes_as(5e-324, "4.94065645841247e-324");
    writes_as(1.7976931348623157e308, "1.7976931348623157e308");
    writes_as(INFINITY, "null");
}

/* The least number of digits, 15 to 17, by printf and strtod alone. */
static void text_by_printf(double number, char text[JSON_NUMBER_SIZE])
{
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, JSON_NUMBER_SIZE, "%.*g", digits, number);
        if (fabs(strtod(text, NULL) - number) <= 0) {
            return;
        }
    }
}

static void number_is_as_by_printf(double number)
{
    char expected[JSON_NUMBER_SIZE];
    char text[JSON_NUMBER_SIZE];
    text_by_printf(number, expected);
    assert_int_equal(json_number_text(number, text), strlen(expected));
    assert_string_equal(text, expected);
}

static void test_numbers_have_the_digits_that_printf_writes(void **state)
{
    (void)state;
    for (int power = -25; power <= 25; power++) {
        const double ten = pow(10, power);
        const double near[] = {0, ten, nextafter(ten, 0), nextafter(ten, 1e30), ten / 3, -7 * ten};
        for (size_t i = 0; i < sizeof near / sizeof *near; i++) {
            number_is_as_by_printf(near[i]);
        }
        for (int i = 0; i < 200; i++) {
            number_is_as_by_printf(rand() % 1000000 * ten);
            number_is_as_by_printf(rand() % 1000000 / ten);
            number_is_as_by_printf(((double)rand() * 0x1p22 + rand()) * ten);
        }
    }
}

/* Whatever comes, nothing breaks; and what jansson reads as it is, is read the same. */
static void test_random_texts(void **state)
{
    (void)state;
    static const char *const parts[] = {"{",           "}",
                                        "[",           "]",
                                        ",",           ":",
                                        "\"a\"",       "\"",
                                        "\\u",         "\\ud83d",
                                        "\\ude00",     "\\u0000",
                                        "\\",          "1",
                                        "-",           "0",
                                        "e999",        ".5",
                                        "\"b\":",      "null",
                                        "true",        " ",
                                        "\n",          "\xff",
                                        "1e400",       "9223372036854775808",
                                        "\"\\ud83d\"", "\"x\":1",
                                        "d83d",        "\xc3\xa9",
                                        "\t",          "+"};
    unsigned seed = 11;
    size_t read = 0;
    for (int round = 0; round < 200000; round++) {
        struct buf text = {0};
        struct json_value *root;
        for (int count = rand_r(&seed) % 9; count >= 0; count--) {
            buf_append_text(&text, parts[(size_t)rand_r(&seed) % (sizeof parts / sizeof *parts)]);
        }
        const bool strict = json_parse(buf_str(&text), SIZE_MAX, &root) == STATUS_OK;
        json_free(root);
        const bool usable = json_parse_usable(buf_str(&text), SIZE_MAX, &root) == STATUS_OK;
        if (strict && !usable) {
            fail_msg("was read before: %s", buf_cstr(&text));
        }
        struct buf out = {0};
        json_to_mp(&out, root);
        buf_free(&out);
        json_free(root);
        buf_free(&text);
        read += usable;
    }
    assert_true(read > 1000);
}

static void test_strings(void **state)
{
    (void)state;
    struct buf out = {0};
    json_write_string(&out, STR("a\"\\\n\x01\xff"));
    assert_string_equal(buf_cstr(&out), "\"a\\\"\\\\\\n\\u0001\xef\xbf\xbd\"");
    buf_clear(&out);
    json_write_string(&out, STR("\b\f\r\t\x1f/\x7f\u00e4"));
    assert_string_equal(buf_cstr(&out), "\"\\b\\f\\r\\t\\u001F/\x7f\u00e4\"");
    buf_clear(&out);
    json_write_string(&out, STR_NULL);
    assert_string_equal(buf_cstr(&out), "\"\"");
    buf_free(&out);
}

static bool stop_after_two(void *arg, struct str name, const struct json_value *value)
{
    (void)name;
    (void)value;
    return ++*(int *)arg < 2;
}

/* Readers of lines take more than JSON does for the end of one. */
static void test_no_string_ends_a_line(void **state)
{
    (void)state;
    const struct {
        struct str text;
        const char *json;
    } rows[] = {
        {STR("a\xe2\x80\xa8z"), "\"a\\u2028z\""},
        {STR("\xe2\x80\xa9"), "\"\\u2029\""},
        {STR("\xc2\x85\xc2\x85"), "\"\\u0085\\u0085\""},
        {STR("\x0b\x0c\x1c\x1e"), "\"\\u000B\\f\\u001C\\u001E\""},
        {STR("\xe2\x80\xa7\xe2\x80\xb0"), "\"\xe2\x80\xa7\xe2\x80\xb0\""}, /* beside them */
        {STR("\xc2\x84\xc2\x86\xe2\x82\xa8"), "\"\xc2\x84\xc2\x86\xe2\x82\xa8\""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct buf out = {0};
        json_write_string(&out, rows[i].text);
        assert_string_equal(buf_cstr(&out), rows[i].json);
        buf_free(&out);
    }
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

/* Two readers of what was signed must not each find another member. */
static void test_a_member_that_is_there_twice(void **state)
{
    (void)state;
    static const char *const twice[] = {"{\"a\":1,\"a\":1}", "[{\"b\":{\"a\":1,\"a\":2}}]",
                                        "{\"a\":1,\"\\u0061\":2}"};
    struct json_value *root;
    for (size_t i = 0; i < sizeof twice / sizeof *twice; i++) {
        assert_int_equal(json_parse_strict(str_of(twice[i]), 100, &root), STATUS_INVALID);
        assert_null(root);
        assert_int_equal(json_parse(str_of(twice[i]), 100, &root), STATUS_OK);
        json_free(root);
    }
    assert_int_equal(json_parse_strict(STR("{\"a\":1,\"a.b\":{\"a\":2}}"), 100, &root), STATUS_OK);
    int64_t number = 0;
    assert_true(json_as_int(json_member(json_member(root, STR("a.b")), STR("a")), &number));
    assert_int_equal(number, 2);
    assert_null(json_member(root, STR("b")));
    assert_null(json_member(NULL, STR("a")));
    json_free(root);
    assert_int_equal(json_parse_strict(STR("[1]"), 2, &root), STATUS_FULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_paths),
        cmocka_unit_test(test_refuses),
        cmocka_unit_test(test_a_nul_byte_is_no_json),
        cmocka_unit_test(test_numbers_beyond_int64),
        cmocka_unit_test(test_what_cannot_be_held_costs_its_member_only),
        cmocka_unit_test(test_what_is_no_json_stays_none),
        cmocka_unit_test(test_large_integers_keep_their_digits),
        cmocka_unit_test(test_integers_of_uint64_stay_exact),
        cmocka_unit_test(test_deep_nesting_costs_its_member_only),
        cmocka_unit_test(test_what_is_too_deep_for_a_message_is_left_out),
        cmocka_unit_test(test_items_of_lists),
        cmocka_unit_test(test_numbers_are_read_again_as_they_were),
        cmocka_unit_test(test_numbers_have_the_digits_that_printf_writes),
        cmocka_unit_test(test_random_texts),
        cmocka_unit_test(test_strings),
        cmocka_unit_test(test_no_string_ends_a_line),
        cmocka_unit_test(test_each_can_stop),
        cmocka_unit_test(test_a_member_that_is_there_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
