/* SPDX-License-Identifier: Apache-2.0 */
/* percentile: what most values are below, of all rows or of those in a window, and per bucket. */
#include "tests/ingestor/fold/fold_saved.h"
#include "tests/ingestor/fold/fold_unit.h"

static void fold_values(struct fold_test *t, int first, int count)
{
    char payload[32];
    for (int i = 0; i < count; i++) {
        /* In another order than that of their size. */
        snprintf(payload, sizeof payload, "{\"v\":%d}", first + i * 37 % count);
        fold_now(t, "made", NULL, payload);
    }
}

static void test_percentiles_of_all_rows_ever(void **state)
{
    (void)state;
    struct fold_test t;
    fold_test_init(&t, "  - {key: p, type: percentile, value: payload.v, unit: ms}\n");
    assert_string_equal(data_of(&t, "p"), "{\"count\":0,\"unit\":\"ms\"}");
    fold_now(&t, "made", NULL, "{\"v\":\"none\"}");
    fold_values(&t, 1, 200);
    assert_string_equal(
        data_of(&t, "p"),
        "{\"p50\":100,\"p90\":180,\"p95\":190,\"p99\":198,\"count\":200,\"unit\":\"ms\"}");
    fold_at(&t, 999, -2 * (START_US / US_PER_MS), "made", NULL, "{\"v\":-7}"); /* before 1970 */
    assert_non_null(strstr(data_of(&t, "p"), "\"p50\":100,"));
    assert_non_null(strstr(data_of(&t, "p"), "\"count\":201,"));
    fold_test_free(&t);
}

static void test_a_window_forgets(void **state)
{
    (void)state;
    struct fold_test t;
    fold_test_init(&t, "  - {key: p, type: percentile, value: payload.v, window: 10s}\n");
    fold_values(&t, 101, 100);
    pass_ms(&t, 6000);
    fold_values(&t, 1, 100);
    assert_string_equal(data_of(&t, "p"), "{\"p50\":100,\"p90\":180,\"p95\":190,\"p99\":198,"
                                          "\"count\":200,\"window_ms\":10000}");
    pass_ms(&t, 4100);
    assert_string_equal(data_of(&t, "p"), "{\"p50\":50,\"p90\":90,\"p95\":95,\"p99\":99,"
                                          "\"count\":100,\"window_ms\":10000}");
    fold_at(&t, 9999, 7000, "made", NULL, "{\"v\":250}"); /* a late one */
    assert_non_null(strstr(data_of(&t, "p"), "\"p99\":100,\"count\":101,"));
    pass_ms(&t, 10000);
    assert_string_equal(data_of(&t, "p"), "{\"count\":0,\"window_ms\":10000}");
    fold_values(&t, 1, 100);
    assert_non_null(strstr(data_of(&t, "p"), "\"p50\":50,"));
    fold_test_free(&t);
}

static void test_buckets_of_a_trend_have_each_their_own(void **state)
{
    (void)state;
    struct fold_test t;
    fold_test_init(
        &t, "  - {key: p, type: trend, value: payload.v, step: 1s, length: 3, aggregate: p90}\n");
    fold_values(&t, 1, 10);
    pass_ms(&t, 1000);
    fold_values(&t, 101, 20);
    assert_string_equal(data_of(&t, "p"), "{\"step_ms\":1000,\"aggregate\":\"p90\",\"points\":{"
                                          "\"1795411920000\":9,\"1795411921000\":118}}");
    fold_test_free(&t);
}

static void test_what_is_saved_goes_on(void **state)
{
    (void)state;
    static const char tiles[] =
        "  - {key: p, type: percentile, value: payload.v, window: 10s}\n"
        "  - {key: t, type: trend, value: payload.v, step: 1s, length: 3, aggregate: p50}\n";
    struct fold_test t;
    struct fold_test again;
    struct state_changes store = {0};
    fold_test_init(&t, tiles);
    fold_test_init(&again, tiles);
    fold_values(&t, 1, 99);
    (void)save_into(&t, &store);
    (void)load_from(&again, &store);
    again.next_id = 100;
    fold_values(&again, 100, 101);
    assert_non_null(strstr(data_of(&again, "p"), "\"p50\":100,\"p90\":180,\"p95\":190,"));
    assert_non_null(strstr(data_of(&again, "t"), "\"1795411920000\":100}"));
    pass_ms(&again, 11000);
    assert_string_equal(data_of(&again, "p"), "{\"count\":0,\"window_ms\":10000}");
    state_changes_free(&store);
    fold_test_free(&t);
    fold_test_free(&again);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_percentiles_of_all_rows_ever),
        cmocka_unit_test(test_a_window_forgets),
        cmocka_unit_test(test_buckets_of_a_trend_have_each_their_own),
        cmocka_unit_test(test_what_is_saved_goes_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
