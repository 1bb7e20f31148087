/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/source/redis/redis_entry.h"

#include "tests/unit.h"

#define FIELDS_MAX 8

/* An entry of fields that are written one behind the other, up to a NULL. */
static struct redis_entry entry_of(const char *const *texts, struct redis_field *fields)
{
    struct redis_entry entry = {
        .id = {1700000000000, 3}, .id_text = STR("1700000000000-3"), .fields = fields};
    while (texts[2 * entry.count] != NULL) {
        fields[entry.count].name = str_of(texts[2 * entry.count]);
        fields[entry.count].value = str_of(texts[2 * entry.count + 1]);
        entry.count++;
    }
    return entry;
}

static void assert_value(const struct config_source *source, const char *const *texts,
                         const char *value)
{
    struct redis_field fields[FIELDS_MAX];
    struct redis_entry entry = entry_of(texts, fields);
    struct buf scratch = {0};
    const struct message message = redis_entry_message(&entry, source, &scratch);
    assert_str(message.value, value);
    assert_str(message.topic, "orders");
    assert_int_equal(message.time.us, 1700000000000 * US_PER_MS);
    buf_free(&scratch);
}

#define ENTRY(...) ((const char *const[]){__VA_ARGS__, NULL})

static void test_what_the_value_is(void **unused)
{
    (void)unused;
    struct config_source source = {.format = MESSAGE_JSON, .redis = {.stream = "orders"}};
    assert_value(&source, ENTRY("data", " {\"a\":1}"), " {\"a\":1}");
    assert_value(&source, ENTRY("any", "[1]"), "[1]");
    assert_value(&source, ENTRY("any", "\r\n\t{}"), "\r\n\t{}");
    assert_value(&source, ENTRY("event_type", "deploy"), "{\"event_type\":\"deploy\"}");
    assert_value(&source, ENTRY("a\"\\\n", "x", "n", "007", "list", "[1, 2]", "odd", "{no"),
                 "{\"a\\\"\\\\\\u000a\":\"x\",\"n\":\"007\",\"list\":[1, 2],\"odd\":\"{no\"}");
    source.redis.field = "body";
    assert_value(&source, ENTRY("a", "1", "body", "{\"b\":1}", "c", "2"), "{\"b\":1}");
    assert_value(&source, ENTRY("a", "1"), "");
    source.redis.field = NULL;
    source.format = MESSAGE_CLOUDEVENTS;
    assert_value(&source, ENTRY("ce_type", "t", "value", "2", "data", "1"), "1");
    assert_value(&source, ENTRY("ce_type", "t", "payload", "3"), "3");
    assert_value(&source, ENTRY("ce_type", "t", "ce_id", "1"), "");
}

static void test_fields_are_headers_and_one_may_be_the_key(void **unused)
{
    (void)unused;
    const struct config_source source = {.format = MESSAGE_JSON, .redis = {.stream = "orders"}};
    struct redis_field fields[FIELDS_MAX];
    struct buf scratch = {0};
    struct redis_entry entry = entry_of(ENTRY("ce_type", "a", "key", "k", "ce_type", "b"), fields);
    struct message m = redis_entry_message(&entry, &source, &scratch);
    assert_str(m.header(m.header_arg, "ce_", STR("type")), "b");
    assert_str(m.header(m.header_arg, "", STR("ce_type")), "b");
    assert_null(m.header(m.header_arg, "", STR("type")).p);
    assert_str(m.key, "k");
    entry = entry_of(ENTRY("{\"id\":7}", "{\"op\":\"c\"}"), fields);
    m = redis_entry_message(&entry, &source, &scratch);
    assert_str(m.key, "{\"id\":7}");
    entry = entry_of(ENTRY("a", "1", "b", "2"), fields);
    assert_null(redis_entry_message(&entry, &source, &scratch).key.p);
    entry.id.ms = UINT64_MAX; /* a time that nobody can write */
    assert_int_equal(redis_entry_message(&entry, &source, &scratch).time.us, WALL_NEVER.us);
    buf_free(&scratch);
}

static void test_an_entry_is_known_by_what_is_in_it(void **unused)
{
    (void)unused;
    struct redis_field fields[FIELDS_MAX];
    struct redis_entry entry = entry_of(ENTRY("a", "1", "b", "2"), fields);
    const uint64_t digest = redis_entry_digest(&entry);
    assert_int_equal(redis_entry_digest(&entry), digest);
    entry.id_text = STR("1700000000000-4");
    assert_int_not_equal(redis_entry_digest(&entry), digest);
    entry = entry_of(ENTRY("a", "1", "b", "3"), fields);
    assert_int_not_equal(redis_entry_digest(&entry), digest);
    entry = entry_of(ENTRY("a", "1"), fields);
    assert_int_not_equal(redis_entry_digest(&entry), digest);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_the_value_is),
        cmocka_unit_test(test_fields_are_headers_and_one_may_be_the_key),
        cmocka_unit_test(test_an_entry_is_known_by_what_is_in_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
