/* SPDX-License-Identifier: Apache-2.0 */
#include "common/push/push_body.h"

#include "common/codec/json.h"
#include "tests/unit.h"

/* The events as JSON, one behind the other, each followed by a newline. */
static void describe(const struct push_events *events, struct buf *out)
{
    struct mp_doc doc;
    struct buf array = {0};
    mp_doc_init(&doc);
    mp_put_array(&array, events->count);
    buf_append_str(&array, buf_str(&events->maps));
    assert_int_equal(mp_parse(&doc, array.data, array.len), STATUS_OK);
    for (size_t i = 0; i < events->count; i++) {
        json_write_value(out, mp_at(&doc.root, i));
        buf_append_char(out, '\n');
    }
    mp_doc_free(&doc);
    buf_free(&array);
}

static void assert_read(const char *body, enum push_format format, const char *expected)
{
    struct push_events events = {0};
    struct error err = {{0}};
    struct buf text = {0};
    if (push_body_read(str_of(body), format, NULL, NULL, &events, &err) != STATUS_OK) {
        fail_msg("%s: %s", body, err.text);
    }
    describe(&events, &text);
    assert_string_equal(buf_cstr(&text), expected);
    buf_free(&text);
    push_events_free(&events);
}

static void assert_refused(const char *body, enum push_format format, int status,
                           const char *message)
{
    struct push_events events = {0};
    struct error err = {{0}};
    assert_int_equal(push_body_read(str_of(body), format, NULL, NULL, &events, &err), status);
    assert_string_equal(err.text, message);
    push_events_free(&events);
}

static void test_an_object_an_array_and_lines(void **state)
{
    (void)state;
    assert_read("{\"event_type\":\"a\"}", PUSH_JSON, "{\"event_type\":\"a\"}\n");
    assert_read(" [ {\"event_type\":\"a\"} , {\"event_type\":\"],}\"} ]\n", PUSH_JSON,
                "{\"event_type\":\"a\"}\n{\"event_type\":\"],}\"}\n");
    assert_read("[{\"event_type\":\"a\\\"],[\\\\\"},{\"event_type\":\"b\",\"payload\":\"\\\"}]\"}]",
                PUSH_JSON,
                "{\"event_type\":\"a\\\"],[\\\\\"}\n{\"event_type\":\"b\",\"payload\":"
                "\"\\\"\\\\\\\"}]\\\"\"}\n");
    assert_read("{\"event_type\":\"a\"}\n\n{\"event_type\":\"b\"}\r\n", PUSH_JSON,
                "{\"event_type\":\"a\"}\n{\"event_type\":\"b\"}\n");
    assert_read("{\n\"event_type\":\n\"a\"}\n", PUSH_JSON, "{\"event_type\":\"a\"}\n");
}

static void test_fields_are_kept_as_they_are_written(void **state)
{
    (void)state;
    assert_read("{\"payload\":{\"n\":123456789012345678901.50},\"event_type\":\"a\",\"actor_id\":7,"
                "\"target_id\":\"t\",\"summary\":null,\"timestamp\":1700000000000}",
                PUSH_JSON,
                "{\"timestamp\":\"1700000000000\",\"event_type\":\"a\",\"actor_id\":\"7\","
                "\"target_id\":\"t\",\"payload\":\"{\\\"n\\\":123456789012345678901.50}\"}\n");
}

static void test_cloudevents(void **state)
{
    (void)state;
    assert_read(
        "{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"/shop\",\"type\":\"order\","
        "\"subject\":\"o1\",\"time\":\"2026-11-23T05:12:01Z\",\"data\":{\"x\":1},\"ext\":2}",
        PUSH_CLOUDEVENT,
        "{\"timestamp\":\"2026-11-23T05:12:01Z\",\"event_type\":\"order\",\"actor_id\":\""
        "/shop\",\"target_id\":\"o1\",\"payload\":\"{\\\"x\\\":1}\"}\n");
    assert_read("[{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"s\",\"type\":\"t\"}]",
                PUSH_CLOUDEVENTS, "{\"event_type\":\"t\",\"actor_id\":\"s\"}\n");
    assert_refused("{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"s\",\"type\":\"t\",\"data_"
                   "base64\":\"e30=\"}",
                   PUSH_CLOUDEVENT, STATUS_INVALID,
                   "event 1, which begins at byte 0 of the body: a payload is JSON: send it as "
                   "`data`, and not as `data_base64`");
    assert_refused("{\"event_type\":\"a\"}", PUSH_CLOUDEVENT, STATUS_INVALID,
                   "event 1, which begins at byte 0 of the body: it is no CloudEvent of "
                   "specversion 1.0; plain events are sent as application/json");
}

static struct str attribute(void *arg, const char *name)
{
    static const char *const pairs[][2] = {
        {"specversion", "1.0"}, {"id", "1"}, {"source", "/a%20b"}, {"type", "order%2Fnew"}};
    (void)arg;
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        if (strcmp(pairs[i][0], name) == 0) {
            return str_of(pairs[i][1]);
        }
    }
    return STR_NULL;
}

static void test_a_cloudevent_in_headers(void **state)
{
    (void)state;
    struct push_events events = {0};
    struct error err = {{0}};
    struct buf text = {0};
    assert_int_equal(
        push_body_read(STR(" {\"x\":1}"), PUSH_BINARY_EVENT, attribute, NULL, &events, &err),
        STATUS_OK);
    describe(&events, &text);
    assert_string_equal(buf_cstr(&text), "{\"event_type\":\"order/new\",\"actor_id\":\"/a b\","
                                         "\"payload\":\"{\\\"x\\\":1}\"}\n");
    buf_free(&text);
    push_events_free(&events);
    assert_int_equal(push_body_read(STR("<x/>"), PUSH_BINARY_EVENT, attribute, NULL, &events, &err),
                     STATUS_INVALID);
    assert_string_equal(err.text,
                        "the data has to be JSON: line 1, column 1: invalid token near '<'");
    push_events_free(&events);
}

static void test_what_is_wrong_is_said_with_its_place(void **state)
{
    (void)state;
    assert_refused("", PUSH_JSON, STATUS_INVALID,
                   "the body is empty: send an event, such as {\"event_type\":\"deploy\"}");
    assert_refused("[]", PUSH_JSON, STATUS_INVALID, "there is no event in the body");
    assert_refused("[{\"event_type\":\"a\"},\n{\"event_type\":}]", PUSH_JSON, STATUS_INVALID,
                   "event 2, which begins at byte 21 of the body: line 1, column 15: unexpected "
                   "token near '}'");
    assert_refused("[{\"event_type\":\"a\"},]", PUSH_JSON, STATUS_INVALID,
                   "event 2, which begins at byte 20 of the body: line 1, column 0: unexpected "
                   "token near end of file");
    assert_refused("[{\"event_type\":\"a\"}", PUSH_JSON, STATUS_INVALID,
                   "the array that begins the body has no end");
    assert_refused("[{\"event_type\":\"a\"}] x", PUSH_JSON, STATUS_INVALID,
                   "there is more behind the end of the array, at byte 20 of the body");
    assert_refused("[1]", PUSH_JSON, STATUS_INVALID,
                   "event 1, which begins at byte 1 of the body: it is no object");
    assert_refused("{\"event_type\":\"a\",\"sumary\":1}", PUSH_JSON, STATUS_INVALID,
                   "event 1, which begins at byte 0 of the body: \"sumary\" is no field of an "
                   "event; these are event_type, timestamp, actor_id, target_id, summary and "
                   "payload, which may hold anything");
    assert_refused("{\"summary\":\"a\"}", PUSH_JSON, STATUS_INVALID,
                   "event 1, which begins at byte 0 of the body: event_type is missing: say what "
                   "happened, such as {\"event_type\":\"deploy\"}");
    assert_refused("{\"event_type\":\"a\",\"timestamp\":\"soon\"}", PUSH_JSON, STATUS_INVALID,
                   "event 1, which begins at byte 0 of the body: timestamp is no moment such as "
                   "2026-11-23T05:12:01Z; without one the event gets the time when it comes");
    assert_refused("{\"event_type\":\"a\\u0001\"}", PUSH_JSON, STATUS_INVALID,
                   "event 1, which begins at byte 0 of the body: event_type is a text of 1 to 256 "
                   "bytes without control characters");
}

static void test_bounds(void **state)
{
    (void)state;
    struct push_events events = {0};
    struct error err = {{0}};
    struct buf body = {0};
    buf_append_text(&body, "{\"event_type\":\"a\",\"summary\":\"");
    for (size_t i = 0; i < PUSH_EVENT_MAX; i++) {
        buf_append_char(&body, 'x');
    }
    buf_append_text(&body, "\"}");
    assert_int_equal(push_body_read(buf_str(&body), PUSH_JSON, NULL, NULL, &events, &err),
                     STATUS_FULL);
    push_events_free(&events);
    buf_clear(&body);
    for (size_t i = 0; i <= PUSH_EVENTS_MAX; i++) {
        buf_append_text(&body, "{\"event_type\":\"a\"}\n");
    }
    assert_int_equal(push_body_read(buf_str(&body), PUSH_JSON, NULL, NULL, &events, &err),
                     STATUS_FULL);
    assert_int_equal(events.count, PUSH_EVENTS_MAX);
    push_events_free(&events);
    while (body.len <= PUSH_REQUEST_MAX) {
        buf_append_text(&body, "                                                              ");
    }
    assert_int_equal(push_body_read(buf_str(&body), PUSH_JSON, NULL, NULL, &events, &err),
                     STATUS_FULL);
    push_events_free(&events);
    buf_free(&body);
}

static bool only_deploys(void *arg, struct str type)
{
    (void)arg;
    return str_is(type, "deploy");
}

static void test_types_that_may_not_be_pushed(void **state)
{
    (void)state;
    struct push_events events = {.may = only_deploys};
    struct error err = {{0}};
    assert_int_equal(push_body_read(STR("[{\"event_type\":\"deploy\"},{\"event_type\":\"x\"}]"),
                                    PUSH_JSON, NULL, NULL, &events, &err),
                     STATUS_DENIED);
    assert_string_equal(err.text, "event 2, which begins at byte 25 of the body: you may not push "
                                  "events of the type x");
    push_events_free(&events);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_object_an_array_and_lines),
        cmocka_unit_test(test_fields_are_kept_as_they_are_written),
        cmocka_unit_test(test_cloudevents),
        cmocka_unit_test(test_a_cloudevent_in_headers),
        cmocka_unit_test(test_what_is_wrong_is_said_with_its_place),
        cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_types_that_may_not_be_pushed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
