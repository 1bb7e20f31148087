/* SPDX-License-Identifier: Apache-2.0 */
#include "common/codec/mp_check.h"

#include "tests/common/codec/mp_unit.h"

static void test_refuses_malformed_bytes(void **state)
{
    (void)state;
    const struct str wrong[] = {
        STR(""),
        STR("\xc1"),                 /* never used */
        STR("\xdd\xff\xff\xff\xff"), /* an array of four billion that are not there */
        STR("\xdf\xff\xff\xff\xff"),
        STR("\xdb\xff\xff\xff\xff"),
        STR("\xa5hell"),
        STR("\xcf\0\0\0"),
        STR("\xd4\x01\x00"), /* ext */
        STR("\x01\x02"),     /* two values */
        STR("\x81\xa1k"),    /* a key without its value */
    };
    struct mp_doc doc;
    mp_doc_init(&doc);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_int_equal(mp_parse(&doc, wrong[i].p, wrong[i].len), STATUS_INVALID);
        assert_true(mp_is_nil(&doc.root));
    }
    char deep[64];
    memset(deep, '\x91', sizeof deep);
    deep[sizeof deep - 1] = '\x01';
    assert_int_equal(mp_parse(&doc, deep, sizeof deep), STATUS_INVALID);
    const size_t deepest = MP_MAX_DEPTH + 1;
    assert_int_equal(mp_parse(&doc, deep + sizeof deep - deepest, deepest), STATUS_OK);
    assert_int_equal(mp_parse(&doc, deep + sizeof deep - deepest - 1, deepest + 1), STATUS_INVALID);
    mp_doc_free(&doc);
}

static void test_mutated_bytes_do_no_harm(void **state)
{
    (void)state;
    unsigned seed = seed_of_run();
    struct mp_doc doc;
    mp_doc_init(&doc);
    for (int round = 0; round < 20000; round++) {
        struct buf value = {0};
        put_random(&value, &seed, 0);
        for (unsigned i = random_below(&seed, 3); i != 0; i--) {
            value.data[random_below(&seed, (unsigned)value.len)] = (char)random_below(&seed, 256);
        }
        const size_t len = value.len - random_below(&seed, 2);
        if (mp_parse(&doc, value.data, len) == STATUS_OK) {
            struct buf text = {0};
            json_write_value(&text, &doc.root);
            assert_true(text.len != 0);
            buf_free(&text);
        }
        buf_free(&value);
    }
    mp_doc_free(&doc);
}

/* Found by the mutations, with seed 1795749753: such a value became no JSON at all. */
static void test_what_json_has_no_number_for_becomes_null(void **state)
{
    (void)state;
    const struct {
        struct str bytes;
        const char *json;
    } cases[] = {
        {STR("\xcb\x7f\xf4\0\0\0\0\0\0"), "null"}, /* a signalling NaN */
        {STR("\xcb\x7f\xf8\0\0\0\0\0\0"), "null"}, /* a quiet one */
        {STR("\xcb\x7f\xf0\0\0\0\0\0\0"), "null"}, /* infinity */
        {STR("\x82\xa1k\xcb\xff\xf0\0\0\0\0\0\0\xa1l\x01"), "{\"k\":null,\"l\":1}"},
        {STR("\x92\xcb\x7f\xf0\0\0\0\0\0\0\x01"), "[null,1]"},
    };
    struct mp_doc doc;
    mp_doc_init(&doc);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buf text = {0};
        assert_int_equal(mp_parse(&doc, cases[i].bytes.p, cases[i].bytes.len), STATUS_OK);
        json_write_value(&text, &doc.root);
        assert_string_equal(buf_cstr(&text), cases[i].json);
        buf_free(&text);
    }
    mp_doc_free(&doc);
}

static void test_a_value_may_have_more_behind_it(void **state)
{
    (void)state;
    const struct str two = STR("\x82\xa1k\x01\xa1l\x92\x02\xc0\x07");
    assert_int_equal(mp_length(two.p, two.len), two.len - 1);
    assert_false(mp_valid(two.p, two.len));
    assert_true(mp_valid(two.p, two.len - 1));
    assert_int_equal(mp_length(two.p, two.len - 2), 0);
    assert_int_equal(mp_length(two.p, 0), 0);
    assert_false(mp_valid(two.p, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refuses_malformed_bytes),
        cmocka_unit_test(test_a_value_may_have_more_behind_it),
        cmocka_unit_test(test_mutated_bytes_do_no_harm),
        cmocka_unit_test(test_what_json_has_no_number_for_becomes_null),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
