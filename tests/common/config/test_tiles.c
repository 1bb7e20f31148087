/* SPDX-License-Identifier: Apache-2.0 */
#include "common/config/tiles.h"

#include <stdio.h>

#include "common/base/buf.h"
#include "tests/common/config/tile_unit.h"

static struct config *tile_ok(const char *keys, const struct tile_config **out)
{
    char text[2048];
    snprintf(text, sizeof text, SOURCE TILE "%s}]\n", keys);
    struct config *config = parse_ok(text);
    assert_int_equal(config->tile_count, 1);
    *out = &config->tiles[0];
    return config;
}

static void test_defaults(void **state)
{
    (void)state;
    const struct tile_config *tile = NULL;
    struct config *config = tile_ok("type: count", &tile);
    assert_string_equal(tile->key, "t");
    assert_string_equal(tile->title, "t");
    assert_int_equal(tile->type, TILE_COUNT);
    assert_int_equal(tile->line, 2);
    assert_int_equal(tile->match.count, 0);
    assert_null(tile->metric);
    assert_int_equal(tile->window_ms, 0);
    assert_int_equal(tile->group_by.kind, TILE_FIELD_NONE);
    assert_int_equal(tile->refresh, TILE_REFRESH_ON_EVENT);
    assert_int_equal(tile->min_interval_ms, 100);
    assert_int_equal(tile->ttl_ms, 60000);
    assert_int_equal(tile->grace_ms, 60000);
    config_destroy(&config);
}

/* Also those of keys that its type does not have: the digest of a tile in a checkpoint covers them,
 * so that another value would make the ingestor fold all tiles anew. */
static void test_tiles_have_the_defaults_of_all_types(void **state)
{
    (void)state;
    const struct tile_config *tile = NULL;
    struct config *config = tile_ok("type: backlog, item: target_id, states: {a: b}", &tile);
    assert_int_equal(tile->length, 60);
    assert_int_equal(tile->aggregate, TILE_AGGREGATE_COUNT);
    assert_int_equal(tile->at_risk_ms, 0);
    config_destroy(&config);
}

static void test_a_table_of_the_newest_rows(void **state)
{
    (void)state;
    const struct tile_config *tile = NULL;
    struct config *config = tile_ok(
        "type: latest, show: [target_id, payload.amount], critical: nothing for 10m", &tile);
    assert_int_equal(tile->show_count, 2);
    assert_int_equal(tile->show[0].kind, TILE_FIELD_TARGET_ID);
    assert_string_equal(tile->show[1].text, "payload.amount");
    assert_int_equal(tile->rows, 10);
    assert_int_equal(tile->thresholds.levels[TILE_CRITICAL].list[0].kind, TILE_LIMIT_NOTHING);
    config_destroy(&config);
}

static void test_percentiles(void **state)
{
    (void)state;
    const struct tile_config *tile = NULL;
    struct config *config = tile_ok(
        "type: percentile, value: payload.ms, window: 5m, warn: \"> 5\", critical: \"p50 > 5\"",
        &tile);
    assert_string_equal(tile->thresholds.levels[TILE_WARN].list[0].figure, "p95");
    assert_string_equal(tile->thresholds.levels[TILE_CRITICAL].list[0].figure, "p50");
    config_destroy(&config);
    config = tile_ok("type: trend, value: payload.ms, step: 1m, aggregate: p99", &tile);
    assert_int_equal(tile_aggregate_percent(tile->aggregate), 99);
    assert_int_equal(tile_aggregate_percent(TILE_AGGREGATE_LAST), 0);
    config_destroy(&config);
}

static void test_a_ratio(void **state)
{
    (void)state;
    const struct tile_config *tile = NULL;
    struct config *config = tile_ok("type: ratio, match: {event_type: a}, of: {event_type: [a, b], "
                                    "region: x}, window: today, warn: \"> 5\", critical: "
                                    "\"whole < 10\"",
                                    &tile);
    assert_int_equal(tile->match.count, 1);
    assert_int_equal(tile->of.count, 2);
    assert_int_equal(tile->window_period, TILE_PERIOD_DAY);
    assert_string_equal(tile->thresholds.levels[TILE_WARN].list[0].figure, "value");
    assert_string_equal(tile->thresholds.levels[TILE_CRITICAL].list[0].figure, "whole");
    config_destroy(&config);
}

static void test_definition_as_json(void **state)
{
    (void)state;
    const struct tile_config *tile = NULL;
    struct config *config = tile_ok("type: backlog, title: 'a \"b\" 7', item: target_id, ttl: 2m, "
                                    "states: {made: open, done: null}",
                                    &tile);
    assert_string_equal(tile->definition,
                        "{\"key\":\"t\",\"type\":\"backlog\",\"title\":\"a \\\"b\\\" 7\","
                        "\"item\":\"target_id\",\"ttl\":\"2m\","
                        "\"states\":{\"made\":\"open\",\"done\":null}}");
    config_destroy(&config);
    config = tile_ok("type: count, match: {event_type: [x, '1'], payload.n: 1.50, payload.b: true}",
                     &tile);
    assert_string_equal(tile->definition,
                        "{\"key\":\"t\",\"type\":\"count\",\"match\":{\"event_type\":[\"x\",\"1\"],"
                        "\"payload.n\":1.50,\"payload.b\":true}}");
    config_destroy(&config);
}

static void test_common_keys(void **state)
{
    (void)state;
    const struct tile_config *tile = NULL;
    struct config *config =
        tile_ok("type: count, title: 42, group_by: payload.team.id, idle: 5m, max_groups: 7,"
                "refresh: {policy: interval, min_interval: 2s}, ttl: 2m",
                &tile);
    assert_string_equal(tile->title, "42");
    assert_int_equal(tile->group_by.kind, TILE_FIELD_PAYLOAD);
    assert_string_equal(tile->group_by.text, "payload.team.id");
    assert_str(tile->group_by.path, "team.id");
    assert_int_equal(tile->idle_ms, 300000);
    assert_int_equal(tile->max_groups, 7);
    assert_int_equal(tile->refresh, TILE_REFRESH_INTERVAL);
    assert_int_equal(tile->min_interval_ms, 2000);
    assert_int_equal(tile->ttl_ms, 120000);
    assert_int_equal(tile->grace_ms, 120000); /* at least a minute, at least the ttl */
    config_destroy(&config);
    config = tile_ok("type: count, ttl: 1s, grace: 3s, group_by: region", &tile);
    assert_int_equal(tile->grace_ms, 3000);
    assert_int_equal(tile->idle_ms, 3600000);
    assert_int_equal(tile->max_groups, 1000);
    assert_int_equal(tile->group_by.kind, TILE_FIELD_EXTRA);
    assert_int_equal(tile->group_by.extra, 0);
    config_destroy(&config);
}

static void check_pattern(const struct tile_pattern *pattern, enum tile_pattern_kind kind,
                          const char *text)
{
    assert_int_equal(pattern->kind, kind);
    assert_str(pattern->text, text);
}

static void test_match(void **state)
{
    (void)state;
    const struct tile_config *tile = NULL;
    struct config *config = tile_ok("type: count, window: 5m, match: {event_type: [a, \"b.*\", 3],"
                                    "region: 5, target_id: true, summary: '*', payload.n: 12,"
                                    "payload.b: [false, \"false\"], payload.s: \"12\"}",
                                    &tile);
    assert_int_equal(tile->window_ms, 300000);
    const struct tile_condition *all = tile->match.all;
    assert_int_equal(tile->match.count, 7);
    assert_int_equal(all[0].field.kind, TILE_FIELD_EVENT_TYPE);
    assert_int_equal(all[0].any_count, 3);
    check_pattern(&all[0].any[0], TILE_PATTERN_TEXT, "a");
    check_pattern(&all[0].any[1], TILE_PATTERN_GLOB, "b.*");
    check_pattern(&all[0].any[2], TILE_PATTERN_TEXT, "3"); /* columns are text */
    assert_int_equal(all[1].field.kind, TILE_FIELD_EXTRA);
    check_pattern(&all[1].any[0], TILE_PATTERN_TEXT, "5");
    assert_int_equal(all[2].field.kind, TILE_FIELD_TARGET_ID);
    check_pattern(&all[2].any[0], TILE_PATTERN_TEXT, "true");
    assert_int_equal(all[3].field.kind, TILE_FIELD_SUMMARY);
    check_pattern(&all[3].any[0], TILE_PATTERN_GLOB, "*");
    check_pattern(&all[4].any[0], TILE_PATTERN_NUMBER, "12");
    assert_true(all[4].any[0].number == 12);
    check_pattern(&all[5].any[0], TILE_PATTERN_BOOL, "false");
    assert_false(all[5].any[0].boolean);
    check_pattern(&all[5].any[1], TILE_PATTERN_TEXT, "false");
    check_pattern(&all[6].any[0], TILE_PATTERN_TEXT, "12");
    config_destroy(&config);
}

static void test_trend(void **state)
{
    (void)state;
    const struct tile_config *tile = NULL;
    struct config *config = tile_ok("type: trend, step: 10s", &tile);
    assert_int_equal(tile->length, 60);
    assert_int_equal(tile->aggregate, TILE_AGGREGATE_COUNT);
    assert_int_equal(tile->value.kind, TILE_FIELD_NONE);
    config_destroy(&config);
    config =
        tile_ok("type: trend, step: 1h, length: 24, aggregate: avg, value: payload.amount", &tile);
    assert_int_equal(tile->step_ms, 3600000);
    assert_int_equal(tile->length, 24);
    assert_int_equal(tile->aggregate, TILE_AGGREGATE_AVG);
    assert_str(tile->value.path, "amount");
    config_destroy(&config);
    config = tile_ok("type: trend, step: 1s, aggregate: last, metric: q, labels: {host: a, n: 3}",
                     &tile);
    assert_int_equal(tile->aggregate, TILE_AGGREGATE_LAST);
    assert_string_equal(tile->metric, "q");
    assert_int_equal(tile->labels.count, 2);
    assert_string_equal(tile->labels.all[0].field.text, "payload.labels.host");
    assert_str(tile->labels.all[1].field.path, "labels.n");
    assert_int_equal(tile->labels.all[1].any[0].kind, TILE_PATTERN_NUMBER);
    config_destroy(&config);
}

/* 1d is a length for a window, and a period for a bucket. */
static void test_periods(void **state)
{
    (void)state;
    static const char *const windows[] = {"", "today", "this_week", "this_month"};
    static const char *const steps[] = {"", "1d", "1w", "1M"};
    static const int64_t days[] = {0, 1, 7, 30};
    const struct tile_config *tile = NULL;
    for (int period = TILE_PERIOD_DAY; period <= TILE_PERIOD_MONTH; period++) {
        char keys[64];
        snprintf(keys, sizeof keys, "type: count, window: %s", windows[period]);
        struct config *config = tile_ok(keys, &tile);
        assert_int_equal(tile->window_period, period);
        assert_int_equal(tile->window_ms, 0);
        assert_string_equal(tile_window_name(tile->window_period), windows[period]);
        assert_ptr_equal(tile->local, &config->source.local);
        config_destroy(&config);
        snprintf(keys, sizeof keys, "type: trend, step: %s", steps[period]);
        config = tile_ok(keys, &tile);
        assert_int_equal(tile->step_period, period);
        assert_int_equal(tile->step_ms, days[period] * 86400000);
        assert_string_equal(tile_step_name(tile->step_period), steps[period]);
        config_destroy(&config);
    }
    struct config *config = tile_ok("type: count, window: 1d", &tile);
    assert_int_equal(tile->window_ms, 86400000);
    assert_int_equal(tile->window_period, TILE_PERIOD_NONE);
    config_destroy(&config);
    config = tile_ok("type: trend, step: 24h", &tile);
    assert_int_equal(tile->step_ms, 86400000);
    assert_int_equal(tile->step_period, TILE_PERIOD_NONE);
    config_destroy(&config);
}

static void test_gauge(void **state)
{
    (void)state;
    const struct tile_config *tile = NULL;
    struct config *config = tile_ok("type: gauge, metric: queue.depth, unit: jobs", &tile);
    assert_string_equal(tile->metric, "queue.depth");
    assert_string_equal(tile->unit, "jobs");
    config_destroy(&config);
}

static void test_sla_risk(void **state)
{
    (void)state;
    const struct tile_config *tile = NULL;
    struct config *config = tile_ok(SLA ", due: payload.due_at", &tile);
    assert_int_equal(tile->opens.count, 1);
    assert_str(tile->closes.all[0].any[0].text, "c");
    assert_int_equal(tile->item.kind, TILE_FIELD_TARGET_ID);
    assert_int_equal(tile->due.kind, TILE_FIELD_PAYLOAD);
    assert_int_equal(tile->within_ms, 0);
    assert_int_equal(tile->at_risk_ms, 1800000);
    config_destroy(&config);
    config = tile_ok(SLA ", within: 4h", &tile);
    assert_int_equal(tile->due.kind, TILE_FIELD_NONE);
    assert_int_equal(tile->within_ms, 14400000);
    assert_int_equal(tile->at_risk_ms, 3600000);
    config_destroy(&config);
    config = tile_ok(SLA ", within: 4h, at_risk: 0", &tile);
    assert_int_equal(tile->at_risk_ms, 0);
    config_destroy(&config);
}

static void test_backlog(void **state)
{
    (void)state;
    const struct tile_config *tile = NULL;
    struct config *config =
        tile_ok("type: backlog, item: payload.ticket, breakdown: region,"
                "states: {created: open, reopened: open, \"moved.*\": busy, done: null, gone: ~}",
                &tile);
    assert_int_equal(tile->state_count, 2);
    assert_string_equal(tile->states[0], "open");
    assert_string_equal(tile->states[1], "busy");
    assert_int_equal(tile->rule_count, 5);
    static const int expected[] = {0, 0, 1, TILE_STATE_CLOSED, TILE_STATE_CLOSED};
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(tile->rules[i].state, expected[i]);
    }
    check_pattern(&tile->rules[2].event_type, TILE_PATTERN_GLOB, "moved.*");
    check_pattern(&tile->rules[3].event_type, TILE_PATTERN_TEXT, "done");
    assert_int_equal(tile->breakdown.kind, TILE_FIELD_EXTRA);
    assert_str(tile->item.path, "ticket");
    config_destroy(&config);
}

static void test_names(void **state)
{
    (void)state;
    assert_string_equal(tile_type_name(TILE_SLA_RISK), "sla_risk");
    assert_string_equal(tile_aggregate_name(TILE_AGGREGATE_LAST), "last");
    assert_string_equal(tile_refresh_policy_name(TILE_REFRESH_ON_EVENT), "on_event");
}

static void test_found_by_key(void **state)
{
    (void)state;
    struct buf text = {0};
    buf_append_text(&text, "tiles:\n");
    for (int i = 0; i < CONFIG_TILES_MAX; i++) {
        buf_printf(&text, "- {key: k%d, type: count}\n", (i * 7919) % CONFIG_TILES_MAX);
    }
    struct config *config = parse_ok(buf_cstr(&text));
    for (int i = 0; i < CONFIG_TILES_MAX; i++) {
        char key[16];
        snprintf(key, sizeof key, "k%d", i);
        const struct tile_config *tile = config_tile(config, str_of(key));
        assert_non_null(tile);
        assert_string_equal(tile->key, key);
    }
    assert_null(config_tile(config, STR("k")));
    assert_null(config_tile(config, STR("k10000")));
    assert_null(config_tile(config, STR("")));
    config_destroy(&config);
    buf_append_text(&text, "- {key: one-more, type: count}\n");
    const struct refusal refusal[] = {
        {buf_cstr(&text), "2:1: tiles: at most 10000 tiles are possible, but there are 10001"}};
    REFUSED(refusal);
    buf_free(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_tiles_have_the_defaults_of_all_types),
        cmocka_unit_test(test_a_table_of_the_newest_rows),
        cmocka_unit_test(test_a_ratio),
        cmocka_unit_test(test_percentiles),
        cmocka_unit_test(test_common_keys),
        cmocka_unit_test(test_match),
        cmocka_unit_test(test_trend),
        cmocka_unit_test(test_periods),
        cmocka_unit_test(test_gauge),
        cmocka_unit_test(test_sla_risk),
        cmocka_unit_test(test_backlog),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_definition_as_json),
        cmocka_unit_test(test_found_by_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
