/* SPDX-License-Identifier: Apache-2.0 */
/* The section `calendars`, and tiles that name one. */
#include "common/base/time/civil.h"
#include "tests/common/config/tile_unit.h"

#define DESK "calendars: [{name: desk, mon: 08:00-18:00}]\n"

static void test_hours_and_dates_are_read(void **state)
{
    (void)state;
    struct config *config = parse_ok(
        "calendars:\n"
        "  - {name: desk, time_zone: Europe/Berlin, mon: 08:00-18:00,\n"
        "     fri: [08:00-12:00, 12:30-24:00], holidays: [2026-12-26, 2026-12-25]}\n"
        "  - {name: night, sun: 00:00-06:15}\n" TILE SLA
        ", within: 8h, calendar: night}, {key: u, " SLA ", within: 8h, calendar: desk}]\n");
    assert_int_equal(config->calendar_count, 2);
    const struct business_calendar *desk = &config->calendars[0];
    assert_string_equal(desk->time_zone, "Europe/Berlin");
    assert_non_null(desk->zone);
    assert_int_equal(desk->week[0].count, 1);
    assert_int_equal(desk->week[0].ranges[0].from, 480);
    assert_int_equal(desk->week[0].ranges[0].to, 1080);
    assert_int_equal(desk->week[4].count, 2);
    assert_int_equal(desk->week[4].ranges[1].from, 750);
    assert_int_equal(desk->week[4].ranges[1].to, 1440);
    assert_int_equal(desk->holiday_count, 2);
    assert_int_equal(desk->holidays[0], civil_days(2026, 12, 25));
    assert_null(config->calendars[1].zone);
    assert_ptr_equal(config->tiles[0].calendar, &config->calendars[1]);
    assert_ptr_equal(config->tiles[1].calendar, desk);
    assert_int_equal(config->tiles[1].at_risk_ms, 2 * INT64_C(3600000));
    config_destroy(&config);
}

/* SIGHUP takes other calendars, as it takes other tiles. */
static void test_calendars_are_no_part_of_what_needs_a_new_start(void **state)
{
    (void)state;
    struct config *with = parse_ok(DESK);
    struct config *without = parse_ok("tiles: []\n");
    assert_true(with->base == without->base);
    config_destroy(&with);
    config_destroy(&without);
}

static void test_refused(void **state)
{
    (void)state;
    static const struct refusal refusals[] = {
        {"calendars: {}", "1:12: calendars: expected a list, but found a map"},
        {"calendars: [{mon: 08:00-18:00}]", "1:13: calendars: each needs a name: write name: desk"},
        {"calendars: [{name: a b}]", "1:20: calendar \"a b\": name: expected a name of at most 64 "
                                     "letters, digits, - and _, but found \"a b\""},
        {"calendars: [{name: a, mon: 08:00-18:00}, {name: a, mon: 08:00-18:00}]",
         "1:49: calendar \"a\": the name \"a\" is taken already"},
        {"calendars: [{name: a}]", "1:13: calendar \"a\": it is never open; write the hours of a "
                                   "day, such as mon: 08:00-18:00"},
        {"calendars: [{name: a, mo: 08:00-18:00}]",
         "1:23: calendar \"a\": unknown key \"mo\"; did you mean \"mon\"?"},
        {"calendars: [{name: a, mon: 8-18}]",
         "1:28: calendar \"a\": mon: expected hours such as 08:00-18:00, or [08:00-12:00, "
         "13:00-17:00], but found \"8-18\""},
        {"calendars: [{name: a, mon: 08:00-24:01}]",
         "1:28: calendar \"a\": mon: expected hours such as 08:00-18:00, or [08:00-12:00, "
         "13:00-17:00], but found \"08:00-24:01\""},
        {"calendars: [{name: a, mon: 08:60-18:00}]",
         "1:28: calendar \"a\": mon: expected hours such as 08:00-18:00, or [08:00-12:00, "
         "13:00-17:00], but found \"08:60-18:00\""},
        {"calendars: [{name: a, mon: 22:00-06:00}]",
         "1:28: calendar \"a\": mon: the hours end before they begin; divide what goes over "
         "midnight between two days, and end a day with 24:00"},
        {"calendars: [{name: a, mon: [08:00-12:00, 12:00-13:00]}]",
         "1:42: calendar \"a\": mon: the hours have to stand in their order, with time between "
         "them"},
        {"calendars: [{name: a, mon: 08:00-18:00, holidays: [2026-02-29]}]",
         "1:52: calendar \"a\": holidays: expected a date such as 2026-12-25, but found "
         "\"2026-02-29\""},
        {"calendars: [{name: a, time_zone: Europe/Berln}]",
         "1:34: calendar \"a\": time_zone: there is no time zone \"Europe/Berln\"; write "
         "the name of one in /usr/share/zoneinfo, such as Europe/Berlin"},
        {TILE SLA ", within: 8h, calendar: desk}]",
         "1:122: tile \"t\": calendar: the file has no `calendars`: write calendars: [{name: desk, "
         "mon: 08:00-18:00}]"},
        {DESK TILE SLA ", within: 8h, calendar: desc}]",
         "2:122: tile \"t\": calendar: \"desc\" is not known; did you mean \"desk\"?"},
        {DESK TILE SLA ", within: 300d, calendar: desk}]",
         "2:108: tile \"t\": within: this takes more than ten years of the hours of calendar "
         "\"desk\""},
        {DESK TILE "type: count, calendar: desk}]",
         "2:31: tile \"t\": calendar: a tile of type count has no such key (it belongs to "
         "sla_risk, duration)"},
    };
    REFUSED(refusals);
}

static void test_targets(void **state)
{
    (void)state;
    struct config *config =
        parse_ok(DESK TILE SLA ", priority: payload.p, targets: {p1: 2h, 'p*': 1h, '*': 8h}}]");
    const struct tile_config *tile = &config->tiles[0];
    assert_int_equal(tile->target_count, 3);
    assert_string_equal(tile->targets[1].priority.p, "p*");
    assert_int_equal(tile->targets[1].within_ms, INT64_C(3600000));
    assert_int_equal(tile->at_risk_ms, INT64_C(900000));
    assert_int_equal(tile->priority.kind, TILE_FIELD_PAYLOAD);
    config_destroy(&config);
    static const struct refusal refusals[] = {
        {TILE SLA ", targets: {a: 1h}}]",
         "1:100: tile \"t\": targets: means something only together with priority"},
        {TILE SLA ", priority: payload.p, within: 1h}]",
         "1:100: tile \"t\": priority: means something only together with targets"},
        {TILE SLA ", priority: payload.p, targets: {a: 1h}, within: 1h}]",
         "1:121: tile \"t\": targets: does not go with within: `\"*\": 4h` in targets is for all "
         "other priorities"},
        {TILE SLA ", priority: payload.p, targets: {'*': 1h, a: 1h}}]",
         "1:140: tile \"t\": targets: \"a\" never applies, because \"*\" above it applies first: "
         "put "
         "it above that line"},
        {TILE SLA ", priority: payload.p, targets: {a: x}}]",
         "1:134: tile \"t\": targets.a: expected a duration such as 250ms, 2s, 5m, 1h or 7d, but "
         "found \"x\""},
        {TILE SLA ", priority: payload.p, targets: [a]}]",
         "1:130: tile \"t\": targets: expected a map from priorities to durations, such as {p1: "
         "1h, "
         "\"*\": 8h}, but found a list"},
        {TILE SLA ", priority: payload.p, targets: {a: 1h, b: 2h}, at_risk: 1h}]",
         "1:155: tile \"t\": at_risk: expected less than the shortest of targets, else every item "
         "is "
         "at risk from the start"},
    };
    REFUSED(refusals);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hours_and_dates_are_read),
        cmocka_unit_test(test_calendars_are_no_part_of_what_needs_a_new_start),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_targets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
