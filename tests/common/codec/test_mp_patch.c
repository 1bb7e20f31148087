/* SPDX-License-Identifier: Apache-2.0 */
#include "common/codec/mp_patch.h"

#include "tests/common/codec/mp_unit.h"

/* A nil cannot come from json_to_mp, which leaves nulls out: "~" stands for it. */
static void put_patch(struct buf *out, const mp_value *value)
{
    struct str text;
    if (mp_as_str(value, &text) && str_is(text, "~")) {
        mp_put_nil(out);
    } else if (mp_is_map(value)) {
        mp_put_map(out, value->via.map.size);
        for (uint32_t i = 0; i < value->via.map.size; i++) {
            mp_put_value(out, &value->via.map.ptr[i].key);
            put_patch(out, &value->via.map.ptr[i].val);
        }
    } else {
        mp_put_value(out, value);
    }
}

static void assert_merge(const char *target, const char *patch, const char *result)
{
    struct buf a = packed(target);
    struct buf b = packed(patch);
    struct mp_doc da;
    struct mp_doc db;
    struct mp_doc dp;
    parse(&da, &a);
    parse(&db, &b);
    struct buf with_nil = {0};
    put_patch(&with_nil, &db.root);
    parse(&dp, &with_nil);
    struct buf out = {0};
    mp_merge(&out, &da.root, &dp.root);
    assert_json(&out, result);
    buf_free(&out);
    buf_free(&with_nil);
    mp_doc_free(&dp);
    mp_doc_free(&db);
    mp_doc_free(&da);
    buf_free(&b);
    buf_free(&a);
}

/* The examples of RFC 7396, appendix A. */
static void test_merges_as_the_rfc_says(void **state)
{
    (void)state;
    assert_merge("{\"a\":\"b\"}", "{\"a\":\"c\"}", "{\"a\":\"c\"}");
    assert_merge("{\"a\":\"b\"}", "{\"b\":\"c\"}", "{\"a\":\"b\",\"b\":\"c\"}");
    assert_merge("{\"a\":\"b\"}", "{\"a\":\"~\"}", "{}");
    assert_merge("{\"a\":\"b\",\"b\":\"c\"}", "{\"a\":\"~\"}", "{\"b\":\"c\"}");
    assert_merge("{\"a\":[\"b\"]}", "{\"a\":\"c\"}", "{\"a\":\"c\"}");
    assert_merge("{\"a\":\"c\"}", "{\"a\":[\"b\"]}", "{\"a\":[\"b\"]}");
    assert_merge("{\"a\":{\"b\":\"c\"}}", "{\"a\":{\"b\":\"d\",\"c\":\"~\"}}",
                 "{\"a\":{\"b\":\"d\"}}");
    assert_merge("{\"a\":[{\"b\":\"c\"}]}", "{\"a\":[1]}", "{\"a\":[1]}");
    assert_merge("[\"a\",\"b\"]", "[\"c\",\"d\"]", "[\"c\",\"d\"]");
    assert_merge("{\"a\":\"b\"}", "[\"c\"]", "[\"c\"]");
    assert_merge("{\"a\":\"foo\"}", "\"bar\"", "\"bar\"");
    assert_merge("[1,2]", "{\"a\":\"b\",\"c\":\"~\"}", "{\"a\":\"b\"}");
    assert_merge("{}", "{\"a\":{\"bb\":{\"ccc\":\"~\"}}}", "{\"a\":{\"bb\":{}}}");
}

/* Applies the patch to value, and asserts that the result is expected. */
static void assert_leads_to(const mp_value *value, const mp_value *patch, const mp_value *expected)
{
    struct buf bytes = {0};
    mp_merge(&bytes, value, patch);
    struct mp_doc result;
    parse(&result, &bytes);
    assert_true(mp_equal(&result.root, expected, 0));
    mp_doc_free(&result);
    buf_free(&bytes);
}

static void test_a_diff_leads_from_one_to_the_other(void **state)
{
    (void)state;
    unsigned seed = seed_of_run();
    for (int round = 0; round < 5000; round++) {
        struct buf a = {0};
        struct buf b = {0};
        put_random_map(&a, &seed, 0); /* tiles are maps */
        put_random_map(&b, &seed, 0);
        struct mp_doc from;
        struct mp_doc to;
        parse(&from, &a);
        parse(&to, &b);
        struct buf bytes = {0};
        if (mp_diff(&bytes, &from.root, &to.root)) {
            struct mp_doc patch;
            parse(&patch, &bytes);
            assert_leads_to(&from.root, &patch.root, &to.root);
            /* Absolute values: a patch applied twice is harmless. */
            assert_leads_to(&to.root, &patch.root, &to.root);
            mp_doc_free(&patch);
        } else {
            assert_int_equal(bytes.len, 0);
            assert_true(mp_equal(&from.root, &to.root, 0));
        }
        buf_free(&bytes);
        mp_doc_free(&to);
        mp_doc_free(&from);
        buf_free(&b);
        buf_free(&a);
    }
}

static void test_a_sliding_trend_costs_two_members(void **state)
{
    (void)state;
    struct buf a = packed("{\"points\":{\"10\":1,\"20\":2,\"30\":3}}");
    struct buf b = packed("{\"points\":{\"20\":2,\"30\":3,\"40\":4}}");
    struct mp_doc from;
    struct mp_doc to;
    parse(&from, &a);
    parse(&to, &b);
    struct buf patch = {0};
    assert_true(mp_diff(&patch, &from.root, &to.root));
    assert_json(&patch, "{\"points\":{\"40\":4,\"10\":null}}");
    buf_free(&patch);
    mp_doc_free(&to);
    mp_doc_free(&from);
    buf_free(&b);
    buf_free(&a);
}

static void test_tolerance(void **state)
{
    (void)state;
    struct buf a = packed("{\"x\":[1000000000,2.5],\"y\":\"t\"}");
    struct buf b = packed("{\"y\":\"t\",\"x\":[1000000000.5,2.5]}");
    struct mp_doc da;
    struct mp_doc db;
    parse(&da, &a);
    parse(&db, &b);
    assert_false(mp_equal(&da.root, &db.root, 0));
    assert_false(mp_equal(&da.root, &db.root, 1e-10));
    assert_true(mp_equal(&da.root, &db.root, 1e-9));
    mp_doc_free(&db);
    mp_doc_free(&da);
    buf_free(&b);
    buf_free(&a);
}

static void equal(const char *a_json, const char *b_json, double tolerance, bool expected)
{
    struct buf a = packed(a_json);
    struct buf b = packed(b_json);
    struct mp_doc da;
    struct mp_doc db;
    parse(&da, &a);
    parse(&db, &b);
    assert_int_equal(mp_equal(&da.root, &db.root, tolerance), expected);
    assert_int_equal(mp_equal(&db.root, &da.root, tolerance), expected);
    mp_doc_free(&db);
    mp_doc_free(&da);
    buf_free(&b);
    buf_free(&a);
}

static void test_large_integers_differ(void **state)
{
    (void)state;
    equal("9007199254740992.0", "9007199254740993", 0, false);
    equal("9007199254740992.0", "9007199254740992", 0, true);
    equal("9007199254740993", "9007199254740995", 1e-9, false);
    equal("10000000000", "10000000001", 1e-9, false);
    equal("1000.5", "1000.5000000001", 1e-9, true);
    equal("1.0", "1", 0, true);
    equal("9223372036854775808.0", "9223372036854775807", 0, false);
}

static void test_members_may_have_no_name(void **state)
{
    (void)state;
    equal("{\"\":1,\"a\":2}", "{\"a\":2,\"\":1}", 0, true);
    equal("{\"\":1}", "{\"\":2}", 0, false);
    equal("[\"\"]", "[\"\"]", 0, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_merges_as_the_rfc_says),
        cmocka_unit_test(test_a_diff_leads_from_one_to_the_other),
        cmocka_unit_test(test_a_sliding_trend_costs_two_members),
        cmocka_unit_test(test_tolerance),
        cmocka_unit_test(test_large_integers_differ),
        cmocka_unit_test(test_members_may_have_no_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
