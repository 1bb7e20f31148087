/* SPDX-License-Identifier: Apache-2.0 */
#include "common/postgres/pg_past.h"

#include "tests/unit.h"

static const struct pg_past seen = {
    .system = 7, .timeline = 1, .started = 1000, .standby = false, .xmax = 500};

static void test_a_server_that_ran_on_lost_nothing(void **state)
{
    (void)state;
    struct pg_past now = seen;
    now.xmax = 900;
    assert_true(pg_past_runs_on(&seen, &now));
    assert_false(pg_past_is_suspicious(&seen, &now));
    now.started = 2000; /* a backup may have been restored between */
    assert_false(pg_past_runs_on(&seen, &now));
    assert_false(pg_past_is_suspicious(&seen, &now));
}

static void test_another_timeline_or_cluster_is_suspicious(void **state)
{
    (void)state;
    struct pg_past now = seen;
    now.xmax = 900;
    now.timeline = 2;
    assert_true(pg_past_is_other(&seen, &now) && pg_past_is_suspicious(&seen, &now));
    assert_false(pg_past_runs_on(&seen, &now));
    now.timeline = 1;
    now.system = 8;
    assert_true(pg_past_is_other(&seen, &now) && pg_past_is_suspicious(&seen, &now));
    assert_false(pg_past_runs_on(&seen, &now));
}

static void test_what_is_not_known_is_no_other(void **state)
{
    (void)state;
    const struct pg_past unknown = {0};
    struct pg_past now = seen;
    assert_false(pg_past_is_suspicious(&unknown, &now));
    assert_false(pg_past_runs_on(&unknown, &now));
    assert_false(pg_past_runs_on(&unknown, &unknown));
    now.system = 0;
    now.timeline = 0; /* a service that does not say, or a hot standby */
    assert_false(pg_past_is_suspicious(&seen, &now));
}

static void test_transactions_that_are_counted_again_are_suspicious(void **state)
{
    (void)state;
    struct pg_past now = seen;
    now.xmax = 499;
    assert_true(pg_past_is_suspicious(&seen, &now));
    assert_false(pg_past_is_other(&seen, &now));
    assert_false(pg_past_runs_on(&seen, &now));
    now.standby = true; /* it lags */
    assert_false(pg_past_is_suspicious(&seen, &now));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_server_that_ran_on_lost_nothing),
        cmocka_unit_test(test_another_timeline_or_cluster_is_suspicious),
        cmocka_unit_test(test_what_is_not_known_is_no_other),
        cmocka_unit_test(test_transactions_that_are_counted_again_are_suspicious),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
