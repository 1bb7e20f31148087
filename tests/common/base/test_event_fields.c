/* SPDX-License-Identifier: Apache-2.0 */
#include "common/base/event_fields.h"

#include "tests/unit.h"

static void test_the_order_is_that_of_the_documented_table(void **state)
{
    (void)state;
    static const char *const names[] = {"id",        "timestamp", "event_type", "actor_id",
                                        "target_id", "summary",   "payload"};
    assert_int_equal(EVENT_FIELDS, sizeof names / sizeof *names);
    for (size_t i = 0; i < EVENT_FIELDS; i++) {
        assert_string_equal(event_fields[i].name, names[i]);
    }
}

static void test_an_event_needs_an_id_a_time_and_a_type(void **state)
{
    (void)state;
    for (size_t i = 0; i < EVENT_FIELDS; i++) {
        const bool needed = i == EVENT_ID || i == EVENT_TIMESTAMP || i == EVENT_TYPE;
        assert_int_equal(event_fields[i].optional, !needed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_order_is_that_of_the_documented_table),
        cmocka_unit_test(test_an_event_needs_an_id_a_time_and_a_type),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
