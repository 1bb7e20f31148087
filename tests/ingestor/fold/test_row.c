/* SPDX-License-Identifier: Apache-2.0 */
/* What a row's fields are read as. */
#include "ingestor/fold/row.h"

#include "tests/unit.h"

static struct event event_with(const char *payload)
{
    return (struct event){.id = {.number = 1}, .event_type = STR("x"), .payload = str_of(payload)};
}

static struct tile_field member(const char *path)
{
    return (struct tile_field){.kind = TILE_FIELD_PAYLOAD, .text = path, .path = str_of(path)};
}

/* The field is read as that text; NULL: as none. */
static void reads_text(const char *payload, const char *path, const char *expected)
{
    struct fold_counters counters = {0};
    char scratch[ROW_SCRATCH];
    struct str text;
    const struct event event = event_with(payload);
    const struct tile_field field = member(path);
    struct row row = row_of(&event, &counters);
    const bool there = row_text(&row, &field, scratch, &text);
    if (there != (expected != NULL) || (there && !str_is(text, expected))) {
        fail_msg("%s of %s is %.*s", path, payload, there ? (int)text.len : 4,
                 there ? text.p : "none");
    }
    row_finish(&row);
}

static void test_numbers_as_text(void **state)
{
    (void)state;
    reads_text("{\"a\":9223372036854775807}", "a", "9223372036854775807");
    reads_text("{\"a\":9223372036854775808}", "a", "9223372036854775808");
    reads_text("{\"a\":-9223372036854775809}", "a", "-9223372036854775809");
    reads_text("{\"a\":1.50}", "a", "1.5");
    reads_text("{\"a\":1.0}", "a", "1");
    reads_text("{\"a\":0.30000000000000004}", "a", "0.30000000000000004");
    reads_text("{\"a\":0.3}", "a", "0.3");
    reads_text("{\"a\":1e999}", "a", NULL);
}

static void test_a_payload_in_a_string(void **state)
{
    (void)state;
    reads_text("\"{\\\"a\\\":{\\\"b\\\":\\\"c\\\"}}\"", "a.b", "c");
    reads_text("\" \\n[7]\"", "0", "7");
    reads_text("\"\\\"{}\\\"\"", "a", NULL); /* a string in a string is a text */
    reads_text("\"\"", "a", NULL);
    reads_text("{\"a\":\"{\\\"b\\\":1}\"}", "a.b", NULL); /* members are not looked into */
    reads_text("{\"a\":1,\"a\":2}", "a", "2");
}

static void counts(const char *payload, uint64_t bad_payloads, uint64_t bad_fields)
{
    struct fold_counters counters = {0};
    char scratch[ROW_SCRATCH];
    struct str text;
    const struct event event = event_with(payload);
    const struct tile_field field = member("a");
    struct row row = row_of(&event, &counters);
    (void)row_text(&row, &field, scratch, &text);
    assert_int_equal(counters.bad_payloads, bad_payloads);
    assert_int_equal(counters.bad_fields, bad_fields);
    row_finish(&row);
}

static void test_what_is_unusable_is_counted(void **state)
{
    (void)state;
    counts("{\"a\":\"\\ud83d\"}", 0, 1);
    counts("{\"b\":\"\\ud83d\"}", 0, 0);
    counts("{\"a\":1e999}", 0, 1);
    counts("{\"a\":[1]}", 0, 0);
    counts("{", 1, 0);
    counts("\"{\"", 1, 0);
    counts("\"text\"", 0, 0);
    counts(NULL, 0, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers_as_text),
        cmocka_unit_test(test_a_payload_in_a_string),
        cmocka_unit_test(test_what_is_unusable_is_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
