/* SPDX-License-Identifier: Apache-2.0 */
/* count by example, as docs/tiles.md says. */
#include "tests/ingestor/fold/fold_unit.h"

static void test_count_ever(void **state)
{
    (void)state;
    struct fold_test t;
    fold_test_init(
        &t, "  - {key: a, type: count, match: {event_type: \"order.*\", payload.n: [1, x]}}\n");
    assert_string_equal(data_of(&t, "a"), "{\"value\":0}");
    fold_now(&t, "order.created", NULL, "{\"n\":1}");
    fold_now(&t, "order.shipped", NULL, "{\"n\":\"x\"}");
    fold_now(&t, "order.created", NULL, "{\"n\":2}");
    fold_now(&t, "order.created", NULL, "not json");
    fold_now(&t, "orders", NULL, "{\"n\":1}");
    assert_string_equal(data_of(&t, "a"), "{\"value\":2}");
    assert_int_equal(fold_counters(t.fold)->bad_payloads, 1);
    fold_test_free(&t);
}

/* 30 s make 300 slots of 100 ms. */
static void test_count_in_a_window(void **state)
{
    (void)state;
    struct fold_test t;
    fold_test_init(&t, "  - {key: a, type: count, window: 30s}\n");
    fold_at(&t, 1, 0, "x", NULL, NULL);
    fold_at(&t, 2, 50, "x", NULL, NULL);     /* not yet, though in the slot of now */
    fold_at(&t, 3, -29900, "x", NULL, NULL); /* in the oldest slot that still counts */
    fold_at(&t, 4, -29901, "x", NULL, NULL); /* one too old */
    fold_at(&t, 5, 250, "x", NULL, NULL);    /* not yet */
    assert_string_equal(data_of(&t, "a"), "{\"value\":2,\"window_ms\":30000}");
    assert_int_equal(fold_wait_us(t.fold, t.now), 50 * US_PER_MS);
    pass_ms(&t, 50);
    assert_string_equal(data_of(&t, "a"), "{\"value\":3,\"window_ms\":30000}");
    assert_int_equal(fold_wait_us(t.fold, t.now), 50 * US_PER_MS);
    pass_ms(&t, 50);
    assert_string_equal(data_of(&t, "a"), "{\"value\":2,\"window_ms\":30000}");
    pass_ms(&t, 149);
    assert_string_equal(data_of(&t, "a"), "{\"value\":2,\"window_ms\":30000}");
    pass_ms(&t, 1);
    assert_string_equal(data_of(&t, "a"), "{\"value\":3,\"window_ms\":30000}");
    pass_ms(&t, 29650);
    assert_string_equal(data_of(&t, "a"), "{\"value\":3,\"window_ms\":30000}");
    pass_ms(&t, 100);
    assert_string_equal(data_of(&t, "a"), "{\"value\":1,\"window_ms\":30000}");
    pass_ms(&t, 200);
    assert_string_equal(data_of(&t, "a"), "{\"value\":0,\"window_ms\":30000}");
    fold_test_free(&t);
}

/* From 2026-10-25T00:00 in Berlin on, a day of 25 hours. */
static void test_count_of_today(void **state)
{
    (void)state;
    static const int64_t hour = 3600000;
    const int64_t midnight = (INT64_C(1792879200000000) - START_US) / US_PER_MS;
    struct fold_test t;
    fold_test_init_in(&t, ", time_zone: Europe/Berlin",
                      "  - {key: a, type: count, window: today}\n");
    t.now.mono.us += 40 * US_PER_DAY; /* so that it stays above 0 */
    pass_ms(&t, midnight - 1);
    fold_at(&t, 1, midnight - 1, "x", NULL, NULL);
    fold_at(&t, 2, midnight - 24 * hour, "x", NULL, NULL);
    fold_at(&t, 3, midnight - 24 * hour - 1, "x", NULL, NULL); /* of the day before */
    fold_at(&t, 4, midnight, "x", NULL, NULL);                 /* of tomorrow */
    assert_string_equal(data_of(&t, "a"), "{\"value\":2,\"window\":\"today\",\"begins_at\":"
                                          "\"2026-10-23T22:00:00.000Z\",\"time_zone\":"
                                          "\"Europe/Berlin\"}");
    assert_int_equal(fold_wait_us(t.fold, t.now), US_PER_MS);
    pass_ms(&t, 1);
    pass_ms(&t, 99); /* until it may be published again */
    flush(&t);
    assert_int_equal(t.outputs, 1); /* it is told at midnight */
    assert_string_equal(data_of(&t, "a"), "{\"value\":1,\"window\":\"today\",\"begins_at\":"
                                          "\"2026-10-24T22:00:00.000Z\",\"time_zone\":"
                                          "\"Europe/Berlin\"}");
    pass_ms(&t, 25 * hour - 100);
    fold_at(&t, 5, midnight + 25 * hour - 1, "x", NULL, NULL);
    assert_string_equal(data_of(&t, "a"), "{\"value\":2,\"window\":\"today\",\"begins_at\":"
                                          "\"2026-10-24T22:00:00.000Z\",\"time_zone\":"
                                          "\"Europe/Berlin\"}");
    pass_ms(&t, 1);
    assert_string_equal(data_of(&t, "a"), "{\"value\":0,\"window\":\"today\",\"begins_at\":"
                                          "\"2026-10-25T23:00:00.000Z\",\"time_zone\":"
                                          "\"Europe/Berlin\"}");
    fold_test_free(&t);
}

/* START is on a Monday, 2026-11-23. */
static void test_count_of_this_week_and_month(void **state)
{
    (void)state;
    static const int64_t day = 86400000;
    struct fold_test t;
    fold_test_init_in(&t, ", time_zone: UTC, week_starts: sunday",
                      "  - {key: w, type: count, window: this_week}\n"
                      "  - {key: m, type: count, window: this_month}\n"
                      "  - {key: d, type: count, window: 1d}\n");
    for (int i = 0; i < 30; i++) {
        fold_at(&t, i + 1, -i * day, "x", NULL, NULL);
    }
    assert_string_equal(data_of(&t, "w"), "{\"value\":2,\"window\":\"this_week\",\"begins_at\":"
                                          "\"2026-11-22T00:00:00.000Z\",\"time_zone\":\"UTC\"}");
    assert_string_equal(data_of(&t, "m"), "{\"value\":23,\"window\":\"this_month\",\"begins_at\":"
                                          "\"2026-11-01T00:00:00.000Z\",\"time_zone\":\"UTC\"}");
    assert_string_equal(data_of(&t, "d"), "{\"value\":1,\"window_ms\":86400000}"); /* slides */
    fold_test_free(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_count_ever),
        cmocka_unit_test(test_count_in_a_window),
        cmocka_unit_test(test_count_of_today),
        cmocka_unit_test(test_count_of_this_week_and_month),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
