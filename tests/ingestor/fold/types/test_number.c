/* SPDX-License-Identifier: Apache-2.0 */
/* number: an aggregate of all rows, or of those in a window. */
#include "tests/ingestor/fold/fold_unit.h"

static void test_each_aggregate_of_all_rows_in_any_order(void **state)
{
    (void)state;
    static const int64_t at_ms[] = {10, 30, 20};
    static const char *const payloads[] = {"{\"v\":2}", "{\"v\":\"5.00\"}", "{\"v\":-1.5}"};
    for (size_t first = 0; first < 3; first++) {
        struct fold_test t;
        fold_test_init(&t,
                       "  - {key: s, type: number, aggregate: sum, value: payload.v, unit: EUR}\n"
                       "  - {key: a, type: number, aggregate: avg, value: payload.v}\n"
                       "  - {key: i, type: number, aggregate: min, value: payload.v}\n"
                       "  - {key: x, type: number, aggregate: max, value: payload.v}\n"
                       "  - {key: l, type: number, aggregate: last, value: payload.v}\n");
        assert_string_equal(data_of(&t, "s"),
                            "{\"value\":0,\"aggregate\":\"sum\",\"unit\":\"EUR\"}");
        assert_string_equal(data_of(&t, "a"), "{\"aggregate\":\"avg\"}");
        pass_ms(&t, 40);
        for (size_t i = 0; i < 3; i++) {
            const size_t row = (first + i) % 3;
            fold_at(&t, (int64_t)i + 1, at_ms[row], "made", NULL, payloads[row]);
        }
        fold_at(&t, 4, 35, "made", NULL, "{\"v\":\"many\"}");
        assert_string_equal(data_of(&t, "s"),
                            "{\"value\":5.5,\"aggregate\":\"sum\",\"unit\":\"EUR\"}");
        assert_non_null(strstr(data_of(&t, "a"), "\"value\":1.8333333333333333,"));
        assert_string_equal(data_of(&t, "i"), "{\"value\":-1.5,\"aggregate\":\"min\"}");
        assert_string_equal(data_of(&t, "x"), "{\"value\":5,\"aggregate\":\"max\"}");
        assert_string_equal(data_of(&t, "l"), "{\"value\":5,\"aggregate\":\"last\"}");
        fold_test_free(&t);
    }
}

static void test_rows_from_before_1970_go_in(void **state)
{
    (void)state;
    struct fold_test t;
    fold_test_init(&t, "  - {key: s, type: number, aggregate: sum, value: payload.v}\n"
                       "  - {key: l, type: number, aggregate: last, value: payload.v}\n");
    fold_at(&t, 1, 0, "made", NULL, "{\"v\":3}");
    fold_at(&t, 2, -2 * (START_US / US_PER_MS), "made", NULL, "{\"v\":4}");
    assert_string_equal(data_of(&t, "s"), "{\"value\":7,\"aggregate\":\"sum\"}");
    assert_string_equal(data_of(&t, "l"), "{\"value\":3,\"aggregate\":\"last\"}");
    fold_test_free(&t);
}

static void test_a_window_forgets(void **state)
{
    (void)state;
    struct fold_test t;
    fold_test_init(&t,
                   "  - {key: s, type: number, aggregate: sum, value: payload.v, window: 10s}\n"
                   "  - {key: x, type: number, aggregate: max, value: payload.v, window: 10s}\n");
    fold_now(&t, "made", NULL, "{\"v\":9}");
    pass_ms(&t, 6000);
    fold_now(&t, "made", NULL, "{\"v\":0.5}");
    assert_non_null(strstr(data_of(&t, "s"), "\"value\":9.5,"));
    assert_string_equal(data_of(&t, "x"),
                        "{\"value\":9,\"aggregate\":\"max\",\"window_ms\":10000}");
    pass_ms(&t, 4100);
    assert_non_null(strstr(data_of(&t, "s"), "\"value\":0.5,"));
    assert_non_null(strstr(data_of(&t, "x"), "\"value\":0.5,"));
    pass_ms(&t, 6000);
    assert_non_null(strstr(data_of(&t, "s"), "\"value\":0,"));
    assert_string_equal(data_of(&t, "x"), "{\"aggregate\":\"max\",\"window_ms\":10000}");
    fold_test_free(&t);
}

static void test_the_sum_over_the_slots_of_a_window_is_exact(void **state)
{
    (void)state;
    struct fold_test t;
    fold_test_init(&t,
                   "  - {key: s, type: number, aggregate: sum, value: payload.v, window: 1m}\n");
    static const char *const payloads[] = {"{\"v\":1e300}",
                                           "{\"v\":1}",
                                           "{\"v\":1e-300}",
                                           "{\"v\":-1e300}",
                                           "{\"v\":9007199254740993}",
                                           "{\"v\":-1e-300}"};
    for (size_t i = 0; i < sizeof payloads / sizeof *payloads; i++) {
        fold_now(&t, "made", NULL, payloads[i]);
        fold_now(&t, "made", NULL, payloads[(i + 2) % 6]);
        pass_ms(&t, 1000);
    }
    assert_non_null(strstr(data_of(&t, "s"), "\"value\":18014398509481988.0,"));
    fold_now(&t, "made", NULL, "{\"v\":1.7e308}");
    pass_ms(&t, 1000);
    fold_now(&t, "made", NULL, "{\"v\":1.7e308}");
    assert_string_equal(data_of(&t, "s"), "{\"aggregate\":\"sum\",\"window_ms\":60000}");
    fold_test_free(&t);
}

static void test_a_day_begins_anew(void **state)
{
    (void)state;
    struct fold_test t;
    fold_test_init_in(
        &t, ", time_zone: Europe/Berlin",
        "  - {key: s, type: number, aggregate: sum, value: payload.v, window: today}\n");
    fold_now(&t, "made", NULL, "{\"v\":9}");
    assert_string_equal(data_of(&t, "s"),
                        "{\"value\":9,\"aggregate\":\"sum\",\"window\":\"today\",\"begins_at\":"
                        "\"2026-11-22T23:00:00.000Z\",\"time_zone\":\"Europe/Berlin\"}");
    pass_ms(&t, INT64_C(18) * 3600 * 1000);
    assert_string_equal(data_of(&t, "s"),
                        "{\"value\":0,\"aggregate\":\"sum\",\"window\":\"today\",\"begins_at\":"
                        "\"2026-11-23T23:00:00.000Z\",\"time_zone\":\"Europe/Berlin\"}");
    fold_test_free(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_aggregate_of_all_rows_in_any_order),
        cmocka_unit_test(test_rows_from_before_1970_go_in),
        cmocka_unit_test(test_a_window_forgets),
        cmocka_unit_test(test_the_sum_over_the_slots_of_a_window_is_exact),
        cmocka_unit_test(test_a_day_begins_anew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
