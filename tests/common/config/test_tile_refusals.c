/* SPDX-License-Identifier: Apache-2.0 */
/* What is wrong in the definitions of tiles, and what is said about it. */
#include "common/config/tiles.h"

#include <stdio.h>

#include "common/base/buf.h"
#include "tests/common/config/tile_unit.h"

static void test_identity_refused(void **state)
{
    (void)state;
    static const struct refusal refusals[] = {
        {"tiles: [a]", "1:9: tiles: expected a tile: {key: …, type: …, …}, but found \"a\""},
        {"tiles: [{type: count}]", "1:9: tiles: a tile needs a key, such as orders.open"},
        {"tiles: [{key: t}]",
         "1:9: tile \"t\": a tile needs a type: count, number, ratio, percentile, distinct, top, "
         "rate, trend, heatmap, gauge, duration, presence, sla_risk, backlog or latest"},
        {"tiles: [{key: t, type: counter}]",
         "1:24: tile \"t\": type: \"counter\" is not known; did you mean \"count\"?"},
        {"tiles: [{key: t, type: x}]",
         "1:24: tile \"t\": type: \"x\" is not known: expected count, trend, sla_risk, backlog, "
         "gauge, number, latest, ratio, percentile, duration, presence, distinct, top, rate or "
         "heatmap"},
        {"tiles: [{key: t, type: [count]}]",
         "1:24: tile \"t\": type: a list is not known: expected count, trend, sla_risk, backlog, "
         "gauge, number, latest, ratio, percentile, duration, presence, distinct, top, rate or "
         "heatmap"},
        {"tiles: [{key: a/b, type: count}]",
         "1:15: tiles: key: expected 1 to 128 letters, digits, dots, - and _ (orders.open), but "
         "found \"a/b\""},
        {"tiles: [{key: 'a*', type: count}]",
         "1:15: tiles: key: expected 1 to 128 letters, digits, dots, - and _ (orders.open), but "
         "found \"a*\""},
        {"tiles: [{key: '', type: count}]",
         "1:15: tiles: key: expected 1 to 128 letters, digits, dots, - and _ (orders.open), but "
         "found \"\""},
        {"tiles:\n- {key: t, type: count}\n- {key: u, type: count}\n- {key: t, type: count}\n",
         "4:9: tiles: the key \"t\" is taken already, at line 2"},
        {TILE "type: count, titel: a}]",
         "1:31: tile \"t\": unknown key \"titel\"; did you mean \"title\"?"},
        {TILE "type: count, x: a}]",
         "1:31: tile \"t\": unknown key \"x\"; known are key, type, title, source, match, metric, "
         "labels, "
         "window, group_by, idle, max_groups, partition, refresh, ttl, grace, warn, critical, for, "
         "clear_after, margin, group, unit, format, decimals, link or item_link"},
        {TILE "type: gauge, window: 1s}]",
         "1:31: tile \"t\": window: a tile of type gauge has no such key (it belongs to count, "
         "number, ratio, percentile, duration, distinct, top, rate, heatmap)"},
        {TILE "type: backlog, metric: m}]",
         "1:33: tile \"t\": metric: a tile of type backlog has no such key (it belongs to count, "
         "trend, gauge, number, percentile, rate, heatmap)"},
    };
    REFUSED(refusals);
}

static void test_key_length(void **state)
{
    (void)state;
    char text[512];
    snprintf(text, sizeof text, "tiles: [{key: %0128d, type: count}]", 0);
    struct config *config = parse_ok(text);
    config_destroy(&config);
    snprintf(text, sizeof text, "tiles: [{key: %0129d, type: count}]", 0);
    struct error err = {{0}};
    assert_int_equal(config_parse(text, strlen(text), CONFIG_NAME, &config, &err), STATUS_INVALID);
}

static void test_bounds_refused(void **state)
{
    (void)state;
    static const struct refusal refusals[] = {
        {TILE "type: count, window: yesterday}]",
         "1:39: tile \"t\": window: expected a duration such as 250ms, 2s, 5m, 1h or 7d, or today, "
         "this_week or this_month, but found \"yesterday\""},
        {TILE "type: count, window: 1w}]",
         "1:39: tile \"t\": window: expected a duration such as 250ms, 2s, 5m, 1h or 7d, or today, "
         "this_week or this_month, but found \"1w\""},
        {TILE "type: trend, step: 2w}]", "1:37: tile \"t\": step: expected a duration such as "
                                         "250ms, 2s, 5m, 1h or 7d, or 1d, 1w or "
                                         "1M, but found \"2w\""},
        {TILE "type: count, metric: m, window: today}]",
         "1:42: tile \"t\": window: does not go with metric: the tile shows the metric's latest "
         "value"},
        {TILE "type: trend, step: 1M, length: 1221}]",
         "1:37: tile \"t\": step: 1221 buckets of that length span more than 100 years"},
        {TILE "type: count, window: 0}]",
         "1:39: tile \"t\": window: expected 1ms to 3660d, but found \"0\""},
        {TILE "type: trend, step: 367d}]",
         "1:37: tile \"t\": step: expected 1ms to 366d, but found \"367d\""},
        {TILE "type: trend, step: 1s, length: 0}]",
         "1:49: tile \"t\": length: expected 1 to 10000, but found \"0\""},
        {TILE "type: trend, step: 1s, length: 10001}]",
         "1:49: tile \"t\": length: expected 1 to 10000, but found \"10001\""},
        {TILE "type: trend, step: 100d, length: 1000}]",
         "1:37: tile \"t\": step: 1000 buckets of that length span more than 100 years"},
        {TILE "type: count, ttl: 99ms}]",
         "1:36: tile \"t\": ttl: expected 100ms to 7d, but found \"99ms\""},
        {TILE "type: count, grace: 0}]",
         "1:38: tile \"t\": grace: expected 1ms to 30d, but found \"0\""},
        {TILE "type: count, group_by: region, max_groups: 100001}]",
         "1:41: tile \"t\": group_by: \"region\" is no field of an event, nor a column added under "
         "source.columns; known are event_type, actor_id, target_id, summary or payload.NAME"},
        {TILE "type: count, group_by: summary, max_groups: 100001}]",
         "1:62: tile \"t\": max_groups: expected 1 to 100000, but found \"100001\""},
        {TILE "type: count, refresh: {min_interval: 0}}]",
         "1:55: tile \"t\": refresh.min_interval: expected 1ms to 1h, but found \"0\""},
        {TILE "type: count, refresh: {policy: event}}]",
         "1:49: tile \"t\": refresh.policy: \"event\" is not known: expected on_event or "
         "interval"},
        {TILE "type: count, refresh: fast}]",
         "1:40: tile \"t\": refresh: expected a map of keys and values, but found \"fast\""},
    };
    REFUSED(refusals);
}

static void test_fields_refused(void **state)
{
    (void)state;
    static const struct refusal refusals[] = {
        {SOURCE TILE "type: count, match: {event: a}}]",
         "2:39: tile \"t\": match: \"event\" is no field of an event, nor a column added under "
         "source.columns; known are event_type, actor_id, target_id, summary, region or "
         "payload.NAME"},
        {SOURCE TILE "type: count, match: {regoin: a}}]",
         "2:39: tile \"t\": match: \"regoin\" is no field of an event; did you mean \"region\"?"},
        {SOURCE TILE "type: count, match: {actor_id: a}}]",
         "2:39: tile \"t\": match: source.columns says that there is no actor_id"},
        {SOURCE TILE "type: count, match: {payload: a}}]",
         "2:39: tile \"t\": match: expected a member of the payload, such as payload.team, but "
         "found \"payload\""},
        {SOURCE TILE "type: count, match: {payload..a: a}}]",
         "2:39: tile \"t\": match: expected names joined by single dots, such as payload.team.id, "
         "but found \"payload..a\""},
        {SOURCE TILE "type: count, match: {payload.: a}}]",
         "2:39: tile \"t\": match: expected names joined by single dots, such as payload.team.id, "
         "but found \"payload.\""},
        {SOURCE TILE "type: count, match: {}}]",
         "2:38: tile \"t\": match: expected at least one condition"},
        {SOURCE TILE "type: count, match: a}]",
         "2:38: tile \"t\": match: expected a map such as {event_type: order.created}, but found "
         "\"a\""},
        {SOURCE TILE "type: count, match: {event_type: }}]",
         "2:39: tile \"t\": match.event_type: expected a text (`*` stands for anything), a number, "
         "true or false, but found nothing"},
        {SOURCE TILE "type: count, match: {event_type: []}}]",
         "2:51: tile \"t\": match.event_type: expected 1 to 1000 entries, but found 0"},
        {SOURCE TILE "type: count, match: {event_type: [a, {b: c}]}}]",
         "2:55: tile \"t\": match.event_type: expected a text (`*` stands for anything), a number, "
         "true or false, but found a map"},
        {SOURCE TILE "type: backlog, item: [a]}]",
         "2:39: tile \"t\": item: expected a field such as target_id or payload.team, but found a "
         "list"},
        {"source: {uri: sqlite:e, columns: {payload: null}}\n" TILE "type: gauge, metric: m}]",
         "2:39: tile \"t\": metric: metrics stand in the payload, and source.columns says that "
         "there is none"},
        {"source: {uri: sqlite:e, columns: {payload: null}}\n" TILE
         "type: count, group_by: payload.a}]",
         "2:41: tile \"t\": group_by: source.columns says that there is no payload"},
    };
    REFUSED(refusals);
}

/* source: {uri: …} and one tile with `partition: true`. */
#define PARTITIONED(source, tile)                                                                  \
    "source: {" source "}\ntiles: [{key: t, type: count, partition: true" tile "}]"

static void test_partition_is_for_what_is_grouped_by_the_key_of_messages(void **state)
{
    (void)state;
    static const struct refusal refusals[] = {
        {PARTITIONED("uri: 'kafka://b/t', fields: {customer: key}", ""),
         "2:31: tile \"t\": partition: means something only together with group_by"},
        {PARTITIONED("uri: 'sqlite:e.db'", ", group_by: target_id"),
         "2:42: tile \"t\": partition: only a source of Kafka has partitions; leave it out, and "
         "divide the tiles by ingestor.lanes"},
        {PARTITIONED("uri: 'kafka://b/t', fields: {customer: key}", ", group_by: target_id"),
         "2:42: tile \"t\": partition: group_by has to be the message's key: write `target_id: "
         "key` under source.fields and group by that, or leave partition out"},
        {PARTITIONED("uri: 'kafka://b/t', fields: {customer: key}", ", group_by: payload.customer"),
         "2:42: tile \"t\": partition: group_by has to be the message's key: write `key: key` "
         "under source.fields and group by that, or leave partition out"},
    };
    REFUSED(refusals);
    struct config *config = parse_ok(
        PARTITIONED("uri: 'kafka://b/t', fields: {customer: key}", ", group_by: customer"));
    assert_true(config->tiles[0].partition);
    config_destroy(&config);
    config = parse_ok(
        PARTITIONED("uri: 'kafka://b/t', fields: {target_id: key}", ", group_by: target_id"));
    assert_true(config->tiles[0].partition);
    config_destroy(&config);
}

static void test_combinations_refused(void **state)
{
    (void)state;
    static const struct refusal refusals[] = {
        {TILE "type: count, idle: 1h}]",
         "1:31: tile \"t\": idle: means something only together with group_by"},
        {TILE "type: count, max_groups: 5}]",
         "1:31: tile \"t\": max_groups: means something only together with group_by"},
        {TILE "type: count, labels: {a: b}}]",
         "1:31: tile \"t\": labels: means something only together with metric"},
        {TILE "type: count, metric: m, match: {event_type: a}}]",
         "1:42: tile \"t\": match: does not go with metric: a metric is a selection of events "
         "already (labels narrow it)"},
        {TILE "type: count, metric: m, window: 5m}]",
         "1:42: tile \"t\": window: does not go with metric: the tile shows the metric's latest "
         "value"},
        {TILE "type: trend}]",
         "1:9: tile \"t\": a tile of type trend needs step, such as step: 10s"},
        {TILE "type: trend, step: 1s, value: payload.a}]",
         "1:9: tile \"t\": a trend of values needs aggregate: sum, avg, min, max, last, p50, p90, "
         "p95 or p99"},
        {TILE "type: trend, step: 1s, metric: m}]",
         "1:9: tile \"t\": a trend of values needs aggregate: sum, avg, min, max, last, p50, p90, "
         "p95 or p99"},
        {TILE "type: trend, step: 1s, metric: m, value: payload.a}]",
         "1:52: tile \"t\": value: does not go with metric: the metric's value is what counts"},
        {TILE "type: trend, step: 1s, aggregate: sum}]",
         "1:52: tile \"t\": aggregate: sum needs numbers: name their field (value: payload.amount) "
         "or a metric"},
        {TILE "type: trend, step: 1s, aggregate: count, value: payload.a}]",
         "1:59: tile \"t\": value: counting needs no value: leave it out, or choose another "
         "aggregate"},
        {TILE "type: gauge}]",
         "1:9: tile \"t\": a tile of type gauge needs metric, such as metric: queue.depth"},
        {TILE "type: sla_risk}]", "1:9: tile \"t\": a tile of type sla_risk needs opens, such as "
                                  "opens: {event_type: ticket.opened}"},
        {TILE "type: sla_risk, opens: {event_type: a}}]",
         "1:9: tile \"t\": a tile of type sla_risk needs closes, such as closes: {event_type: "
         "ticket.resolved}"},
        {TILE SLA "}]", "1:9: tile \"t\": a tile of type sla_risk needs due, such as due: "
                        "payload.due_at (or within: 4h)"},
        {TILE SLA ", due: payload.d, within: 4h}]",
         "1:116: tile \"t\": within: does not go with due: the deadline is either in the event or "
         "counted from it"},
        {TILE SLA ", within: 4h, at_risk: 4h}]",
         "1:121: tile \"t\": at_risk: expected less than within, else every item is at risk from "
         "the start"},
        {TILE "type: backlog, states: {a: b}}]",
         "1:9: tile \"t\": a tile of type backlog needs item, such as item: target_id"},
        {TILE "type: backlog, item: target_id}]",
         "1:9: tile \"t\": a tile of type backlog needs states, such as states: {item_created: "
         "open, item_done: null}"},
    };
    REFUSED(refusals);
}

static void test_latest_refused(void **state)
{
    (void)state;
    static const struct refusal refusals[] = {
        {TILE "type: latest}]", "1:9: tile \"t\": a tile of type latest needs show, such as show: "
                                "[target_id, payload.amount]"},
        {TILE "type: latest, show: []}]",
         "1:38: tile \"t\": show: expected a list of 1 to 16 fields, such as [target_id, "
         "payload.amount], but found a list"},
        {TILE "type: latest, show: [summary, payload.a, summary]}]",
         "1:59: tile \"t\": show: summary is there twice: leave one out"},
        {TILE "type: latest, show: [summary], rows: 101}]",
         "1:55: tile \"t\": rows: expected 1 to 100, but found \"101\""},
        {TILE "type: latest, show: [summary], warn: \"> 3\"}]",
         "1:55: tile \"t\": warn: a tile of type latest has no number to compare: use nothing for "
         "10m"},
    };
    REFUSED(refusals);
}

static void test_numbers_refused(void **state)
{
    (void)state;
    static const struct refusal refusals[] = {
        {TILE "type: number, value: payload.a}]",
         "1:9: tile \"t\": a tile of type number needs aggregate, such as aggregate: sum"},
        {TILE "type: number, aggregate: sum}]",
         "1:9: tile \"t\": a tile of type number needs value, such as value: payload.amount (or "
         "metric: queue.depth)"},
        {TILE "type: number, aggregate: sum, metric: m, value: payload.a}]",
         "1:59: tile \"t\": value: does not go with metric: the metric's value is what counts"},
        {TILE "type: number, aggregate: count, value: payload.a}]",
         "1:43: tile \"t\": aggregate: \"count\" is not known: expected sum, avg, min, max or "
         "last"},
    };
    REFUSED(refusals);
}

static void test_durations_refused(void **state)
{
    (void)state;
    static const struct refusal refusals[] = {
        {TILE "type: duration, opens: {event_type: a}, closes: {event_type: b}, item: target_id}]",
         "1:9: tile \"t\": a tile of type duration needs window, such as window: 7d"},
        {TILE "type: duration, opens: {event_type: a}, closes: {event_type: b}, item: target_id, "
              "window: 1d, unit: s}]",
         "1:112: tile \"t\": unit: a duration is in seconds, and shown as such: leave it out"},
    };
    REFUSED(refusals);
}

static void test_presences_refused(void **state)
{
    (void)state;
    static const struct refusal refusals[] = {
        {TILE "type: presence, item: target_id}]",
         "1:9: tile \"t\": a tile of type presence needs late, such as late: 2m"},
        {TILE "type: presence, item: target_id, late: 2m, missing: 2m}]",
         "1:70: tile \"t\": missing: expected more than late, which comes before it"},
        {TILE "type: presence, item: target_id, late: 1d, missing: 2d, forget: 47h}]",
         "1:82: tile \"t\": forget: expected more than missing, which comes before it"},
        {TILE "type: presence, item: target_id, late: 2d}]",
         "1:9: tile \"t\": forget: needed here, since items are missing only after 7d or more, "
         "after which they are forgotten by default"},
        {TILE "type: presence, item: target_id, late: 2m, steady: 17m}]",
         "1:69: tile \"t\": steady: expected 8 times late at most"},
    };
    REFUSED(refusals);
}

static void test_ratios_refused(void **state)
{
    (void)state;
    static const struct refusal refusals[] = {
        {TILE "type: ratio, of: {event_type: a}}]",
         "1:9: tile \"t\": a tile of type ratio needs match, such as match: {event_type: "
         "request.failed}"},
        {TILE "type: ratio, match: {event_type: a}, format: percent}]",
         "1:55: tile \"t\": format: a ratio is in percent, and written so: leave it out"},
        {TILE "type: ratio, match: {event_type: a}, unit: x}]",
         "1:55: tile \"t\": unit: a ratio is in percent, and written so: leave it out"},
        {TILE "type: ratio, match: {event_type: a}, warn: \"> 5\", margin: 6}]",
         "1:76: tile \"t\": margin: it reaches below 0, where the number never is, so warn would "
         "never end: make it less than the threshold"},
    };
    REFUSED(refusals);
}

#define STATES TILE "type: backlog, item: target_id, states: "

static void test_states_refused(void **state)
{
    (void)state;
    static const struct refusal refusals[] = {
        {STATES "[a]}]", "1:58: tile \"t\": states: expected a map from event types to states, "
                         "such as {item_created: open, item_done: null}, but found a list"},
        {STATES "{}}]", "1:58: tile \"t\": states: expected a map from event types to states, such "
                        "as {item_created: open, item_done: null}, but found a map"},
        {STATES "{a: null}}]", "1:58: tile \"t\": states: every event type closes the item here: "
                               "expected at least one state"},
        {STATES "{a: }}]", "1:59: tile \"t\": states.a: expected the name of a state, or null for "
                           "closed, but found nothing"},
        {STATES "{a: [b]}}]", "1:62: tile \"t\": states.a: expected the name of a state, or null "
                              "for closed, but found a list"},
        {STATES "{a: ''}}]",
         "1:62: tile \"t\": states.a: expected a state's name of 1 to 64 bytes"},
        {STATES "{'': b}}]", "1:59: tile \"t\": states: expected an event type, but found nothing"},
        {STATES "{\"w_*\": open, w_done: null}}]",
         "1:72: tile \"t\": states: \"w_done\" never applies, because \"w_*\" above it applies "
         "first: put it above that line"},
        {STATES "{\"w*\": open, \"w*x\": null}}]",
         "1:71: tile \"t\": states: \"w*x\" never applies, because \"w*\" above it applies first: "
         "put it above that line"},
    };
    REFUSED(refusals);
    struct config *config = parse_ok(STATES "{w_done: null, \"w_*\": open, \"*_x\": b}}]");
    config_destroy(&config);
}

static void test_too_many_states(void **state)
{
    (void)state;
    struct buf text = {0};
    buf_append_text(&text, STATES "{");
    for (int i = 0; i < TILE_STATES_MAX; i++) {
        buf_printf(&text, "e%d: s%d, ", i, i);
    }
    struct buf more = {0};
    buf_append_str(&more, buf_str(&text));
    buf_append_text(&text, "f: s3}}]");
    struct config *config = parse_ok(buf_cstr(&text));
    config_destroy(&config);
    buf_append_text(&more, "\n  f: x}}]");
    const struct refusal refusal[] = {
        {buf_cstr(&more), "2:6: tile \"t\": states.f: at most 64 different states are possible"}};
    REFUSED(refusal);
    buf_free(&text);
    buf_free(&more);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_identity_refused),
        cmocka_unit_test(test_key_length),
        cmocka_unit_test(test_bounds_refused),
        cmocka_unit_test(test_fields_refused),
        cmocka_unit_test(test_partition_is_for_what_is_grouped_by_the_key_of_messages),
        cmocka_unit_test(test_combinations_refused),
        cmocka_unit_test(test_latest_refused),
        cmocka_unit_test(test_numbers_refused),
        cmocka_unit_test(test_ratios_refused),
        cmocka_unit_test(test_durations_refused),
        cmocka_unit_test(test_presences_refused),
        cmocka_unit_test(test_states_refused),
        cmocka_unit_test(test_too_many_states),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
