/* SPDX-License-Identifier: Apache-2.0 */
/* The oracle by example, as docs/tiles.md says. */
#include "ctl/oracle/oracle.h"

#include "common/codec/json.h"
#include "tests/unit.h"

#define START_US INT64_C(1795411920000000) /* 2026-11-23T05:32:00Z */

static const char text[] =
    "source: {uri: \"sqlite:x.db\"}\n"
    "tiles:\n"
    "  - {key: ever, type: count}\n"
    "  - {key: window, type: count, window: 30s}\n"
    "  - {key: trend, type: trend, step: 1h, length: 2, aggregate: count}\n"
    "  - {key: gauge, type: gauge, metric: m}\n"
    "  - {key: sla, type: sla_risk, opens: {event_type: metrics.updated}, closes: {event_type: "
    "x}, item: target_id, within: 1h}\n"
    "  - {key: backlog, type: backlog, item: target_id, states: {metrics.updated: open, x: null}}\n"
    "  - {key: newest, type: latest, match: {event_type: metrics.updated}, show: [target_id, "
    "payload.value, summary]}\n"
    "  - {key: by, type: count, group_by: target_id}\n";

/* What the tile's first member shows at that moment; "" when it is not shown. The caller frees
 * it. */
static char *shown(const struct oracle_rows *rows, const struct config *config, size_t tile,
                   int64_t at_us)
{
    struct oracle_members members;
    struct buf value = {0};
    struct buf json = {0};
    oracle_select(rows, &config->tiles[tile], &members);
    const uint64_t ordinal = 1;
    const struct oracle_cut cut = {.ordinals = &ordinal, .last = 1, .at = {at_us}};
    if (oracle_tile(&members, &members.list[0], &cut, &value)) {
        struct mp_doc doc;
        mp_doc_init(&doc);
        assert_int_equal(mp_parse(&doc, value.data, value.len), STATUS_OK);
        json_write_value(&json, mp_get(&doc.root, "data"));
        mp_doc_free(&doc);
    }
    (void)buf_cstr(&json);
    buf_free(&value);
    oracle_members_free(&members);
    return buf_take(&json);
}

static const char one_open[] =
    "{\"ok\":1,\"at_risk\":0,\"breached\":0,\"next_breach_at\":\"2026-11-23T06:32:00.000Z\","
    "\"worst\":[{\"id\":\"i\",\"due_at\":\"2026-11-23T06:32:00.000Z\"}]}";

static void test_a_row_counts_from_its_own_moment_on(void **state)
{
    (void)state;
    static const char *const before[] = {
        "{\"value\":0}",
        "{\"value\":0,\"window_ms\":30000}",
        "{\"step_ms\":3600000,\"aggregate\":\"count\",\"points\":{}}",
        "{}",
        "{\"ok\":0,\"at_risk\":0,\"breached\":0,\"worst\":[]}",
        "{\"total\":0,\"buckets\":{\"open\":0}}",
        "{\"show\":[\"target_id\",\"payload.value\",\"summary\"],\"rows\":{}}",
        "",
    };
    static const char newest_row[] =
        "{\"show\":[\"target_id\",\"payload.value\",\"summary\"],\"rows\":{\"1\":{\"at\":"
        "\"2026-11-23T05:32:00.000Z\",\"fields\":{\"target_id\":\"i\",\"payload.value\":\"7\"}}}}";
    static const char *const from[] = {
        "{\"value\":1}",
        "{\"value\":1,\"window_ms\":30000}",
        "{\"step_ms\":3600000,\"aggregate\":\"count\",\"points\":{\"1795410000000\":1}}",
        "{\"value\":7,\"min\":7,\"max\":7}",
        one_open,
        "{\"total\":1,\"buckets\":{\"open\":1},\"oldest_at\":\"2026-11-23T05:32:00.000Z\"}",
        newest_row,
        "{\"value\":1}",
    };
    struct config *config;
    struct error err = {{0}};
    assert_int_equal(config_parse(text, sizeof text - 1, "x", &config, &err), STATUS_OK);
    struct oracle_rows *rows = oracle_rows_create(config);
    const struct event event = {.id = {.number = 1},
                                .timestamp = {START_US},
                                .event_type = STR("metrics.updated"),
                                .target_id = STR("i"),
                                .payload = STR("{\"metric\":\"m\",\"value\":7}")};
    oracle_rows_add(rows, &event);
    for (size_t i = 0; i < config->tile_count; i++) {
        char *early = shown(rows, config, i, START_US - 1);
        char *due = shown(rows, config, i, START_US);
        assert_string_equal(early, before[i]);
        assert_string_equal(due, from[i]);
        free(early);
        free(due);
    }
    oracle_rows_destroy(&rows);
    config_destroy(&config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_row_counts_from_its_own_moment_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
