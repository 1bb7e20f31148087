/* SPDX-License-Identifier: Apache-2.0 */
/* What stops the clock of an item, and what a deadline is after it is opened again. */
#include "tests/common/config/tile_unit.h"

#define PAUSES "pauses: {event_type: w}, resumes: {event_type: [a, b]}"

static void test_a_clock_that_stands_still(void **state)
{
    (void)state;
    struct config *config =
        parse_ok(SOURCE TILE SLA ", within: 1h, " PAUSES ", reopen: keep, warn: paused > 5}]");
    const struct tile_config *tile = &config->tiles[0];
    assert_true(tile->pausable);
    assert_int_equal(tile->pauses.count, 1);
    assert_int_equal(tile->resumes.all[0].any_count, 2);
    assert_int_equal(tile->reopen, TILE_REOPEN_KEEP);
    assert_string_equal(tile->thresholds.levels[TILE_WARN].list[0].figure, "paused");
    config_destroy(&config);
}

static void test_without_it_time_passes_and_deadlines_are_renewed(void **state)
{
    (void)state;
    struct config *config = parse_ok(SOURCE TILE SLA ", within: 1h}]");
    assert_false(config->tiles[0].pausable);
    assert_int_equal(config->tiles[0].reopen, TILE_REOPEN_RENEW);
    config_destroy(&config);
}

static void test_what_does_not_fit_is_refused(void **state)
{
    (void)state;
    static const struct refusal refusals[] = {
        {TILE SLA ", within: 1h, pauses: {event_type: w}}]",
         "1:112: tile \"t\": pauses: means something only together with resumes"},
        {TILE SLA ", within: 1h, resumes: {event_type: w}}]",
         "1:112: tile \"t\": resumes: means something only together with pauses"},
        {TILE SLA ", due: payload.d, " PAUSES "}]",
         "1:116: tile \"t\": pauses: does not go with due: a deadline that is in the event does "
         "not move"},
        {TILE SLA ", within: 1h, pauses: 5, resumes: {event_type: w}}]",
         "1:120: tile \"t\": pauses: expected a map such as {event_type: order.created}, but found "
         "\"5\""},
        {TILE SLA ", within: 1h, reopen: never}]",
         "1:120: tile \"t\": reopen: \"never\" is not known: expected renew or keep"},
        {TILE SLA ", within: 1h, warn: paused}]",
         "1:118: tile \"t\": warn: a tile of type sla_risk has no \"paused\" to compare; it has "
         "breached, at_risk or ok"},
        {TILE "type: count, " PAUSES "}]",
         "1:31: tile \"t\": pauses: a tile of type count has no such key (it belongs to sla_risk)"},
    };
    REFUSED(refusals);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_clock_that_stands_still),
        cmocka_unit_test(test_without_it_time_passes_and_deadlines_are_renewed),
        cmocka_unit_test(test_what_does_not_fit_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
