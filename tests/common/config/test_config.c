/* SPDX-License-Identifier: Apache-2.0 */
#include "common/config/config.h"

#include <stdio.h>
#include <unistd.h>

#include "common/base/buf.h"
#include "tests/common/config/config_unit.h"

#define MINIMAL "source: {uri: sqlite:events.db}\n"

static void test_source_defaults(void **state)
{
    (void)state;
    struct config *config = parse_ok(MINIMAL);
    const struct config_source *source = &config->source;
    assert_true(config->has_source);
    assert_string_equal(config->file, CONFIG_NAME);
    assert_int_equal(source->kind, SOURCE_SQLITE);
    assert_string_equal(source->uri, "sqlite:events.db");
    assert_string_equal(source->path, "/etc/tilewire/events.db");
    assert_null(source->table_schema);
    assert_string_equal(source->table, "events");
    assert_string_equal(source->columns[EVENT_ID].name, "id");
    assert_string_equal(source->columns[EVENT_PAYLOAD].name, "payload");
    assert_false(source->columns[EVENT_PAYLOAD].configured);
    assert_int_equal(source->extra_count, 0);
    assert_false(source->payload_in_events);
    assert_null(source->password_file);
    assert_int_equal(source->poll_interval_ms, 2000);
    assert_int_equal(source->late_window_ms, 600000);
    assert_string_equal(source->metric_event, "metrics.updated");
    assert_string_equal(source->local.time_zone, "UTC");
    assert_null(source->local.zone);
    assert_int_equal(source->local.week_starts, CONFIG_MONDAY);
    assert_int_equal(config->tile_count, 0);
    assert_null(config_tile(config, STR("x")));
    assert_int_equal(config_need_source(config, NULL), STATUS_OK);
    config_destroy(&config);
    assert_null(config);
    config_destroy(&config);
}

static void test_program_defaults(void **state)
{
    (void)state;
    struct config *config = parse_ok(MINIMAL);
    assert_string_equal(config->ingestor.publish, "tcp://127.0.0.1:7401");
    assert_string_equal(config->ingestor.query, "tcp://127.0.0.1:7402");
    assert_int_equal(config->ingestor.lanes, 1);
    assert_true(config->ingestor.own_lanes == 1);
    assert_int_equal(config->ingestor.events, 10000);
    assert_int_equal(config->ingestor.checkpoint, CHECKPOINT_FILE);
    assert_string_equal(config->ingestor.checkpoint_path, "/etc/tilewire/events.db.tilewire");
    assert_int_equal(config->ingestor.checkpoint_interval_ms, 1000);
    assert_string_equal(config->cache.publish, "tcp://127.0.0.1:7411");
    assert_string_equal(config->cache.query, "tcp://127.0.0.1:7412");
    assert_int_equal(config->cache.events, 10000);
    assert_int_equal(config->cache.limits.tiles, 100000);
    assert_int_equal(config->cache.upstreams.count, 1);
    assert_string_equal(config->cache.upstreams.list[0].publish, "tcp://127.0.0.1:7401");
    assert_string_equal(config->cache.upstreams.list[0].query, "tcp://127.0.0.1:7402");
    assert_null(config->cache.upstreams.list[0].server.key);
    assert_false(config->curve.enabled);
    assert_false(config->insecure);
    config_destroy(&config);
}

static void test_gateway_defaults(void **state)
{
    (void)state;
    struct config *config = parse_ok(MINIMAL);
    const struct config_gateway *gateway = &config->gateway;
    assert_string_equal(gateway->listen.text, "127.0.0.1:8080");
    assert_int_equal(gateway->listen.port, 8080);
    assert_false(gateway->listen.any || gateway->listen.ipv6);
    assert_int_equal(gateway->upstreams.count, 1);
    assert_string_equal(gateway->upstreams.list[0].publish, "tcp://127.0.0.1:7411");
    assert_string_equal(gateway->upstreams.list[0].query, "tcp://127.0.0.1:7412");
    assert_int_equal(gateway->events, 10000);
    assert_int_equal(gateway->limits.streams, 20000);
    assert_int_equal(gateway->limits.streams_per_address, 200);
    assert_true(gateway->limits.streams_per_second == 20);
    assert_int_equal(gateway->limits.streams_burst, 200);
    assert_true(gateway->limits.requests_per_second == 50);
    assert_int_equal(gateway->limits.requests_burst, 100);
    assert_int_equal(gateway->limits.header_bytes, 16384);
    assert_int_equal(gateway->limits.body_bytes, 16384);
    assert_int_equal(gateway->limits.tiles, 100000);
    assert_int_equal(gateway->limits.channels, 100000);
    assert_int_equal(gateway->limits.waiting, 1000);
    assert_int_equal(gateway->limits.message_bytes, 16384);
    assert_int_equal(gateway->limits.frames_per_second, 20);
    assert_int_equal(gateway->limits.frames_burst, 100);
    assert_int_equal(gateway->limits.request_timeout_ms, 10000);
    assert_int_equal(gateway->limits.idle_timeout_ms, 30000);
    assert_int_equal(gateway->trusted_proxy_count, 0);
    assert_int_equal(gateway->cors_origin_count, 0);
    assert_false(gateway->cors_any);
    assert_int_equal(gateway->host_count, 0);
    assert_false(gateway->hosts_any);
    assert_int_equal(gateway->heartbeat_ms, 15000);
    assert_int_equal(gateway->stalled_ms, 30000);
    assert_int_equal(gateway->drain_ms, 5000);
    assert_int_equal(gateway->max_stream_age_ms, 0);
    assert_int_equal(gateway->channel_log_bytes, 262144);
    config_destroy(&config);
}

/* What test_all_keys has for the programs beside the source. */
static void assert_programs(const struct config *config)
{
    assert_true(config->ingestor.lanes == 4 && config->ingestor.own_lanes == 0xa);
    assert_int_equal(config->ingestor.events, 5);
    assert_int_equal(config->ingestor.checkpoint, CHECKPOINT_FILE);
    assert_string_equal(config->ingestor.checkpoint_path, "/var/lib/tilewire/c.lanes-a");
    assert_int_equal(config->ingestor.checkpoint_interval_ms, 2000);
    assert_int_equal(config->cache.events, 6);
    assert_int_equal(config->cache.limits.tiles, 7);
    /* Who is not told otherwise connects to the programs of this very file. */
    assert_string_equal(config->cache.upstreams.list[0].publish, "tcp://127.0.0.1:1");
    assert_string_equal(config->cache.upstreams.list[0].query, "tcp://[::1]:2");
    assert_string_equal(config->gateway.upstreams.list[0].publish, "tcp://127.0.0.1:3");
    assert_string_equal(config->gateway.upstreams.list[0].query, "ipc:///run/q");
}

/* Every key of the programs' sections, each with a value that is not its default. */
static void test_all_keys(void **state)
{
    (void)state;
    struct config *config = parse_ok(
        "insecure: true\n"
        "source:\n"
        "  uri: postgresql://ops@db.example.org:5432/shop?sslmode=require\n"
        "  listen_uri: postgresql://ops@db-1.example.org/shop\n"
        "  table: audit.log\n"
        "  columns: {id: seq, timestamp: at, summary: null, region: region_code, tier: \"Tier\"}\n"
        "  payload_in_events: true\n"
        "  password_file: secrets/db\n"
        "  poll_interval: 500ms\n"
        "  late_window: 0\n"
        "  metric_event: metric\n"
        "  time_zone: America/Argentina/Buenos_Aires\n"
        "  week_starts: sunday\n"
        "ingestor:\n"
        "  publish: tcp://0.0.0.0:1\n"
        "  query: \"tcp://[::]:2\"\n"
        "  lanes: 4\n"
        "  own_lanes: [1, 3]\n"
        "  events: 5\n"
        "  checkpoint: \"file:/var/lib/tilewire/c\"\n"
        "  checkpoint_interval: 2s\n"
        "cache: {publish: \"tcp://*:3\", query: \"ipc:///run/q\", events: 6, limits: {tiles: "
        "7}}\n");
    const struct config_source *source = &config->source;
    assert_int_equal(source->kind, SOURCE_POSTGRESQL);
    assert_null(source->path);
    assert_string_equal(source->listen_uri, "postgresql://ops@db-1.example.org/shop");
    assert_string_equal(source->table_schema, "audit");
    assert_string_equal(source->table, "log");
    assert_string_equal(source->columns[EVENT_ID].name, "seq");
    assert_true(source->columns[EVENT_ID].configured);
    assert_string_equal(source->columns[EVENT_TYPE].name, "event_type");
    assert_null(source->columns[EVENT_SUMMARY].name);
    assert_true(source->columns[EVENT_SUMMARY].configured);
    assert_int_equal(source->extra_count, 2);
    assert_string_equal(source->extras[0].field, "region");
    assert_string_equal(source->extras[0].column, "region_code");
    assert_string_equal(source->extras[1].column, "Tier");
    assert_true(source->payload_in_events);
    assert_string_equal(source->password_file, "/etc/tilewire/secrets/db");
    assert_int_equal(source->poll_interval_ms, 500);
    assert_int_equal(source->late_window_ms, 0);
    assert_string_equal(source->metric_event, "metric");
    assert_string_equal(source->local.time_zone, "America/Argentina/Buenos_Aires");
    assert_non_null(source->local.zone);
    assert_int_equal(source->local.week_starts, CONFIG_SUNDAY);
    assert_programs(config);
    config_destroy(&config);
}

static const char all_gateway_keys[] =
    "insecure: true\n"
    "gateway:\n"
    "  listen: \"*:80\"\n"
    "  upstreams:\n"
    "    - {publish: \"tcp://a:1\", query: \"tcp://a:2\"}\n"
    "    - {publish: \"tcp://b:1\", query: \"tcp://b:2\"}\n"
    "  events: 8\n"
    "  limits: {streams: 1, streams_per_address: 2, streams_per_second: 0.5, streams_burst: "
    "3,\n"
    "           requests_per_second: 1.5, requests_burst: 4, header: 8KiB, body: 0, tiles: 5,\n"
    "           message: 2KiB, frames_per_second: 8, frames_burst: 9,\n"
    "           channels: 6, waiting: 7, request_timeout: 2s, idle_timeout: 1m}\n"
    "  trusted_proxies: [10.0.0.0/8, \"::1\"]\n"
    "  cors_origins: [\"https://ops.example.org\", \"http://localhost:3000\", \"*\"]\n"
    "  hosts: [tiles.example.org, \"[fd00::5]\", \"*\"]\n"
    "  auth: jwt\n"
    "  jwt: {issuers: [{issuer: i, audience: a, jwks: k}], leeway: 1s}\n"
    "  proxy: {user_header: U, groups_header: G, secret_header: S, secret_file: s}\n"
    "  sign_in_url: /oauth2/start\n"
    "  base_path: /ops/tilewire\n"
    "  frame_ancestors: [\"https://wiki.example.org\", \"*\"]\n"
    "  views: {wall: \"show=orders.*\", all: \"\"}\n"
    "  heartbeat: 1s\n"
    "  stalled: 2s\n"
    "  drain: 0\n"
    "  max_stream_age: 1h\n"
    "  channel_log: 1MiB\n";

static void test_all_gateway_keys(void **state)
{
    (void)state;
    struct config *config = parse_ok(all_gateway_keys);
    const struct config_gateway *gateway = &config->gateway;
    assert_false(config->has_source);
    assert_int_equal(config->ingestor.checkpoint, CHECKPOINT_NONE);
    assert_true(gateway->listen.any && gateway->listen.ipv6 && gateway->listen.port == 80);
    assert_int_equal(gateway->upstreams.count, 2);
    assert_string_equal(gateway->upstreams.list[1].query, "tcp://b:2");
    assert_int_equal(gateway->events, 8);
    assert_int_equal(gateway->limits.streams, 1);
    assert_int_equal(gateway->limits.streams_per_address, 2);
    assert_true(gateway->limits.streams_per_second == 0.5);
    assert_int_equal(gateway->limits.streams_burst, 3);
    assert_true(gateway->limits.requests_per_second == 1.5);
    assert_int_equal(gateway->limits.requests_burst, 4);
    assert_int_equal(gateway->limits.header_bytes, 8192);
    assert_int_equal(gateway->limits.body_bytes, 0);
    assert_int_equal(gateway->limits.tiles, 5);
    assert_int_equal(gateway->limits.channels, 6);
    assert_int_equal(gateway->limits.waiting, 7);
    assert_int_equal(gateway->limits.message_bytes, 2048);
    assert_int_equal(gateway->limits.frames_per_second, 8);
    assert_int_equal(gateway->limits.frames_burst, 9);
    assert_int_equal(gateway->limits.request_timeout_ms, 2000);
    assert_int_equal(gateway->limits.idle_timeout_ms, 60000);
    struct ip proxy;
    assert_true(ip_parse(STR("10.3.2.1"), &proxy));
    assert_int_equal(gateway->trusted_proxy_count, 2);
    assert_true(ip_range_contains(&gateway->trusted_proxies[0], &proxy));
    assert_int_equal(gateway->cors_origin_count, 2);
    assert_string_equal(gateway->cors_origins[1], "http://localhost:3000");
    assert_true(gateway->cors_any);
    assert_int_equal(gateway->frame_ancestor_count, 1);
    assert_string_equal(gateway->frame_ancestors[0], "https://wiki.example.org");
    assert_true(gateway->frames_any);
    assert_int_equal(gateway->view_count, 2);
    assert_string_equal(gateway->views[0].name, "wall");
    assert_string_equal(gateway->views[0].query, "show=orders.*");
    assert_string_equal(gateway->views[1].query, "");
    assert_int_equal(gateway->host_count, 2);
    assert_string_equal(gateway->hosts[1], "[fd00::5]");
    assert_true(gateway->hosts_any);
    assert_int_equal(gateway->heartbeat_ms, 1000);
    assert_int_equal(gateway->stalled_ms, 2000);
    assert_int_equal(gateway->drain_ms, 0);
    assert_int_equal(gateway->max_stream_age_ms, 3600000);
    assert_int_equal(gateway->channel_log_bytes, 1 << 20);
    struct error err = {{0}};
    assert_int_equal(config_need_source(config, &err), STATUS_INVALID);
    assert_string_equal(err.text, CONFIG_NAME
                        ": source is missing: say where the events table is, for instance "
                        "`source: {uri: sqlite:events.db}`");
    config_destroy(&config);
}

static void test_sections_may_hold_nothing(void **state)
{
    (void)state;
    struct config *config = parse_ok("ingestor:\ncache:\ngateway: {limits: }\ntiles:\n");
    assert_int_equal(config->gateway.limits.streams, 20000);
    assert_int_equal(config->tile_count, 0);
    config_destroy(&config);
}

static void test_sqlite_paths(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"sqlite:e.db", "/etc/tilewire/e.db"},
        {"sqlite:data/e.db", "/etc/tilewire/data/e.db"},
        {"sqlite:/var/e.db", "/var/e.db"},
        {"sqlite:///var/e.db", "/var/e.db"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[256];
        snprintf(text, sizeof text, "source: {uri: '%s'}", cases[i][0]);
        struct config *config = parse_ok(text);
        assert_string_equal(config->source.path, cases[i][1]);
        config_destroy(&config);
    }
    struct config *config = NULL;
    assert_int_equal(config_parse(MINIMAL, strlen(MINIMAL), "here.yaml", &config, NULL), STATUS_OK);
    assert_string_equal(config->source.path, "events.db");
    config_destroy(&config);
}

static void test_checkpoints(void **state)
{
    (void)state;
    struct config *config = parse_ok("ingestor: {checkpoint: auto}\n"
                                     "source: {uri: postgresql://ops@db/shop}\n");
    assert_int_equal(config->ingestor.checkpoint, CHECKPOINT_POSTGRESQL);
    assert_null(config->ingestor.checkpoint_path);
    config_destroy(&config);
    config = parse_ok("ingestor: {checkpoint: \"file:c\"}\nsource: {uri: postgresql:///shop}\n");
    assert_int_equal(config->ingestor.checkpoint, CHECKPOINT_FILE);
    assert_string_equal(config->ingestor.checkpoint_path, "/etc/tilewire/c");
    config_destroy(&config);
}

static void test_listen_argument(void **state)
{
    (void)state;
    struct config_listen_address address;
    struct error err = {{0}};
    assert_int_equal(config_parse_listen("[::1]:9000", &address, &err), STATUS_OK);
    assert_true(address.ipv6 && !address.any && address.port == 9000);
    assert_int_equal(config_parse_listen("localhost:80", &address, &err), STATUS_INVALID);
    assert_string_equal(err.text,
                        "localhost:80: expected an IP address of this machine before the port "
                        "(127.0.0.1 for this machine alone), or *");
    assert_int_equal(config_parse_listen("8080", &address, &err), STATUS_INVALID);
}

/* The example of the documentation is right, and says what it seems to say. */
static void test_example(void **state)
{
    (void)state;
    struct config *config = NULL;
    struct error err = {{0}};
    if (config_load(TILEWIRE_SOURCE_DIR "/docs/example.yaml", &config, &err) != STATUS_OK) {
        fail_msg("%s", err.text);
    }
    assert_string_equal(config->source.columns[EVENT_TIMESTAMP].name, "created_at");
    assert_int_equal(config->tile_count, 6);
    assert_string_equal(config_tile(config, STR("tickets.answer"))->calendar->name, "desk");
    const struct tile_config *rate = config_tile(config, STR("orders.rate"));
    assert_non_null(rate);
    assert_int_equal(rate->type, TILE_TREND);
    assert_true(rate->step_ms == 10000 && rate->length == 60);
    assert_int_equal(rate->match.all[0].any[0].kind, TILE_PATTERN_GLOB);
    const struct tile_config *sla = config_tile(config, STR("tickets.sla"));
    assert_int_equal(sla->at_risk_ms, 1800000);
    assert_str(sla->due.path, "due_at");
    const struct tile_config *backlog = config_tile(config, STR("work.backlog"));
    assert_true(backlog->state_count == 3 && backlog->rule_count == 4);
    assert_int_equal(backlog->rules[3].state, TILE_STATE_CLOSED);
    config_destroy(&config);
}

static void test_files_that_cannot_be_read(void **state)
{
    (void)state;
    struct config *config = NULL;
    struct error err = {{0}};
    assert_int_equal(config_load("/nowhere/t.yaml", &config, &err), STATUS_NOT_FOUND);
    assert_null(config);
    assert_string_equal(err.text, "/nowhere/t.yaml: cannot be read: No such file or directory");
    assert_int_equal(config_load("/", &config, &err), STATUS_IO);
    assert_string_equal(err.text, "/: cannot be read: Is a directory");
}

static void test_bounds_of_files(void **state)
{
    (void)state;
    const size_t len = CONFIG_FILE_MAX + 1;
    char *text = malloc(len);
    assert_non_null(text);
    memset(text, '#', len);
    struct config *config = NULL;
    struct error err = {{0}};
    assert_int_equal(config_parse(text, len, "t", &config, &err), STATUS_INVALID);
    assert_string_equal(err.text, "t: the file is larger than 4 MiB");
    assert_int_equal(config_parse(text, len - 1, "t", &config, &err), STATUS_INVALID);
    assert_string_equal(err.text, "t: the file is empty");
    free(text);
}

/* The end of a very long name is shown, and the message fits behind it. */
static void test_long_names(void **state)
{
    (void)state;
    char name[3000];
    memset(name, 'd', sizeof name);
    strcpy(name + sizeof name - 8, "/t.yaml");
    struct config *config = NULL;
    struct error err = {{0}};
    assert_int_equal(config_parse("x: 1", 4, name, &config, &err), STATUS_INVALID);
    assert_non_null(strstr(err.text, "d/t.yaml:1:1: unknown key \"x\"; known are source"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_source_defaults),
        cmocka_unit_test(test_program_defaults),
        cmocka_unit_test(test_gateway_defaults),
        cmocka_unit_test(test_all_keys),
        cmocka_unit_test(test_all_gateway_keys),
        cmocka_unit_test(test_sections_may_hold_nothing),
        cmocka_unit_test(test_sqlite_paths),
        cmocka_unit_test(test_checkpoints),
        cmocka_unit_test(test_listen_argument),
        cmocka_unit_test(test_example),
        cmocka_unit_test(test_files_that_cannot_be_read),
        cmocka_unit_test(test_bounds_of_files),
        cmocka_unit_test(test_long_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
