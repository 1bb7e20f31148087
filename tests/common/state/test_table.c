/* SPDX-License-Identifier: Apache-2.0 */
#include "common/state/table.h"

#include "tests/unit.h"

static void test_the_table_is_told_by_its_name_and_the_columns_of_the_order(void **state)
{
    (void)state;
    struct config_source source = {.table = "events", .columns[EVENT_ID].name = "id"};
    const uint64_t events = state_table(&source);
    source.table = "log";
    assert_int_not_equal(state_table(&source), events);
    source.table = "events";
    source.columns[EVENT_ID].name = "n";
    assert_int_not_equal(state_table(&source), events);
    source.columns[EVENT_ID].name = "id";
    source.table_schema = "app";
    assert_int_not_equal(state_table(&source), events);
    source.table_schema = NULL;
    assert_int_equal(state_table(&source), events);
    source.cursor = "created_at";
    const uint64_t by_cursor = state_table(&source);
    assert_int_not_equal(by_cursor, events);
    source.cursor = "updated_at";
    assert_int_not_equal(state_table(&source), by_cursor);
}

/* It is stored: states of released versions have it. */
static void test_the_digest_stays_what_it_is(void **state)
{
    (void)state;
    const struct config_source source = {.table = "events", .columns[EVENT_ID].name = "id"};
    assert_true(state_table(&source) == UINT64_C(5615923961458609151));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_table_is_told_by_its_name_and_the_columns_of_the_order),
        cmocka_unit_test(test_the_digest_stays_what_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
