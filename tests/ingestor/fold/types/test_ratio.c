/* SPDX-License-Identifier: Apache-2.0 */
/* ratio: the rows that match, in percent of those that match `of`. */
#include "tests/ingestor/fold/fold_saved.h"
#include "tests/ingestor/fold/fold_unit.h"

#define ERRORS                                                                                     \
    "  - {key: r, type: ratio, match: {event_type: failed}, of: {event_type: [failed, done]}"

static void test_of_nothing_there_is_no_percentage_and_of_something_there_may_be_0(void **state)
{
    (void)state;
    struct fold_test t;
    fold_test_init(&t, ERRORS "}\n");
    assert_string_equal(data_of(&t, "r"), "{\"part\":0,\"whole\":0,\"unit\":\"%\"}");
    fold_now(&t, "other", NULL, NULL);
    assert_string_equal(data_of(&t, "r"), "{\"part\":0,\"whole\":0,\"unit\":\"%\"}");
    fold_now(&t, "done", NULL, NULL);
    assert_string_equal(data_of(&t, "r"), "{\"value\":0,\"part\":0,\"whole\":1,\"unit\":\"%\"}");
    for (int i = 0; i < 3; i++) {
        fold_now(&t, i == 0 ? "failed" : "done", NULL, NULL);
    }
    assert_string_equal(data_of(&t, "r"), "{\"value\":25,\"part\":1,\"whole\":4,\"unit\":\"%\"}");
    fold_test_free(&t);
}

static void test_a_row_may_be_of_the_part_of_the_whole_or_of_both(void **state)
{
    (void)state;
    struct fold_test t;
    fold_test_init(&t, "  - {key: r, type: ratio, match: {payload.a: 1}, of: {payload.b: 1}}\n");
    fold_now(&t, "made", NULL, "{\"a\":1}");
    fold_now(&t, "made", NULL, "{\"a\":1,\"b\":1}");
    fold_now(&t, "made", NULL, "{\"a\":1}");
    fold_now(&t, "made", NULL, "{\"a\":2,\"b\":1}");
    fold_now(&t, "made", NULL, "{}");
    assert_string_equal(data_of(&t, "r"), "{\"value\":150,\"part\":3,\"whole\":2,\"unit\":\"%\"}");
    fold_test_free(&t);
}

static void test_a_window_forgets_both(void **state)
{
    (void)state;
    struct fold_test t;
    fold_test_init(&t, ERRORS ", window: 10s}\n");
    fold_now(&t, "failed", NULL, NULL);
    pass_ms(&t, 6000);
    fold_now(&t, "done", NULL, NULL);
    assert_string_equal(data_of(&t, "r"), "{\"value\":50,\"part\":1,\"whole\":2,\"unit\":\"%\","
                                          "\"window_ms\":10000}");
    pass_ms(&t, 4100);
    assert_string_equal(data_of(&t, "r"), "{\"value\":0,\"part\":0,\"whole\":1,\"unit\":\"%\","
                                          "\"window_ms\":10000}");
    fold_at(&t, 9, 7000, "failed", NULL, NULL); /* a late one */
    assert_non_null(strstr(data_of(&t, "r"), "\"value\":50,"));
    pass_ms(&t, 10000);
    assert_string_equal(data_of(&t, "r"),
                        "{\"part\":0,\"whole\":0,\"unit\":\"%\",\"window_ms\":10000}");
    fold_test_free(&t);
}

static void test_a_day_begins_anew(void **state)
{
    (void)state;
    struct fold_test t;
    fold_test_init_in(&t, ", time_zone: Europe/Berlin", ERRORS ", window: today}\n");
    fold_now(&t, "failed", NULL, NULL);
    assert_string_equal(data_of(&t, "r"),
                        "{\"value\":100,\"part\":1,\"whole\":1,\"unit\":\"%\",\"window\":\"today\","
                        "\"begins_at\":\"2026-11-22T23:00:00.000Z\","
                        "\"time_zone\":\"Europe/Berlin\"}");
    pass_ms(&t, INT64_C(18) * 3600 * 1000);
    assert_string_equal(data_of(&t, "r"),
                        "{\"part\":0,\"whole\":0,\"unit\":\"%\",\"window\":\"today\","
                        "\"begins_at\":\"2026-11-23T23:00:00.000Z\","
                        "\"time_zone\":\"Europe/Berlin\"}");
    fold_test_free(&t);
}

static void test_what_is_saved_goes_on(void **state)
{
    (void)state;
    static const char *const spans[] = {"}\n", ", window: 1m}\n"};
    for (size_t i = 0; i < 2; i++) {
        char tile[200];
        struct fold_test t;
        struct fold_test again;
        struct state_changes store = {0};
        snprintf(tile, sizeof tile, "%s%s", ERRORS, spans[i]);
        fold_test_init(&t, tile);
        fold_test_init(&again, tile);
        fold_now(&t, "failed", NULL, NULL);
        fold_now(&t, "done", NULL, NULL);
        fold_now(&t, "done", NULL, NULL);
        (void)save_into(&t, &store);
        (void)load_from(&again, &store);
        fold_at(&again, 4, 0, "failed", NULL, NULL);
        assert_non_null(strstr(data_of(&again, "r"), "\"value\":50,\"part\":2,\"whole\":4,"));
        state_changes_free(&store);
        fold_test_free(&t);
        fold_test_free(&again);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_of_nothing_there_is_no_percentage_and_of_something_there_may_be_0),
        cmocka_unit_test(test_a_row_may_be_of_the_part_of_the_whole_or_of_both),
        cmocka_unit_test(test_a_window_forgets_both),
        cmocka_unit_test(test_a_day_begins_anew),
        cmocka_unit_test(test_what_is_saved_goes_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
