/* SPDX-License-Identifier: Apache-2.0 */
/* The name of an event is the text that a tile reads there, whatever the payload is. */
#include "ingestor/dedupe/dedupe_name.h"

#include "ingestor/fold/row.h"
#include "tests/unit.h"

static const struct {
    const char *payload; /* NULL: none */
    const char *name;    /* NULL: none */
} cases[] = {
    {"{\"a\":{\"id\":\"x-1\"}}", "x-1"},
    {" { \"b\" : [1,{}] , \"a\" : { \"id\" : \"a\\u00e9\\\"\" } } ", "a\u00e9\""},
    {"{\"a\":{\"id\":\"one\",\"id\":\"two\"}}", "two"},
    {"{\"a\":{\"id\":true}}", "true"},
    {"{\"a\":{\"id\":false}}", "false"},
    {"{\"a\":{\"id\":7}}", "7"},
    {"{\"a\":{\"id\":-0}}", "0"},
    {"{\"a\":{\"id\":-9223372036854775808}}", "-9223372036854775808"},
    {"{\"a\":{\"id\":12345678901234567890123}}", "12345678901234567890123"},
    {"{\"a\":{\"id\":2.50}}", "2.5"},
    {"{\"a\":{\"id\":1E3}}", "1000"},
    {"{\"a\":{\"id\":1e999}}", NULL},
    {"{\"a\":{\"id\":\"\"}}", NULL},
    {"{\"a\":{\"id\":null}}", NULL},
    {"{\"a\":{\"id\":[1]}}", NULL},
    {"{\"a\":{\"id\":{}}}", NULL},
    {"{\"a\":{\"id\":\"\\u0000\"}}", NULL},
    {"{\"a\":{\"id\":\"\\ud800\"}}", NULL},
    {"{\"a\":7}", NULL},
    {"{}", NULL},
    {"7", NULL},
    {"", NULL},
    {"{\"a\":{\"id\":\"x\"}", NULL},
    {"{\"a\":{\"id\":\"x\"}} x", NULL},
    {"\"{\\\"a\\\":{\\\"id\\\":\\\"twice\\\"}}\"", "twice"},
    {"\" \\n{\\\"a\\\":{\\\"id\\\":\\\"tw\\\\\\\"ice\\\"}}\"", "tw\"ice"},
    {"\"{\\\"a\\\":{\"", NULL},
    {"\"a text\"", NULL},
    {"\"\"", NULL},
    {"\"\\\"{}\\\"\"", NULL},
    {NULL, NULL},
};

static void test_a_name_is_what_a_tile_would_read(void **state)
{
    (void)state;
    const struct tile_field field = {
        .kind = TILE_FIELD_PAYLOAD, .text = "payload.a.id", .path = {"a.id", 4}};
    struct dedupe_reader reader = {0};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct event event = {.event_type = STR("x"), .payload = str_of(cases[i].payload)};
        struct fold_counters counters = {0};
        struct row row = row_of(&event, &counters);
        char scratch[ROW_SCRATCH];
        struct str read = STR_NULL;
        struct str name;
        const bool has = dedupe_name(&reader, &event, &field, &name);
        const bool reads = row_text(&row, &field, scratch, &read) && read.len != 0;
        if (has != (cases[i].name != NULL) || reads != has ||
            (has && (!str_is(name, cases[i].name) || !str_equal(name, read)))) {
            fail_msg("%s: %.*s, and a tile reads %.*s", cases[i].payload, has ? (int)name.len : 4,
                     has ? name.p : "none", reads ? (int)read.len : 4, reads ? read.p : "none");
        }
        row_finish(&row);
    }
    dedupe_reader_free(&reader);
}

static void test_a_name_may_be_the_payload_itself_or_a_column(void **state)
{
    (void)state;
    const struct tile_field whole = {
        .kind = TILE_FIELD_PAYLOAD, .text = "payload", .path = STR("")};
    const struct tile_field column = {.kind = TILE_FIELD_TARGET_ID, .text = "target_id"};
    const struct event event = {
        .event_type = STR("x"), .payload = STR("\"p\""), .target_id = STR("t")};
    const struct event empty = {.event_type = STR("x"), .target_id = STR("")};
    struct dedupe_reader reader = {0};
    struct str name;
    assert_true(dedupe_name(&reader, &event, &whole, &name) && str_is(name, "p"));
    assert_true(dedupe_name(&reader, &event, &column, &name) && str_is(name, "t"));
    assert_false(dedupe_name(&reader, &empty, &column, &name));
    assert_false(dedupe_name(&reader, &empty, &whole, &name));
    dedupe_reader_free(&reader);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_name_is_what_a_tile_would_read),
        cmocka_unit_test(test_a_name_may_be_the_payload_itself_or_a_column),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
