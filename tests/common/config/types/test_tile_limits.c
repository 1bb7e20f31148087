/* SPDX-License-Identifier: Apache-2.0 */
/* The conditions of a status, and what is said of those that are none. */
#include "common/config/types/tile_limits.h"

#include <stdio.h>

#include "tests/common/config/tile_unit.h"

#define BACKLOG "type: backlog, item: target_id, states: {a: open, b: blocked, c: null}"

static const struct tile_thresholds *thresholds(const struct config *config)
{
    return &config->tiles[0].thresholds;
}

static void test_a_comparison_is_about_the_first_figure(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum tile_limit_kind kind;
        double number;
    } cases[] = {
        {"\"> 100\"", TILE_LIMIT_ABOVE, 100},   {"\">=5\"", TILE_LIMIT_ABOVE_OR_EQUAL, 5},
        {"\" < 0.9 \"", TILE_LIMIT_BELOW, 0.9}, {"\"<= -3e2\"", TILE_LIMIT_BELOW_OR_EQUAL, -300},
        {"\"value > 7\"", TILE_LIMIT_ABOVE, 7}, {"value", TILE_LIMIT_ABOVE, 0},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char text[256];
        snprintf(text, sizeof text, SOURCE TILE "type: count, critical: %s}]", cases[i].text);
        struct config *config = parse_ok(text);
        const struct tile_limits *limits = &thresholds(config)->levels[TILE_CRITICAL];
        assert_true(thresholds(config)->any);
        assert_int_equal(limits->count, 1);
        assert_int_equal(limits->list[0].kind, cases[i].kind);
        assert_true(limits->list[0].number == cases[i].number);
        assert_string_equal(limits->list[0].figure, "value");
        assert_null(limits->list[0].map);
        config_destroy(&config);
    }
}

static void test_figures_of_a_type_and_states_have_names(void **state)
{
    (void)state;
    struct config *config =
        parse_ok(SOURCE TILE BACKLOG ", warn: [\"> 3\", blocked, \"open >= 9\"]}]");
    const struct tile_limits *limits = &thresholds(config)->levels[TILE_WARN];
    assert_int_equal(limits->count, 3);
    assert_string_equal(limits->list[0].figure, "total");
    assert_null(limits->list[0].map);
    assert_string_equal(limits->list[1].figure, "blocked");
    assert_string_equal(limits->list[1].map, "buckets");
    assert_string_equal(limits->list[2].figure, "open");
    assert_int_equal(thresholds(config)->levels[TILE_CRITICAL].count, 0);
    config_destroy(&config);
    config = parse_ok(SOURCE TILE SLA ", within: 1h, critical: \"> 1\", warn: at_risk}]");
    assert_string_equal(thresholds(config)->levels[TILE_CRITICAL].list[0].figure, "breached");
    assert_string_equal(thresholds(config)->levels[TILE_WARN].list[0].figure, "at_risk");
    config_destroy(&config);
}

static void test_times_and_defaults(void **state)
{
    (void)state;
    struct config *config =
        parse_ok(SOURCE TILE "type: count, critical: nothing for 10m, for: 2m, margin: 0.5}]");
    const struct tile_limits *limits = &thresholds(config)->levels[TILE_CRITICAL];
    assert_int_equal(limits->list[0].kind, TILE_LIMIT_NOTHING);
    assert_int_equal(limits->list[0].nothing_ms, 600000);
    assert_int_equal(thresholds(config)->for_ms, 120000);
    assert_int_equal(thresholds(config)->clear_ms, 30000);
    assert_true(thresholds(config)->margin == 0.5);
    config_destroy(&config);
    config = parse_ok(SOURCE TILE "type: count}]");
    assert_false(thresholds(config)->any);
    config_destroy(&config);
}

#define FORM                                                                                       \
    "expected a condition: \"> 100\", \">= 5\", \"< 0.9\" or \"<= 3\", such a one behind a name "  \
    "(\"breached > 10\"), a name alone, which stands for above 0, or nothing for 10m, but found "

static void test_what_is_no_condition_is_refused(void **state)
{
    (void)state;
    static const struct refusal refusals[] = {
        {TILE "type: count, warn: \"> x\"}]", "1:37: tile \"t\": warn: " FORM "\"> x\""},
        {TILE "type: count, warn: \"> 5 %\"}]", "1:37: tile \"t\": warn: " FORM "\"> 5 %\""},
        {TILE "type: count, warn: \"\"}]", "1:37: tile \"t\": warn: " FORM "\"\""},
        {TILE "type: count, warn: \"> 1e999\"}]", "1:37: tile \"t\": warn: " FORM "\"> 1e999\""},
        {TILE "type: count, warn: null}]",
         "1:37: tile \"t\": warn: expected a condition, such as \"> 100\", but found null"},
        {TILE "type: count, warn: breached}]",
         "1:37: tile \"t\": warn: a tile of type count has no \"breached\" to compare; it has "
         "value"},
        {TILE BACKLOG ", warn: [\"blokced > 1\"]}]",
         "1:97: tile \"t\": warn: a tile of type backlog has no \"blokced\" to compare; did you "
         "mean \"blocked\"?"},
        {TILE "type: count, critical: nothing for ever}]",
         "1:41: tile \"t\": critical: expected nothing for a duration of 1ms to 366d, such as "
         "nothing for 10m, but found \"nothing for ever\""},
        {TILE "type: count, group_by: target_id, critical: nothing for 1h}]",
         "1:62: tile \"t\": critical: a member is dropped before that: make idle longer than the "
         "time without a row"},
        {TILE "type: count, for: 1m}]",
         "1:31: tile \"t\": for: means something only together with warn or critical"},
        {TILE BACKLOG ", warn: blocked, margin: 1}]",
         "1:113: tile \"t\": margin: it reaches below 0, where the number never is, so warn would "
         "never end: make it less than the threshold"},
        {TILE "type: count, critical: \">= 5\", margin: 5}]",
         "1:57: tile \"t\": margin: it reaches below 0, where the number never is, so critical "
         "would never end: make it less than the threshold"},
        {TILE "type: trend, step: 1m, length: 1, warn: \"> 1\"}]",
         "1:9: tile \"t\": length: a trend with a status needs 2 buckets or more: its last "
         "complete one is what counts"},
    };
    REFUSED(refusals);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_comparison_is_about_the_first_figure),
        cmocka_unit_test(test_figures_of_a_type_and_states_have_names),
        cmocka_unit_test(test_times_and_defaults),
        cmocka_unit_test(test_what_is_no_condition_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
