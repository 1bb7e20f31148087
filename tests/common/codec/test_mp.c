/* SPDX-License-Identifier: Apache-2.0 */
#include "common/codec/mp.h"

#include <math.h>
#include <time.h>

#include "common/base/error.h"
#include "common/codec/json.h"
#include "tests/unit.h"

/* JSON text to MessagePack, so that the tests can be read. */
static struct buf packed(const char *json)
{
    struct json_value *value;
    assert_int_equal(json_parse(str_of(json), SIZE_MAX, &value), STATUS_OK);
    struct buf out = {0};
    json_to_mp(&out, value);
    json_free(value);
    return out;
}

static void parse(struct mp_doc *doc, const struct buf *bytes)
{
    mp_doc_init(doc);
    assert_int_equal(mp_parse(doc, bytes->data, bytes->len), STATUS_OK);
}

static void assert_json(const struct buf *bytes, const char *json)
{
    struct mp_doc doc;
    parse(&doc, bytes);
    struct buf text = {0};
    json_write_value(&text, &doc.root);
    assert_string_equal(buf_cstr(&text), json);
    buf_free(&text);
    mp_doc_free(&doc);
}

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

static unsigned random_below(unsigned *seed, unsigned n)
{
    return (unsigned)rand_r(seed) % n;
}

static void put_random(struct buf *out, unsigned *seed, int depth);

static void put_random_map(struct buf *out, unsigned *seed, int depth)
{
    static const char *const keys[] = {"a", "b", "c", "d", "1795411920000", ""};
    struct mp_open_map map = mp_open_map(out);
    const unsigned start = random_below(seed, 6);
    for (unsigned i = 0; i < 6; i++) {
        if (random_below(seed, 2) != 0) {
            mp_put_text(out, keys[(start + i) % 6]);
            put_random(out, seed, depth + 1);
            map.count++;
        }
    }
    mp_close_map(out, map);
}

static void put_random(struct buf *out, unsigned *seed, int depth)
{
    switch (random_below(seed, depth > 3 ? 4 : 7)) {
    case 0:
        mp_put_int(out, (int64_t)random_below(seed, 5) - 2);
        break;
    case 1:
        mp_put_number(out, random_below(seed, 4) / 4.0);
        break;
    case 2:
        mp_put_text(out, random_below(seed, 2) != 0 ? "x" : "");
        break;
    case 3:
        mp_put_bool(out, random_below(seed, 2) != 0);
        break;
    case 4:
        mp_put_array(out, 2);
        put_random(out, seed, depth + 1);
        put_random(out, seed, depth + 1);
        break;
    default:
        put_random_map(out, seed, depth);
    }
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
    unsigned seed = (unsigned)time(NULL);
    print_message("seed %u\n", seed);
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
    unsigned seed = (unsigned)time(NULL);
    print_message("seed %u\n", seed);
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
    assert_json(&out, "[12,12.3,-0.5,null,-9223372036854775808,1.84467440737096e19]");
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_merges_as_the_rfc_says),
        cmocka_unit_test(test_a_diff_leads_from_one_to_the_other),
        cmocka_unit_test(test_a_sliding_trend_costs_two_members),
        cmocka_unit_test(test_refuses_malformed_bytes),
        cmocka_unit_test(test_mutated_bytes_do_no_harm),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_text_is_made_utf8),
        cmocka_unit_test(test_tolerance),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
