/* SPDX-License-Identifier: Apache-2.0 */
#include "common/config/message_place.h"

#include <stdio.h>

#include "tests/common/config/config_unit.h"

#define BUS "source:\n  uri: kafka://b1:9092,b2:9093/orders,tick*\n"

static void test_places(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum message_format format;
        enum message_place_kind kind; /* PLACE_NONE: it is none */
        const char *name;
    } rows[] = {
        {"value", MESSAGE_JSON, PLACE_VALUE, ""},
        {"value.a.b", MESSAGE_JSON, PLACE_VALUE, "a.b"},
        {"value.", MESSAGE_JSON, PLACE_NONE, ""},
        {"value.a..b", MESSAGE_JSON, PLACE_NONE, ""},
        {"values", MESSAGE_JSON, PLACE_NONE, ""},
        {"key", MESSAGE_JSON, PLACE_KEY, ""},
        {"key.id", MESSAGE_JSON, PLACE_NONE, ""},
        {"header.x-kind.2", MESSAGE_JSON, PLACE_HEADER, "x-kind.2"},
        {"header", MESSAGE_JSON, PLACE_NONE, ""},
        {"topic", MESSAGE_DEBEZIUM, PLACE_TOPIC, ""},
        {"subject", MESSAGE_JSON, PLACE_TOPIC, ""},
        {"partition", MESSAGE_JSON, PLACE_PARTITION, ""},
        {"timestamp", MESSAGE_JSON, PLACE_TIME, ""},
        {"ce.type", MESSAGE_CLOUDEVENTS, PLACE_ATTRIBUTE, "type"},
        {"ce.type", MESSAGE_JSON, PLACE_NONE, ""},
        {"change.type", MESSAGE_DEBEZIUM, PLACE_CHANGE_TYPE, ""},
        {"change.time", MESSAGE_JSON, PLACE_NONE, ""},
        {"change.row", MESSAGE_DEBEZIUM, PLACE_CHANGE_ROW, ""},
        {"change.row.at.city", MESSAGE_DEBEZIUM, PLACE_CHANGE_ROW, "at.city"},
        {"change.row..city", MESSAGE_DEBEZIUM, PLACE_NONE, ""},
        {"change.rows", MESSAGE_DEBEZIUM, PLACE_NONE, ""},
        {"change.row.id", MESSAGE_JSON, PLACE_NONE, ""},
        {"", MESSAGE_JSON, PLACE_NONE, ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct message_place place;
        const bool found = message_place_parse(str_of(rows[i].text), rows[i].format, &place);
        assert_int_equal(found, rows[i].kind != PLACE_NONE);
        if (found) {
            assert_int_equal(place.kind, rows[i].kind);
            assert_str(place.name, rows[i].name);
        }
    }
}

static void test_a_bus_has_topics_options_and_places(void **state)
{
    (void)state;
    struct config *config =
        parse_ok(BUS "  format: cloudevents\n"
                     "  fields: {event_type: value.kind, summary: null, shop: header.shop}\n"
                     "  kafka:\n"
                     "    security.protocol: SASL_SSL\n"
                     "    ssl.key.password: {file: k}\n"
                     "  password_file: p\n");
    const struct config_source *source = &config->source;
    assert_int_equal(source->kind, SOURCE_KAFKA);
    assert_string_equal(source->kafka.brokers, "b1:9092,b2:9093");
    assert_int_equal(source->kafka.topic_count, 2);
    assert_string_equal(source->kafka.topics[1], "tick*");
    assert_int_equal(source->kafka.option_count, 2);
    assert_string_equal(source->kafka.options[0].value, "SASL_SSL");
    assert_null(source->kafka.options[1].value);
    assert_string_equal(source->kafka.options[1].file, "/etc/tilewire/k");
    assert_int_equal(source->format, MESSAGE_CLOUDEVENTS);
    assert_string_equal(source->columns[EVENT_TYPE].name, "value.kind");
    assert_null(source->columns[EVENT_SUMMARY].name);
    assert_string_equal(source->columns[EVENT_TARGET].name, "ce.subject");
    assert_string_equal(source->extras[0].column, "header.shop");
    assert_int_equal(config->ingestor.checkpoint, CHECKPOINT_FILE);
    assert_string_equal(config->ingestor.checkpoint_path, "/etc/tilewire/kafka.tilewire");
    config_destroy(&config);
}

static void assert_redis(const char *uri, const char *host, unsigned port, const char *stream)
{
    char text[256];
    snprintf(text, sizeof text, "source: {uri: '%s', redis: {database: 3, user: u}}", uri);
    struct config *config = parse_ok(text);
    assert_int_equal(config->source.kind, SOURCE_REDIS);
    assert_string_equal(config->source.redis.host, host);
    assert_int_equal(config->source.redis.port, port);
    assert_string_equal(config->source.redis.stream, stream);
    assert_int_equal(config->source.redis.database, 3);
    assert_string_equal(config->source.redis.user, "u");
    assert_null(config->source.redis.field);
    assert_string_equal(config->ingestor.checkpoint_path, "/etc/tilewire/redis.tilewire");
    config_destroy(&config);
}

static void test_a_stream_of_redis_has_an_address_and_a_name(void **state)
{
    (void)state;
    assert_redis("redis://h/orders", "h", 6379, "orders");
    assert_redis("redis://h.example.org:1/a:b/{c} d", "h.example.org", 1, "a:b/{c} d");
    assert_redis("redis://[::1]/s", "::1", 6379, "s");
    assert_redis("redis://[fe80::1]:65535/s", "fe80::1", 65535, "s");
}

static void test_a_stream_of_nats_has_servers_and_subjects(void **state)
{
    (void)state;
    struct config *config = parse_ok("source:\n"
                                     "  uri: nats://h1:4222,[::1]/ORDERS?subjects=orders.*.eu,a.>\n"
                                     "  fields: {summary: subject}\n"
                                     "  password_file: p\n"
                                     "  nats: {user: u, tls: true, ca_file: ca.pem}\n");
    const struct config_nats *nats = &config->source.nats;
    assert_int_equal(config->source.kind, SOURCE_NATS);
    assert_int_equal(nats->server_count, 2);
    assert_string_equal(nats->servers[0], "nats://h1:4222");
    assert_string_equal(nats->servers[1], "nats://[::1]");
    assert_string_equal(nats->stream, "ORDERS");
    assert_int_equal(nats->subject_count, 2);
    assert_string_equal(nats->subjects[0], "orders.*.eu");
    assert_string_equal(nats->subjects[1], "a.>");
    assert_string_equal(nats->user, "u");
    assert_true(nats->tls);
    assert_string_equal(nats->ca_file, "/etc/tilewire/ca.pem");
    assert_null(nats->domain);
    assert_string_equal(config->source.columns[EVENT_SUMMARY].name, "subject");
    assert_string_equal(config->ingestor.checkpoint_path, "/etc/tilewire/nats.tilewire");
    config_destroy(&config);
    config = parse_ok("source: {uri: 'nats://h/S'}");
    assert_int_equal(config->source.nats.subject_count, 0);
    config_destroy(&config);
}

static const struct {
    const char *text;
    const char *message;
} refused[] = {
    {"source: {uri: \"kafka://b:9092\"}", "expected kafka://BROKER:PORT,…/TOPIC,…"},
    {"source: {uri: \"kafka://b:9092/\"}", "expected 1 to 64 topics"},
    {"source: {uri: \"kafka://b:9092/a b\"}", "expected 1 to 64 topics"},
    {"source: {uri: \"kafka://u:p@b:9092/a\"}", "a user and a password may not stand in it"},
    {BUS "  table: events\n", "source.table: Kafka has messages and no table"},
    {BUS "  cursor: [a, b]\n", "source.cursor: Kafka has messages and no table"},
    {"source: {uri: \"sqlite:x.db\", format: json}", "source.format: SQLite has a table"},
    {"source: {uri: \"sqlite:x.db\", kafka: {a: b}}", "source.kafka: the source is SQLite"},
    {BUS "  fields: {event_type: kind}\n", "source.fields.event_type: expected a place"},
    {BUS "  fields: {shop: ce.x}\n", "source.fields.shop: expected a place"},
    {BUS "  fields: {id: key}\n", "source.fields.id: the id of a message is where it stands"},
    {BUS "  format: avro\n", "expected json, cloudevents or debezium"},
    {BUS "  kafka: {group.id: x}\n", "source.kafka.group.id: Tilewire sets it"},
    {BUS "  kafka: {sasl.password: x}\n", "a secret may not stand in the configuration"},
    {"source: {uri: \"redis://h\"}", "expected redis://HOST:PORT/STREAM"},
    {"source: {uri: \"redis://h/\"}", "expected redis://HOST:PORT/STREAM"},
    {"source: {uri: \"redis:///s\"}", "expected redis://HOST:PORT/STREAM"},
    {"source: {uri: \"redis://h:/s\"}", "expected redis://HOST:PORT/STREAM"},
    {"source: {uri: \"redis://h:65536/s\"}", "expected redis://HOST:PORT/STREAM"},
    {"source: {uri: \"redis://h:99999999999999999999/s\"}", "redis://HOST:PORT/STREAM"},
    {"source: {uri: \"redis://[::1/s\"}", "expected redis://HOST:PORT/STREAM"},
    {"source: {uri: \"redis://[::1]6379/s\"}", "expected redis://HOST:PORT/STREAM"},
    {"source: {uri: \"redis://h/0\"}", "which source.redis.database says"},
    {"source: {uri: \"redis://u:p@h/s\"}", "a user and a password may not stand in it"},
    {"source: {uri: \"sqlite:x.db\", redis: {user: a}}", "source.redis: the source is SQLite"},
    {"source: {uri: \"redis://h/s\", redis: {database: -1}}",
     "source.redis.database: expected 0 to 65535"},
    {"source: {uri: \"nats://h\"}", "expected nats://HOST:PORT,…/STREAM"},
    {"source: {uri: \"nats://h/\"}", "expected nats://HOST:PORT,…/STREAM"},
    {"source: {uri: \"nats://h/a.b\"}", "expected nats://HOST:PORT,…/STREAM"},
    {"source: {uri: \"nats://h,/S\"}", "expected nats://HOST:PORT,…/STREAM"},
    {"source: {uri: \"nats://h/S?a=b\"}", "expected ?subjects="},
    {"source: {uri: \"nats://h/S?subjects=\"}", "expected ?subjects="},
    {"source: {uri: \"nats://h/S?subjects=a..b\"}", "expected ?subjects="},
    {"source: {uri: \"nats://h/S?subjects=>.a\"}", "expected ?subjects="},
    {"source: {uri: \"nats://u:p@h/S\"}", "a user and a password may not stand in it"},
    {"source: {uri: \"nats://h/S\", password_file: p}", "user and source.password_file"},
    {"source: {uri: \"nats://h/S\", nats: {user: u}}", "user and source.password_file"},
    {"source: {uri: \"nats://h/S\", nats: {nkey: U}}", "nkey and nkey_seed_file"},
    {"source: {uri: \"nats://h/S\", nats: {token_file: t, credentials_file: c}}", "one of"},
    {"source: {uri: \"nats://h/S\", nats: {ca_file: c}}", "write tls: true"},
    {"source: {uri: \"sqlite:x.db\", nats: {user: a}}", "source.nats: the source is SQLite"},
    {BUS "  kafka: [a]\n", "expected a map of options of librdkafka"},
};

static void test_what_does_not_fit_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        struct config *config = NULL;
        struct error err = {{0}};
        assert_int_equal(
            config_parse(refused[i].text, strlen(refused[i].text), CONFIG_NAME, &config, &err),
            STATUS_INVALID);
        if (strstr(err.text, refused[i].message) == NULL) {
            fail_msg("\"%s\" is not said, but: %s", refused[i].message, err.text);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_places),
        cmocka_unit_test(test_a_bus_has_topics_options_and_places),
        cmocka_unit_test(test_a_stream_of_redis_has_an_address_and_a_name),
        cmocka_unit_test(test_a_stream_of_nats_has_servers_and_subjects),
        cmocka_unit_test(test_what_does_not_fit_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
