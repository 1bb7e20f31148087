/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/source/message/message.h"

#include "tests/unit.h"

/* A configuration of a bus, and one message at a time. */
struct world {
    struct config *config;
    struct message_reader *reader;
    const char *headers[8]; /* name, value, … */
};

static struct str header_of(void *arg, const char *prefix, struct str name)
{
    const struct world *w = arg;
    char whole[64];
    snprintf(whole, sizeof whole, "%s%.*s", prefix, (int)name.len, name.p);
    for (size_t i = 0; i < 8 && w->headers[i] != NULL; i += 2) {
        if (strcmp(w->headers[i], whole) == 0) {
            return str_of(w->headers[i + 1]);
        }
    }
    return STR_NULL;
}

static struct world world_of(const char *source)
{
    struct world w = {0};
    struct error err = {{0}};
    char text[1024];
    snprintf(text, sizeof text, "source:\n  uri: kafka://b:9092/orders\n%s", source);
    if (config_parse(text, strlen(text), "t.yaml", &w.config, &err) != STATUS_OK) {
        fail_msg("%s", err.text);
    }
    w.reader = message_reader_create(&w.config->source);
    return w;
}

static void end(struct world *w)
{
    message_reader_destroy(&w->reader);
    config_destroy(&w->config);
}

#define AT_MS INT64_C(1700000000000)

static struct batch *fill(struct world *w, const char *key, const char *value,
                          enum message_verdict *verdict, enum unusable *why)
{
    const struct message message = {
        .topic = STR("orders"),
        .partition = 3,
        .key = key != NULL ? str_of(key) : STR_NULL,
        .value = value != NULL ? str_of(value) : STR_NULL,
        .time = {AT_MS * US_PER_MS},
        .header = header_of,
        .header_arg = w,
    };
    struct batch *batch = batch_create(w->config->source.extra_count);
    *verdict = message_fill(w->reader, &message, batch, batch_event(batch), why);
    if (*verdict != MESSAGE_USABLE) {
        batch_drop_event(batch);
    }
    batch_finish(batch, STR(""), STR(""));
    return batch;
}

static struct batch *usable(struct world *w, const char *key, const char *value)
{
    enum message_verdict verdict;
    enum unusable why;
    struct batch *batch = fill(w, key, value, &verdict, &why);
    assert_int_equal(verdict, MESSAGE_USABLE);
    return batch;
}

static void assert_unusable(struct world *w, const char *value, enum unusable expected)
{
    enum message_verdict verdict;
    enum unusable why;
    struct batch *batch = fill(w, NULL, value, &verdict, &why);
    assert_int_equal(verdict, MESSAGE_UNUSABLE);
    assert_int_equal(why, expected);
    batch_destroy(&batch);
}

static void assert_nothing(struct world *w, const char *value)
{
    enum message_verdict verdict;
    enum unusable why;
    struct batch *batch = fill(w, "k", value, &verdict, &why);
    assert_int_equal(verdict, MESSAGE_NOTHING);
    batch_destroy(&batch);
}

static void test_json_has_the_members_of_an_event(void **state)
{
    (void)state;
    struct world w = world_of("");
    struct batch *batch =
        usable(&w, "k",
               "{\"timestamp\":\"2026-11-23T05:12:01Z\",\"event_type\":\"sold\",\"actor_id\":7,"
               "\"target_id\":\"o1\",\"summary\":true,\"payload\":{\"n\": 1.50}}");
    const struct event *event = &batch->events[0];
    assert_str(event->event_type, "sold");
    assert_str(event->actor_id, "7");
    assert_str(event->target_id, "o1");
    assert_str(event->summary, "true");
    assert_str(event->payload, "{\"n\": 1.50}");
    assert_int_equal(event->timestamp.us, INT64_C(1795410721000000));
    batch_destroy(&batch);
    end(&w);
}

static void test_what_is_absent_has_a_default(void **state)
{
    (void)state;
    struct world w = world_of("");
    struct batch *batch = usable(&w, NULL, " {\"event_type\":\"sold\",\"n\":2} ");
    assert_str(batch->events[0].payload, "{\"event_type\":\"sold\",\"n\":2}");
    assert_int_equal(batch->events[0].timestamp.us, AT_MS * US_PER_MS);
    assert_null(batch->events[0].actor_id.p);
    batch_destroy(&batch);
    end(&w);
}

static void test_bad_messages(void **state)
{
    (void)state;
    struct world w = world_of("");
    assert_unusable(&w, "no json", UNUSABLE_NOT_JSON);
    assert_unusable(&w, "", UNUSABLE_NOT_JSON);
    assert_unusable(&w, "[1]", UNUSABLE_NOT_JSON);
    assert_unusable(&w, "{\"event_type\":\"x\",\"timestamp\":\"soon\"}", UNUSABLE_TIMESTAMP);
    assert_unusable(&w, "{\"event_type\":\"x\",\"timestamp\":true}", UNUSABLE_TIMESTAMP);
    assert_unusable(&w, "{\"event_type\":null}", UNUSABLE_EVENT_TYPE);
    assert_nothing(&w, NULL);
    char *long_one = calloc(1, (2 << 20) + 100);
    strcpy(long_one, "{\"event_type\":\"");
    memset(long_one + strlen(long_one), 'x', 2 << 20);
    strcat(long_one, "\"}");
    assert_unusable(&w, long_one, UNUSABLE_TOO_LONG);
    free(long_one);
    end(&w);
    w = world_of("  fields: {timestamp: value.at}\n"); /* named, so it has to be there */
    assert_unusable(&w, "{\"event_type\":\"x\"}", UNUSABLE_TIMESTAMP);
    end(&w);
}

static void test_places_of_all_kinds(void **state)
{
    (void)state;
    struct world w = world_of("  fields: {event_type: header.kind, target_id: key, summary: topic, "
                              "actor_id: null, timestamp: timestamp, payload: header.data, "
                              "p: partition, list: value.l, real: value.r, none: value.x.y}\n");
    w.headers[0] = "kind";
    w.headers[1] = "sold";
    w.headers[2] = "data";
    w.headers[3] = "{\"a\":1}";
    struct batch *batch = usable(&w, "k7", "{\"l\":[1, 2],\"r\":2.0}");
    const struct event *event = &batch->events[0];
    assert_str(event->event_type, "sold");
    assert_str(event->target_id, "k7");
    assert_str(event->summary, "orders");
    assert_null(event->actor_id.p);
    assert_str(event->payload, "{\"a\":1}");
    assert_str(event->extras[0].value, "3");
    assert_str(event->extras[1].value, "[1, 2]");
    assert_str(event->extras[2].value, "2.0");
    assert_null(event->extras[3].value.p);
    batch_destroy(&batch);
    end(&w);
}

static void test_cloudevents(void **state)
{
    (void)state;
    struct world w = world_of("  format: cloudevents\n");
    struct batch *batch =
        usable(&w, NULL,
               "{\"specversion\":\"1.0\",\"type\":\"sold\",\"source\":\"/s\",\"subject\":\"o1\","
               "\"time\":\"2026-11-23T05:12:01Z\",\"data\":{\"summary\":\"s\",\"n\":1}}");
    assert_str(batch->events[0].event_type, "sold");
    assert_str(batch->events[0].actor_id, "/s");
    assert_str(batch->events[0].target_id, "o1");
    assert_str(batch->events[0].summary, "s");
    assert_str(batch->events[0].payload, "{\"summary\":\"s\",\"n\":1}");
    batch_destroy(&batch);
    assert_unusable(&w, "{\"type\":\"sold\"}", UNUSABLE_NOT_JSON);
    assert_nothing(&w, NULL);
    static const char *const binary[] = {"ce-specversion", "1.0", "ce-type", "sold"};
    memcpy(w.headers, binary, sizeof binary);
    batch = usable(&w, NULL, "{\"n\":1}");
    assert_str(batch->events[0].event_type, "sold");
    assert_str(batch->events[0].payload, "{\"n\":1}");
    batch_destroy(&batch);
    batch = usable(&w, NULL, "plain text");
    assert_null(batch->events[0].payload.p);
    batch_destroy(&batch);
    batch = usable(&w, NULL, NULL);
    assert_str(batch->events[0].event_type, "sold");
    batch_destroy(&batch);
    end(&w);
}

/* What is no part of the data is not looked for in it. */
static void test_a_payload_beside_the_data(void **state)
{
    (void)state;
    struct world w = world_of("  format: cloudevents\n  fields: {payload: ce.extra}\n");
    struct batch *batch = usable(&w, NULL,
                                 "{\"specversion\":\"1.0\",\"type\":\"sold\",\"extra\":{\"n\": 1},"
                                 "\"data\":{\"extra\":2}}");
    assert_str(batch->events[0].payload, "{\"n\": 1}");
    batch_destroy(&batch);
    end(&w);
    w = world_of("  format: debezium\n  fields: {payload: change.time}\n");
    batch = usable(&w, NULL, "{\"op\":\"r\",\"ts_ms\":1600000000000}");
    assert_str(batch->events[0].payload, "1600000000000");
    batch_destroy(&batch);
    end(&w);
}

static void test_debezium(void **state)
{
    (void)state;
    struct world w = world_of("  format: debezium\n");
    struct batch *batch =
        usable(&w, "{\"schema\":{},\"payload\":{\"a\":7,\"b\":\"x\"}}",
               "{\"schema\":{},\"payload\":{\"op\":\"u\",\"after\":{\"n\":1},"
               "\"source\":{\"table\":\"orders\",\"ts_ms\":1600000000000},\"ts_ms\":5}}");
    const struct event *event = &batch->events[0];
    assert_str(event->event_type, "orders.updated");
    assert_str(event->target_id, "7,x");
    assert_int_equal(event->timestamp.us, INT64_C(1600000000000000));
    assert_int_equal(event->payload.p[0], '{');
    assert_int_equal(event->payload.p[event->payload.len - 1], '}');
    assert_memory_equal(event->payload.p, "{\"op\"", 5);
    batch_destroy(&batch);
    batch = usable(&w, "7", "{\"op\":\"r\",\"ts_ms\":1600000000000}");
    assert_str(batch->events[0].event_type, "orders.read");
    assert_str(batch->events[0].target_id, "7");
    assert_int_equal(batch->events[0].timestamp.us, INT64_C(1600000000000000));
    batch_destroy(&batch);
    assert_nothing(&w, NULL);
    assert_nothing(&w, "{\"ts_ms\":1}"); /* a heartbeat */
    assert_unusable(&w, "7", UNUSABLE_NOT_JSON);
    end(&w);
}

static void assert_column(struct world *w, const char *value, const char *expected)
{
    struct batch *batch = usable(w, NULL, value);
    if (expected == NULL) {
        assert_null(batch->events[0].target_id.p);
    } else {
        assert_str(batch->events[0].target_id, expected);
    }
    batch_destroy(&batch);
}

/* A bus without keys: the row says who it is, also when it is gone. */
static void test_a_column_of_a_changed_row(void **state)
{
    (void)state;
    struct world w = world_of("  format: debezium\n"
                              "  fields: {target_id: change.row.id, payload: change.row}\n");
    assert_column(&w, "{\"op\":\"c\",\"before\":null,\"after\":{\"id\":7}}", "7");
    assert_column(&w, "{\"op\":\"u\",\"before\":{\"id\":7},\"after\":{\"id\":\"8\"}}", "8");
    assert_column(&w, "{\"op\":\"d\",\"before\":{\"id\":7},\"after\":null}", "7");
    assert_column(&w, "{\"op\":\"d\",\"before\":{\"id\":7}}", "7");
    assert_column(&w, "{\"op\":\"u\",\"before\":{\"id\":7},\"after\":{\"n\":1}}", NULL);
    assert_column(&w, "{\"op\":\"t\",\"before\":null,\"after\":null}", NULL);
    struct batch *batch =
        usable(&w, NULL,
               "{\"schema\":{},\"payload\":{\"op\":\"d\",\"before\":{\"id\": 7},\"after\":null}}");
    assert_str(batch->events[0].target_id, "7");
    assert_str(batch->events[0].payload, "{\"id\": 7}");
    batch_destroy(&batch);
    end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_json_has_the_members_of_an_event),
        cmocka_unit_test(test_what_is_absent_has_a_default),
        cmocka_unit_test(test_bad_messages),
        cmocka_unit_test(test_places_of_all_kinds),
        cmocka_unit_test(test_cloudevents),
        cmocka_unit_test(test_a_payload_beside_the_data),
        cmocka_unit_test(test_debezium),
        cmocka_unit_test(test_a_column_of_a_changed_row),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
