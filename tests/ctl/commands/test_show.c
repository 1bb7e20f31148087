/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/commands/show.h"

#include <math.h>
#include <stdio.h>

#include "common/codec/json.h"
#include "tests/unit.h"

/* Frees what was packed. */
static void shows(struct buf *packed, const char *expected)
{
    struct buf out = {0};
    struct mp_doc doc;
    mp_doc_init(&doc);
    assert_int_equal(mp_parse(&doc, packed->data, packed->len), 0);
    show_number(&out, &doc.root);
    assert_string_equal(buf_cstr(&out), expected);
    mp_doc_free(&doc);
    buf_free(&out);
    buf_free(packed);
}

static void real_shows(double number, const char *expected)
{
    struct buf packed = {0};
    mp_put_number(&packed, number);
    shows(&packed, expected);
}

static void test_whole_numbers_are_exact(void **state)
{
    (void)state;
    struct buf packed = {0};
    mp_put_int(&packed, INT64_C(9007199254740993));
    shows(&packed, "9007199254740993");
    mp_put_int(&packed, INT64_MIN);
    shows(&packed, "-9223372036854775808");
    mp_put_uint(&packed, UINT64_MAX);
    shows(&packed, "18446744073709551615");
    real_shows(0, "0");
    real_shows(-3, "-3");
    real_shows(0x1p53, "9007199254740992");
    real_shows(123456789, "123456789");
}

static void test_six_digits_are_enough_for_the_others(void **state)
{
    (void)state;
    struct buf packed = {0};
    real_shows(3.5, "3.5");
    real_shows(1.0 / 3, "0.333333");
    real_shows(0.1 + 0.2, "0.3");
    real_shows(1234567.25, "1234567.25");
    real_shows(-1e300, "-1e+300");
    mp_put_nil(&packed);
    shows(&packed, "–");
}

/* What is told of a value, which is given as JSON. */
static void tells(void (*tell)(struct buf *out, const mp_value *value), const char *json,
                  const char *expected)
{
    struct buf packed = {0};
    struct buf out = {0};
    struct json_value *root;
    struct mp_doc doc;
    mp_doc_init(&doc);
    assert_int_equal(json_parse(str_of(json), strlen(json), &root), 0);
    json_to_mp(&packed, root);
    json_free(root);
    assert_int_equal(mp_parse(&doc, packed.data, packed.len), 0);
    tell(&out, &doc.root);
    assert_string_equal(buf_cstr(&out), expected);
    mp_doc_free(&doc);
    buf_free(&out);
    buf_free(&packed);
}

static void says_of_the_past(const char *json, const char *expected)
{
    tells(show_past, json, expected);
}

static void test_each_type_in_a_few_words(void **state)
{
    (void)state;
    static const char *const told[][2] = {
        {"{\"value\":42,\"unit\":\"jobs\"}", "42 jobs"},
        {"{}", "–"},
        {"{\"value\":2.5,\"part\":1,\"whole\":40,\"unit\":\"%\"}", "2.5 %"},
        {"{\"count\":5,\"value\":4,\"per\":\"minute\"}", "4 per minute"},
        {"{\"p50\":1,\"p95\":3,\"count\":9,\"unit\":\"ms\"}", "3 ms (p95)"},
        {"{\"largest\":7,\"other\":3,\"top\":{\"a\":7}}", "7 (largest), 3 of others"},
        {"{\"cells\":{\"monday\":{\"9\":74}},\"largest\":74}", "74 (largest)"},
        {"{\"cells\":{},\"unit\":\"EUR\"}", "– EUR (largest)"},
        {"{\"points\":{}}", "no points"},
        {"{\"avg\":3,\"running\":2}", "3 s, 2 running"},
        {"{\"up\":1,\"late\":0,\"missing\":2}", "1 up, 0 late, 2 missing"},
        {"{\"ok\":1,\"at_risk\":0,\"breached\":2}", "1 ok, 0 at risk, 2 breached"},
        {"{\"total\":4}", "4 open"},
        {"{\"show\":[\"summary\"],\"rows\":{\"1\":{}}}", "1 row"},
    };
    for (size_t i = 0; i < sizeof told / sizeof *told; i++) {
        char json[200];
        snprintf(json, sizeof json, "{\"data\":%s}", told[i][0]);
        tells(show_summary, json, told[i][1]);
    }
}

static void test_the_past_is_told_in_a_few_words(void **state)
{
    (void)state;
    says_of_the_past("{\"complete\":true,\"since\":{\"position\":\"1\",\"time\":"
                     "\"2026-11-20T03:00:12.345Z\"}}",
                     "complete");
    says_of_the_past("{\"complete\":false,\"since\":{\"position\":\"41\",\"time\":"
                     "\"2026-11-20T03:00:12.345Z\"}}",
                     "since 2026-11-20T03:00Z");
    says_of_the_past("{\"complete\":false}", "incomplete");
    says_of_the_past("{\"complete\":false,\"since\":{\"time\":\"soon\"}}", "incomplete");
    says_of_the_past("{}", "–");
}

static void test_a_build_is_told_before_all_else(void **state)
{
    (void)state;
    says_of_the_past("{\"complete\":false,\"building\":{\"progress\":0.429}}", "building 42 %");
    says_of_the_past("{\"complete\":true,\"building\":{\"progress\":0}}", "building 0 %");
    says_of_the_past("{\"building\":{\"progress\":-1e300}}", "building 0 %");
    says_of_the_past("{\"building\":{\"progress\":1e300}}", "building 100 %");
    says_of_the_past("{\"building\":{}}", "building 0 %");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole_numbers_are_exact),
        cmocka_unit_test(test_six_digits_are_enough_for_the_others),
        cmocka_unit_test(test_each_type_in_a_few_words),
        cmocka_unit_test(test_the_past_is_told_in_a_few_words),
        cmocka_unit_test(test_a_build_is_told_before_all_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
