/* SPDX-License-Identifier: Apache-2.0 */
/* trend by example, as docs/tiles.md says. */
#include "tests/ingestor/fold/fold_saved.h"

static void trend_with(const char *aggregate, const char *expected)
{
    struct fold_test t;
    char tiles[256];
    snprintf(tiles, sizeof tiles,
             "  - {key: a, type: trend, match: {event_type: x}, step: 10s, length: 3, aggregate: "
             "%s%s}\n",
             aggregate, strcmp(aggregate, "count") != 0 ? ", value: payload.v" : "");
    fold_test_init(&t, tiles);
    pass_ms(&t, 9999);
    fold_at(&t, 1, 5000, "x", NULL, "{\"v\":2}");
    fold_at(&t, 3, 9999, "x", NULL, "{\"v\":\"5\"}");
    fold_at(&t, 2, 9999, "x", NULL, "{\"v\":4}"); /* the same moment, an earlier id */
    fold_at(&t, 4, -20000, "x", NULL, "{\"v\":1.5}");
    fold_at(&t, 5, -20001, "x", NULL, "{\"v\":1000}"); /* too old */
    fold_at(&t, 6, 10000, "x", NULL, "{\"v\":1000}");  /* of the next bucket */
    assert_string_equal(data_of(&t, "a"), expected);
    fold_test_free(&t);
}

static void test_trend(void **state)
{
    (void)state;
    trend_with("count", "{\"step_ms\":10000,\"aggregate\":\"count\",\"points\":{"
                        "\"1795411900000\":1,\"1795411920000\":3}}");
    trend_with("sum", "{\"step_ms\":10000,\"aggregate\":\"sum\",\"points\":{"
                      "\"1795411900000\":1.5,\"1795411920000\":11}}");
    trend_with("min", "{\"step_ms\":10000,\"aggregate\":\"min\",\"points\":{"
                      "\"1795411900000\":1.5,\"1795411920000\":2}}");
    trend_with("max", "{\"step_ms\":10000,\"aggregate\":\"max\",\"points\":{"
                      "\"1795411900000\":1.5,\"1795411920000\":5}}");
    trend_with("last", "{\"step_ms\":10000,\"aggregate\":\"last\",\"points\":{"
                       "\"1795411900000\":1.5,\"1795411920000\":5}}");
    trend_with("avg", "{\"step_ms\":10000,\"aggregate\":\"avg\",\"points\":{"
                      "\"1795411900000\":1.5,\"1795411920000\":3.6666666666666665}}");
}

static void test_a_trend_slides(void **state)
{
    (void)state;
    struct fold_test t;
    fold_test_init(&t, "  - {key: a, type: trend, step: 10s, length: 2, aggregate: count}\n");
    fold_at(&t, 1, 0, "x", NULL, NULL);
    fold_at(&t, 2, 10000, "x", NULL, NULL);
    pass_ms(&t, 10000);
    assert_string_equal(data_of(&t, "a"), "{\"step_ms\":10000,\"aggregate\":\"count\",\"points\":{"
                                          "\"1795411920000\":1,\"1795411930000\":1}}");
    pass_ms(&t, 10000);
    assert_string_equal(data_of(&t, "a"), "{\"step_ms\":10000,\"aggregate\":\"count\",\"points\":{"
                                          "\"1795411930000\":1}}");
    pass_ms(&t, 3600 * 1000);
    assert_string_equal(data_of(&t, "a"),
                        "{\"step_ms\":10000,\"aggregate\":\"count\",\"points\":{}}");
    fold_test_free(&t);
}

/* Berlin's days around 2026-10-25, which has 25 hours. */
static void test_a_trend_of_days(void **state)
{
    (void)state;
    static const int64_t hour = 3600000;
    const int64_t sunday = (INT64_C(1792879200000000) - START_US) / US_PER_MS;
    struct fold_test t;
    fold_test_init_in(&t, ", time_zone: Europe/Berlin",
                      "  - {key: a, type: trend, step: 1d, length: 4}\n");
    t.now.mono.us += 40 * US_PER_DAY; /* so that it stays above 0 */
    pass_ms(&t, sunday + 30 * hour);
    fold_at(&t, 1, sunday - 1, "x", NULL, NULL);
    fold_at(&t, 2, sunday, "x", NULL, NULL);
    fold_at(&t, 3, sunday + 25 * hour - 1, "x", NULL, NULL);
    fold_at(&t, 4, sunday + 25 * hour, "x", NULL, NULL);
    fold_at(&t, 5, sunday - 48 * hour, "x", NULL, NULL);
    fold_at(&t, 6, sunday - 48 * hour - 1, "x", NULL, NULL); /* too old */
    assert_string_equal(
        data_of(&t, "a"),
        "{\"step_ms\":86400000,\"step\":\"1d\",\"time_zone\":\"Europe/Berlin\",\"starts\":["
        "1792706400000,1792792800000,1792879200000,1792969200000],\"aggregate\":\"count\","
        "\"points\":{\"1792706400000\":1,\"1792792800000\":1,\"1792879200000\":2,"
        "\"1792969200000\":1}}");
    pass_ms(&t, 19 * hour - 1000);
    flush(&t);
    pass_ms(&t, 999);
    flush(&t);
    assert_int_equal(t.outputs, 0);
    pass_ms(&t, 1);
    flush(&t);
    assert_int_equal(t.outputs, 1); /* it is told at midnight */
    assert_string_equal(
        data_of(&t, "a"),
        "{\"step_ms\":86400000,\"step\":\"1d\",\"time_zone\":\"Europe/Berlin\",\"starts\":["
        "1792792800000,1792879200000,1792969200000,1793055600000],\"aggregate\":\"count\","
        "\"points\":{\"1792792800000\":1,\"1792879200000\":2,\"1792969200000\":1}}");
    fold_test_free(&t);
}

/* A day of UTC is what a step of 24 hours always was. */
static void test_a_step_of_one_day_in_utc_goes_on_from_an_older_checkpoint(void **state)
{
    (void)state;
    struct fold_test old;
    struct fold_test new;
    struct state_changes saved = {0};
    fold_test_init(&old, "  - {key: a, type: trend, step: 24h, length: 3}\n");
    fold_test_init(&new, "  - {key: a, type: trend, step: 1d, length: 3}\n");
    fold_at(&old, 1, 0, "x", NULL, NULL);
    fold_at(&old, 2, -86400000, "x", NULL, NULL);
    (void)save_into(&old, &saved);
    (void)load_from(&new, &saved);
    assert_int_equal(fold_builds(new.fold), 0);
    assert_non_null(strstr(data_of(&new, "a"), "\"points\":{\"1795305600000\":1,"
                                               "\"1795392000000\":1}}"));
    state_changes_free(&saved);
    fold_test_free(&old);
    fold_test_free(&new);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_trend),
        cmocka_unit_test(test_a_trend_of_days),
        cmocka_unit_test(test_a_step_of_one_day_in_utc_goes_on_from_an_older_checkpoint),
        cmocka_unit_test(test_a_trend_slides),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
