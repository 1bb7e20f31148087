/* SPDX-License-Identifier: Apache-2.0 */
/* sla_risk by example, as docs/tiles.md says. */
#include "tests/ingestor/fold/fold_unit.h"

#define SLA                                                                                        \
    "  - {key: a, type: sla_risk, opens: {event_type: open}, closes: {event_type: close}, item: "  \
    "target_id, "

static void test_sla_deadlines_pass(void **state)
{
    (void)state;
    struct fold_test t;
    fold_test_init(&t, SLA "within: 60s, at_risk: 20s}\n");
    assert_string_equal(data_of(&t, "a"), "{\"ok\":0,\"at_risk\":0,\"breached\":0,\"worst\":[]}");
    fold_at(&t, 1, 0, "open", "i", NULL);
    assert_string_equal(data_of(&t, "a"),
                        "{\"ok\":1,\"at_risk\":0,\"breached\":0,\"next_breach_at\":\"2026-11-23T05:"
                        "33:00.000Z\",\"worst\":[{\"id\":\"i\",\"due_at\":\"2026-11-23T05:33:00."
                        "000Z\"}]}");
    assert_int_equal(fold_wait_us(t.fold, t.now), 20 * US_PER_S); /* a keyframe is due before */
    pass_ms(&t, 39999);
    assert_non_null(strstr(data_of(&t, "a"), "\"ok\":1,"));
    pass_ms(&t, 1);
    assert_non_null(strstr(data_of(&t, "a"), "\"ok\":0,\"at_risk\":1,"));
    pass_ms(&t, 20000);
    assert_string_equal(data_of(&t, "a"),
                        "{\"ok\":0,\"at_risk\":0,\"breached\":1,\"worst\":[{\"id\":\"i\",\"due_"
                        "at\":\"2026-11-23T05:33:00.000Z\"}]}");
    fold_now(&t, "close", "i", NULL);
    assert_string_equal(data_of(&t, "a"), "{\"ok\":0,\"at_risk\":0,\"breached\":0,\"worst\":[]}");
    fold_test_free(&t);
}

static void test_sla_order_of_rows_does_not_matter(void **state)
{
    (void)state;
    struct fold_test t;
    fold_test_init(&t, SLA "due: payload.due}\n");
    pass_ms(&t, 50);
    fold_at(&t, 2, 20, "close", "i", NULL);
    fold_at(&t, 1, 10, "open", "i",
            "{\"due\":\"2026-11-23T06:00:00Z\"}"); /* late: closed already */
    assert_non_null(strstr(data_of(&t, "a"), "\"ok\":0,"));
    fold_at(&t, 4, 40, "open", "i", "{\"due\":1795413600}");               /* again; in seconds */
    fold_at(&t, 3, 30, "open", "i", "{\"due\":\"2026-11-23T05:00:00Z\"}"); /* an earlier word */
    assert_non_null(strstr(data_of(&t, "a"), "\"ok\":0,\"at_risk\":1,\"breached\":0"));
    fold_at(&t, 5, 50, "open", "n", NULL); /* without a deadline: never at risk, never listed */
    assert_non_null(strstr(data_of(&t, "a"), "\"ok\":1,\"at_risk\":1"));
    assert_null(strstr(t.json, "\"n\""));
    fold_test_free(&t);
}

static void test_sla_lists_the_worst_five(void **state)
{
    (void)state;
    struct fold_test t;
    fold_test_init(&t, SLA "due: payload.due}\n");
    pass_ms(&t, 30);
    for (int i = 0; i < 20; i++) {
        char id[8];
        snprintf(id, sizeof id, "i%02d", 19 - i);
        /* All due at one moment: told apart by the row that opened them. */
        fold_at(&t, i + 1, i, "open", id, "{\"due\":\"2026-11-23T07:00:00Z\"}");
    }
    fold_at(&t, 30, 30, "open", "late", "{\"due\":\"2026-11-23T05:00:00Z\"}");
    const char *worst = strstr(data_of(&t, "a"), "\"worst\"");
    assert_non_null(worst);
    const char *at = worst;
    static const char *const expected[] = {"late", "i19", "i18", "i17", "i16"};
    for (size_t i = 0; i < 5; i++) {
        at = strstr(at, expected[i]);
        assert_non_null(at);
    }
    assert_null(strstr(worst, "i15"));
    fold_test_free(&t);
}

/* It is Monday, 05:32 in UTC, and the desk opens at 06:00. */
static void test_sla_in_business_time(void **state)
{
    (void)state;
    struct fold_test t;
    fold_test_init(&t, SLA "within: 2m, at_risk: 1m, calendar: desk}\n"
                           "calendars: [{name: desk, mon: 06:00-06:01, tue: 06:00-07:00}]\n");
    fold_at(&t, 1, 0, "open", "i", NULL);
    assert_non_null(strstr(data_of(&t, "a"), "\"due_at\":\"2026-11-24T06:01:00.000Z\""));
    assert_non_null(strstr(t.json, "\"ok\":1,"));
    pass_ms(&t, 29 * 60000 - 1); /* the desk closes with a minute left */
    assert_non_null(strstr(data_of(&t, "a"), "\"ok\":1,"));
    pass_ms(&t, 1);
    assert_non_null(strstr(data_of(&t, "a"), "\"ok\":0,\"at_risk\":1,"));
    pass_ms(&t, INT64_C(24) * 3600000 - 1);
    assert_non_null(strstr(data_of(&t, "a"), "\"at_risk\":1,"));
    pass_ms(&t, 1);
    assert_non_null(strstr(data_of(&t, "a"), "\"at_risk\":0,\"breached\":1"));
    fold_test_free(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sla_deadlines_pass),
        cmocka_unit_test(test_sla_order_of_rows_does_not_matter),
        cmocka_unit_test(test_sla_lists_the_worst_five),
        cmocka_unit_test(test_sla_in_business_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
