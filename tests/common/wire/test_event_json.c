/* SPDX-License-Identifier: Apache-2.0 */
#include "common/wire/event_json.h"

#include "tests/common/codec/mp_unit.h"

static void assert_id(int64_t id, const char *expected)
{
    struct buf packed_id = {0};
    struct buf out = {0};
    struct mp_doc doc;
    mp_put_int(&packed_id, id);
    parse(&doc, &packed_id);
    event_json_write_id(&out, &doc.root);
    assert_str(buf_str(&out), expected);
    mp_doc_free(&doc);
    buf_free(&out);
    buf_free(&packed_id);
}

static void test_an_id_that_no_double_holds_is_a_string(void **state)
{
    (void)state;
    assert_id(1, "1");
    assert_id((INT64_C(1) << 53) - 1, "9007199254740991");
    assert_id(INT64_C(1) << 53, "\"9007199254740992\"");
    assert_id((INT64_C(1) << 53) + 1, "\"9007199254740993\"");
    assert_id(INT64_MAX, "\"9223372036854775807\"");
    struct buf out = {0};
    event_json_write_id(&out, NULL);
    assert_str(buf_str(&out), "null");
    buf_free(&out);
}

static void assert_event(const char *fields, const char *expected)
{
    struct buf bytes = packed(fields);
    struct buf out = {0};
    struct mp_doc doc;
    parse(&doc, &bytes);
    event_json_write(&out, &doc.root);
    assert_str(buf_str(&out), expected);
    mp_doc_free(&doc);
    buf_free(&out);
    buf_free(&bytes);
}

static void test_all_other_fields_stay_as_they_are(void **state)
{
    (void)state;
    assert_event("{\"id\":9007199254740992,\"event_type\":\"a \\\"b\\\"\","
                 "\"payload\":{\"id\":9007199254740992,\"list\":[1,true]}}",
                 "{\"id\":\"9007199254740992\",\"event_type\":\"a \\\"b\\\"\","
                 "\"payload\":{\"id\":9007199254740992,\"list\":[1,true]}}");
    assert_event("{\"event_type\":\"a\",\"id\":7}", "{\"event_type\":\"a\",\"id\":7}");
    assert_event("{}", "{}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_id_that_no_double_holds_is_a_string),
        cmocka_unit_test(test_all_other_fields_stay_as_they_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
