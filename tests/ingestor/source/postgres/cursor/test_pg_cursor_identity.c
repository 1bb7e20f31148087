/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/source/postgres/cursor/pg_cursor_identity.h"

#include "tests/unit.h"

/* OID, cluster, timeline, next transaction, standby */
#define BEFORE "16384/70000000000000001/1/900/0"

static bool same_with(enum checkpoint_kind checkpoint, const char *before, const char *now,
                      bool *other_past)
{
    struct config config = {.ingestor.checkpoint = checkpoint};
    struct postgres_source s = {.config = &config};
    const bool same = pg_cursor_identity_same(&s, str_of(before), str_of(now));
    *other_past = s.base.other_past;
    return same;
}

static bool same(const char *before, const char *now)
{
    bool other_past;
    const bool result = same_with(CHECKPOINT_FILE, before, now, &other_past);
    assert_false(other_past);
    return result;
}

static void test_a_server_that_goes_on_has_the_same_table(void **state)
{
    (void)state;
    assert_true(same(BEFORE, BEFORE));
    assert_true(same(BEFORE, "16384/70000000000000001/1/5000/0"));
    assert_true(same(BEFORE, "16384/70000000000000001/0/800/1")); /* a standby, which lags */
    assert_true(same(BEFORE, "16384/0/0/900/0"));                 /* a service that tells nothing */
}

static void test_another_table_and_another_past_are_others(void **state)
{
    (void)state;
    assert_false(same(BEFORE, "16385/70000000000000001/1/900/0"));
    assert_false(same(BEFORE, "16384/70000000000000001/2/900/0"));
    assert_false(same(BEFORE, "16384/70000000000000002/1/900/0"));
    assert_false(same(BEFORE, "16384/70000000000000001/1/899/0"));
}

static void test_an_older_programs_identity_is_the_table_alone(void **state)
{
    (void)state;
    assert_true(same("16384", BEFORE));
    assert_false(same("16385", BEFORE));
    assert_false(same("", BEFORE));
}

static void test_a_state_in_the_database_went_back_with_the_rows(void **state)
{
    (void)state;
    bool other_past;
    assert_true(
        same_with(CHECKPOINT_POSTGRESQL, BEFORE, "16384/70000000000000001/2/900/0", &other_past));
    assert_true(other_past);
    assert_true(same_with(CHECKPOINT_POSTGRESQL, BEFORE, BEFORE, &other_past));
    assert_false(other_past);
    assert_false(
        same_with(CHECKPOINT_POSTGRESQL, BEFORE, "16385/70000000000000001/1/900/0", &other_past));
}

static bool runs_on(const char *before, const char *now)
{
    struct config config = {.ingestor.checkpoint = CHECKPOINT_FILE};
    struct postgres_source s = {.config = &config};
    (void)pg_cursor_identity_same(&s, str_of(before), str_of(now));
    return s.runs_on;
}

static void test_a_server_that_was_not_started_again_has_lost_nothing(void **state)
{
    (void)state;
    assert_true(runs_on(BEFORE "/17", "16384/70000000000000001/1/901/0/17"));
    assert_false(runs_on(BEFORE "/17", "16384/70000000000000001/1/901/0/18"));
    assert_false(runs_on(BEFORE "/17", "16385/70000000000000001/1/901/0/17"));
    assert_false(runs_on(BEFORE, "16384/70000000000000001/1/901/0/17"));
    assert_false(runs_on("16384", "16384/70000000000000001/1/901/0/17"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_server_that_goes_on_has_the_same_table),
        cmocka_unit_test(test_another_table_and_another_past_are_others),
        cmocka_unit_test(test_an_older_programs_identity_is_the_table_alone),
        cmocka_unit_test(test_a_state_in_the_database_went_back_with_the_rows),
        cmocka_unit_test(test_a_server_that_was_not_started_again_has_lost_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
