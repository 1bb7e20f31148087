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

#define PAUSED                                                                                     \
    "within: 60s, at_risk: 20s, pauses: {event_type: wait}, resumes: {event_type: answer}"

/* Thirty seconds of the minute are left whenever the clock stands still. */
static void test_sla_stands_still(void **state)
{
    (void)state;
    struct fold_test t;
    fold_test_init(&t, SLA PAUSED "}\n");
    fold_at(&t, 1, 0, "open", "i", NULL);
    pass_ms(&t, 30000);
    fold_now(&t, "wait", "i", NULL);
    assert_string_equal(data_of(&t, "a"), "{\"ok\":0,\"at_risk\":0,\"breached\":0,\"paused\":1,"
                                          "\"worst\":[]}");
    pass_ms(&t, 3600000);
    assert_non_null(strstr(data_of(&t, "a"), "\"breached\":0,\"paused\":1"));
    fold_now(&t, "answer", "i", NULL);
    assert_non_null(strstr(data_of(&t, "a"), "\"ok\":1,\"at_risk\":0,\"breached\":0,\"paused\":0,"
                                             "\"next_breach_at\":\"2026-11-23T06:33:00.000Z\""));
    pass_ms(&t, 10000);
    assert_non_null(strstr(data_of(&t, "a"), "\"ok\":0,\"at_risk\":1,"));
    pass_ms(&t, 20000);
    assert_non_null(strstr(data_of(&t, "a"), "\"at_risk\":0,\"breached\":1,\"paused\":0"));
    fold_now(&t, "wait", "i", NULL); /* too late: the deadline has passed */
    assert_non_null(strstr(data_of(&t, "a"), "\"breached\":1,\"paused\":0"));
    fold_now(&t, "open", "i", NULL); /* again, and from the start */
    assert_non_null(strstr(data_of(&t, "a"), "\"ok\":1,\"at_risk\":0,\"breached\":0,\"paused\":0"));
    fold_test_free(&t);
}

static void test_sla_pauses_come_in_any_order(void **state)
{
    (void)state;
    static const struct {
        int64_t at_ms;
        const char *type;
    } rows[] = {
        {10, "open"}, {20010, "wait"}, {30010, "wait"}, {50010, "answer"}, {55010, "answer"}};
    const size_t count = sizeof rows / sizeof *rows;
    for (size_t first = 0; first < count; first++) {
        for (size_t step = 1; step < count; step++) { /* 5 is a prime: each step visits all */
            struct fold_test t;
            fold_test_init(&t, SLA PAUSED "}\n");
            pass_ms(&t, 60000);
            for (size_t i = 0; i < count; i++) {
                const size_t k = (first + i * step) % count;
                fold_at(&t, (int64_t)k + 1, rows[k].at_ms, rows[k].type, "i", NULL);
            }
            assert_non_null(strstr(data_of(&t, "a"), "\"due_at\":\"2026-11-23T05:33:30.010Z\""));
            fold_at(&t, 9, 25010, "answer", "i", NULL); /* between the two that stop it */
            assert_non_null(strstr(data_of(&t, "a"), "\"due_at\":\"2026-11-23T05:33:25.010Z\""));
            fold_test_free(&t);
        }
    }
}

static void test_sla_of_a_pause_only_the_latest_rows_count(void **state)
{
    (void)state;
    for (int backwards = 0; backwards < 2; backwards++) {
        struct fold_test t;
        fold_test_init(&t, SLA PAUSED "}\n");
        pass_ms(&t, 30000);
        fold_at(&t, 1, 0, "open", "i", NULL);
        for (int i = 0; i < 70; i++) { /* 35 pauses of 100 ms, the first three of which are lost */
            const int k = backwards != 0 ? 69 - i : i;
            fold_at(&t, 2 + k, 1000 + k * 100, k % 2 == 0 ? "wait" : "answer", "i", NULL);
        }
        assert_non_null(strstr(data_of(&t, "a"), "\"due_at\":\"2026-11-23T05:33:03.200Z\""));
        assert_int_equal(fold_counters(t.fold)->pauses_dropped, 6);
        fold_test_free(&t);
    }
}

static void test_sla_opened_again_keeps_its_deadline(void **state)
{
    (void)state;
    struct fold_test t;
    fold_test_init(&t, SLA PAUSED ", reopen: keep}\n");
    pass_ms(&t, 30000);
    fold_at(&t, 3, 20000, "open", "i", NULL);
    assert_non_null(strstr(data_of(&t, "a"), "\"due_at\":\"2026-11-23T05:33:20.000Z\""));
    fold_at(&t, 1, 5000, "open", "i", NULL); /* late: the first one */
    assert_non_null(strstr(data_of(&t, "a"), "\"due_at\":\"2026-11-23T05:33:05.000Z\""));
    fold_at(&t, 2, 10000, "wait", "i", NULL); /* until it is opened again */
    assert_non_null(strstr(data_of(&t, "a"), "\"due_at\":\"2026-11-23T05:33:15.000Z\""));
    fold_now(&t, "close", "i", NULL);
    assert_non_null(strstr(data_of(&t, "a"), "\"worst\":[]"));
    pass_ms(&t, 1000);
    fold_now(&t, "open", "i", NULL);
    assert_non_null(strstr(data_of(&t, "a"), "\"due_at\":\"2026-11-23T05:33:15.000Z\""));
    fold_test_free(&t);
}

/* It is Monday, 05:32 in UTC, and the desk is open from 06:00 to 06:02. */
static void test_sla_stands_still_in_business_time(void **state)
{
    (void)state;
    struct fold_test t;
    fold_test_init(&t,
                   SLA PAUSED ", calendar: desk}\n"
                              "calendars: [{name: desk, mon: 06:00-06:02, tue: 06:00-07:00}]\n");
    fold_at(&t, 1, 0, "open", "i", NULL);
    pass_ms(&t, 28 * 60000 + 40000); /* 06:00:40 */
    fold_now(&t, "wait", "i", NULL);
    assert_non_null(strstr(data_of(&t, "a"), "\"paused\":1"));
    pass_ms(&t, 75000); /* 06:01:55: there are 20 seconds left, and 5 until the desk closes */
    fold_now(&t, "answer", "i", NULL);
    assert_non_null(strstr(data_of(&t, "a"), "\"due_at\":\"2026-11-24T06:00:15.000Z\""));
    assert_non_null(strstr(t.json, "\"at_risk\":1"));
    fold_test_free(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sla_deadlines_pass),
        cmocka_unit_test(test_sla_order_of_rows_does_not_matter),
        cmocka_unit_test(test_sla_lists_the_worst_five),
        cmocka_unit_test(test_sla_in_business_time),
        cmocka_unit_test(test_sla_stands_still),
        cmocka_unit_test(test_sla_pauses_come_in_any_order),
        cmocka_unit_test(test_sla_of_a_pause_only_the_latest_rows_count),
        cmocka_unit_test(test_sla_opened_again_keeps_its_deadline),
        cmocka_unit_test(test_sla_stands_still_in_business_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
