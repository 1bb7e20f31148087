/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/source/nats/nats_subject.h"

#include "tests/unit.h"

static void test_which_subjects_a_pattern_covers(void **unused)
{
    (void)unused;
    static const struct {
        const char *pattern;
        const char *subject;
        bool covers;
    } rows[] = {
        {"orders", "orders", true},      {"orders", "order", false},
        {"order", "orders", false},      {"orders", "orders.eu", false},
        {"orders.eu", "orders", false},  {"orders.*", "orders.eu", true},
        {"orders.*", "orders", false},   {"orders.*", "orders.eu.north", false},
        {"*.eu", "orders.eu", true},     {"*.eu", "orders.us", false},
        {"orders.>", "orders.eu", true}, {"orders.>", "orders.eu.north", true},
        {"orders.>", "orders", false},   {">", "orders", true},
        {">", "orders.eu", true},        {"*.*.>", "a.b", false},
        {"*.*.>", "a.b.c", true},        {"a*", "ab", false},
        {"a.b>", "a.bc", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (nats_subject_covers(rows[i].pattern, rows[i].subject) != rows[i].covers) {
            fail_msg("%s and %s", rows[i].pattern, rows[i].subject);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_which_subjects_a_pattern_covers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
