/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/source/nats/nats_event.h"

#include "common/program/log.h"
#include "tests/unit.h"

#define TIME_NS INT64_C(1700000000123456789)

/* The batch that one message makes. The caller destroys it. */
static struct batch *batch_of(struct nats_events *events, const char *subject, const char *value,
                              const char *header, const char *header_value)
{
    struct nats_message message = {.sequence = 42, .time_ns = TIME_NS};
    struct batch *batch = batch_create(0);
    assert_int_equal(natsMsg_Create(&message.message, subject, NULL, value, (int)strlen(value)),
                     NATS_OK);
    if (header != NULL) {
        assert_int_equal(natsMsgHeader_Add(message.message, header, "before"), NATS_OK);
        assert_int_equal(natsMsgHeader_Add(message.message, header, header_value), NATS_OK);
    }
    nats_events_add(events, &message, 142, clock_wall(), batch);
    natsMsg_Destroy(message.message);
    batch_finish(batch, STR(""), STR(""));
    return batch;
}

static struct config_source source_of(void)
{
    struct config_source source = {.format = MESSAGE_JSON};
    source.columns[EVENT_TYPE].name = "value.event_type";
    source.columns[EVENT_ACTOR].name = "header.Who";
    source.columns[EVENT_SUMMARY].name = "subject";
    return source;
}

static void test_a_message_is_an_event(void **unused)
{
    (void)unused;
    const struct config_source source = source_of();
    struct nats_events events;
    nats_events_init(&events, &source);
    struct batch *batch = batch_of(&events, "orders.eu", "{\"event_type\":\"sold\"}", "Who", "ada");
    assert_int_equal(batch->count, 1);
    const struct event *event = &batch->events[0];
    assert_int_equal(event->id.number, 42);
    assert_int_equal(event->ordinal, 142);
    assert_int_equal(event->timestamp.us, TIME_NS / 1000000 * US_PER_MS);
    assert_str(event->event_type, "sold");
    assert_str(event->actor_id, "ada"); /* the last one of that name */
    assert_str(event->summary, "orders.eu");
    batch_destroy(&batch);
    nats_events_free(&events);
}

static void test_what_is_none_is_counted_and_what_deletes_a_key_is_not(void **unused)
{
    (void)unused;
    const struct config_source source = source_of();
    struct nats_events events;
    nats_events_init(&events, &source);
    struct batch *batch = batch_of(&events, "s", "", NULL, NULL);
    assert_int_equal(batch->count, 0);
    assert_int_equal(batch->unusable, 1);
    batch_destroy(&batch);
    batch = batch_of(&events, "s", "", "KV-Operation", "DEL");
    assert_int_equal(batch->count, 0);
    assert_int_equal(batch->unusable, 0);
    batch_destroy(&batch);
    nats_events_free(&events);
}

static void test_messages_of_other_subjects_are_passed_over(void **unused)
{
    (void)unused;
    const char *subjects[] = {"orders.*", "tickets.>"};
    struct config_source source = source_of();
    source.nats.subjects = subjects;
    source.nats.subject_count = 2;
    static const struct {
        const char *subject;
        size_t count;
    } rows[] = {{"orders.eu", 1}, {"tickets.a.b", 1}, {"orders", 0}, {"other.x", 0}};
    struct nats_events events;
    nats_events_init(&events, &source);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct batch *batch =
            batch_of(&events, rows[i].subject, "{\"event_type\":\"sold\"}", NULL, NULL);
        assert_int_equal(batch->count, rows[i].count);
        assert_int_equal(batch->unusable, 0);
        batch_destroy(&batch);
    }
    nats_events_free(&events);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_message_is_an_event),
        cmocka_unit_test(test_what_is_none_is_counted_and_what_deletes_a_key_is_not),
        cmocka_unit_test(test_messages_of_other_subjects_are_passed_over),
    };
    log_init("test", LOG_LEVEL_ERROR, LOG_FORMAT_TEXT);
    nats_Open(-1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
