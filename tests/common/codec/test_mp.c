/* SPDX-License-Identifier: Apache-2.0 */
#include "common/codec/mp.h"

#include <math.h>

#include "tests/common/codec/mp_unit.h"

static void test_numbers(void **state)
{
    (void)state;
    struct buf out = {0};
    mp_put_array(&out, 6);
    mp_put_number(&out, 12.0);
    mp_put_number(&out, 12.3);
    mp_put_number(&out, -0.5);
    mp_put_number(&out, (double)INFINITY);
    mp_put_int(&out, INT64_MIN);
    mp_put_uint(&out, UINT64_MAX);
    assert_json(&out, "[12,12.3,-0.5,null,-9223372036854775808,18446744073709551615]");
    buf_free(&out);
}

static void test_text_is_made_utf8(void **state)
{
    (void)state;
    struct buf out = {0};
    mp_put_str(&out, (struct str){"a\xff\xc3\xa9\xed\xa0\x80", 7});
    assert_json(&out, "\"a\xef\xbf\xbd\xc3\xa9\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");
    buf_free(&out);
}

/* msgpack-c leaves the address of an empty text as it happens to be. */
static void test_an_empty_text_is_not_an_absent_one(void **state)
{
    (void)state;
    static const char *const values[] = {"\x91\xa0", "\x91\xd9\0", "\x91\xc4\0"};
    static const size_t lengths[] = {2, 3, 3};
    for (size_t i = 0; i < 3; i++) {
        struct mp_doc doc;
        struct str text;
        mp_doc_init(&doc);
        assert_int_equal(mp_parse(&doc, values[i], lengths[i]), STATUS_OK);
        assert_true(mp_as_str(mp_at(&doc.root, 0), &text) || mp_as_bin(mp_at(&doc.root, 0), &text));
        assert_non_null(text.p);
        assert_str(text, "");
        mp_doc_free(&doc);
    }
    struct mp_doc doc;
    mp_doc_init(&doc);
    assert_int_equal(mp_parse(&doc, "\x81\xa0\x07", 3), STATUS_OK);
    assert_non_null(mp_get(&doc.root, ""));
    mp_doc_free(&doc);
}

/* Whoever compares bytes need not parse them. */
static void test_a_map_that_was_counted_at_its_end_has_the_same_bytes(void **state)
{
    (void)state;
    static const size_t counts[] = {0, 1, 15, 16, 65535, 65536};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        struct buf counted = {0};
        struct buf known = {0};
        mp_put_array(&counted, 2);
        mp_put_array(&known, 2);
        struct mp_open_map map = mp_open_map(&counted);
        mp_put_map(&known, counts[i]);
        for (; map.count < counts[i]; map.count++) {
            mp_put_uint(&counted, map.count);
            mp_put_text(&counted, "value");
            mp_put_uint(&known, map.count);
            mp_put_text(&known, "value");
        }
        mp_close_map(&counted, map);
        mp_put_int(&counted, -1);
        mp_put_int(&known, -1);
        assert_true(str_equal(buf_str(&counted), buf_str(&known)));
        buf_free(&counted);
        buf_free(&known);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_text_is_made_utf8),
        cmocka_unit_test(test_an_empty_text_is_not_an_absent_one),
        cmocka_unit_test(test_a_map_that_was_counted_at_its_end_has_the_same_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
