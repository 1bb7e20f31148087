/* SPDX-License-Identifier: Apache-2.0 */
/* Which statuses the oracle takes for right. */
#include "ctl/oracle/status.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/codec/json.h"
#include "common/config/config.h"
#include "tests/unit.h"

#define AT_US (INT64_C(1795411920000000) + 900) /* 2026-11-23T05:32:00Z, and some µs */

/* What is wrong with the tile, as JSON, that a definition makes; "": nothing. */
static char *fault(const char *definition, const char *tile, int64_t latest_us)
{
    static char said[256];
    struct config *config = NULL;
    struct json_value *json = NULL;
    struct buf text = {0};
    struct buf value = {0};
    struct mp_doc doc;
    struct error err = {{0}};
    buf_printf(&text, "source: {uri: \"sqlite:x.db\"}\ntiles: [{key: t, %s}]", definition);
    if (config_parse(text.data, text.len, "t.yaml", &config, &err) != STATUS_OK) {
        fail_msg("%s", err.text);
    }
    assert_int_equal(json_parse(str_of(tile), strlen(tile), &json), STATUS_OK);
    json_to_mp(&value, json);
    mp_doc_init(&doc);
    assert_int_equal(mp_parse(&doc, value.data, value.len), STATUS_OK);
    const struct oracle_status_rows rows = {true, {latest_us}};
    char *is = oracle_status_fault(&config->tiles[0], &doc.root, (wall_time){AT_US}, &rows);
    snprintf(said, sizeof said, "%s", is != NULL ? is : "");
    free(is);
    mp_doc_free(&doc);
    json_free(json);
    buf_free(&text);
    buf_free(&value);
    config_destroy(&config);
    return said;
}

#define COUNT "type: count, warn: \"> 10\", critical: \"> 100\", for: 1m, clear_after: 10s"
#define TILE(value, status, more)                                                                  \
    "{\"data\":{\"value\":" value "},\"status\":\"" status                                         \
    "\",\"status_since\":\"2026-11-23T05:00:00.000Z\"" more "}"
#define PENDING(what) ",\"status_pending\":{" what "}"

static void test_a_status_that_its_data_have_is_right(void **state)
{
    (void)state;
    assert_string_equal(fault(COUNT, TILE("10", "ok", ""), 0), "");
    assert_string_equal(fault(COUNT, TILE("11", "warn", ""), 0), "");
    assert_string_equal(fault(COUNT, TILE("101", "critical", ""), 0), "");
    assert_string_equal(fault("type: count", "{\"data\":{\"value\":1}}", 0), "");
}

static void test_another_status_is_wrong_unless_it_waits(void **state)
{
    (void)state;
    assert_string_equal(fault(COUNT, TILE("11", "ok", ""), 0),
                        "its status is below warn, but a condition for that holds");
    assert_string_equal(
        fault(COUNT, TILE("11", "ok", PENDING("\"warn\":\"2026-11-23T05:31:00.001Z\"")), 0), "");
    assert_string_equal(
        fault(COUNT, TILE("11", "ok", PENDING("\"warn\":\"2026-11-23T05:31:00.000Z\"")), 0),
        "its status should have changed for warn: that waits for longer than `for`");
    assert_string_equal(fault(COUNT, TILE("0", "warn", ""), 0),
                        "its status is at warn, but a condition for that no longer holds");
    assert_string_equal(
        fault(COUNT, TILE("0", "warn", PENDING("\"warn\":\"2026-11-23T05:31:50.001Z\"")), 0), "");
    assert_string_equal(
        fault(COUNT, TILE("0", "warn", PENDING("\"warn\":\"2026-11-23T05:31:49.000Z\"")), 0),
        "its status should have changed for warn: that waits for longer than `clear_after`");
    assert_string_equal(
        fault(COUNT, TILE("11", "warn", PENDING("\"warn\":\"2026-11-23T05:31:59.000Z\"")), 0),
        "its status waits to change for warn, but the conditions say the same");
    assert_string_equal(fault(COUNT, "{\"data\":{\"value\":1}}", 0),
                        "it has no status, or no time since when, and its definition has "
                        "conditions for one");
    assert_string_equal(fault("type: count", TILE("1", "ok", ""), 0),
                        "it has a status, and its definition has no conditions for one");
}

static void test_a_margin_counts_while_the_status_is_there(void **state)
{
    (void)state;
    static const char margin[] = "type: count, critical: \"> 100\", margin: 5";
    assert_string_equal(fault(margin, TILE("96", "critical", ""), 0), "");
    assert_string_equal(fault(margin, TILE("96", "ok", ""), 0), "");
    assert_string_not_equal(fault(margin, TILE("95", "critical", ""), 0), "");
}

static void test_the_last_complete_bucket_of_a_trend_counts(void **state)
{
    (void)state;
    static const char trend[] = "type: trend, step: 1m, critical: \"> 1\"";
    assert_string_equal(fault(trend,
                              "{\"data\":{\"points\":{\"1795411860000\":5,\"1795411920000\":0}},"
                              "\"status\":\"critical\",\"status_since\":"
                              "\"2026-11-23T05:32:00.000Z\"}",
                              0),
                        "");
    assert_string_equal(fault(trend,
                              "{\"data\":{\"points\":{\"1795411920000\":5}},\"status\":\"ok\","
                              "\"status_since\":\"2026-11-23T05:32:00.000Z\"}",
                              0),
                        "");
}

static void test_nothing_for_a_while_is_by_the_latest_row(void **state)
{
    (void)state;
    static const char silent[] = "type: count, critical: nothing for 10m";
    const int64_t limit_us = AT_US - 600 * US_PER_S;
    assert_string_equal(fault(silent, TILE("1", "critical", ""), limit_us), "");
    assert_string_equal(fault(silent, TILE("1", "ok", ""), limit_us + 1), "");
    assert_string_not_equal(fault(silent, TILE("1", "ok", ""), limit_us), "");
    assert_string_equal(fault(silent, TILE("0", "critical", ""), INT64_MIN), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_status_that_its_data_have_is_right),
        cmocka_unit_test(test_another_status_is_wrong_unless_it_waits),
        cmocka_unit_test(test_a_margin_counts_while_the_status_is_there),
        cmocka_unit_test(test_the_last_complete_bucket_of_a_trend_counts),
        cmocka_unit_test(test_nothing_for_a_while_is_by_the_latest_row),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
