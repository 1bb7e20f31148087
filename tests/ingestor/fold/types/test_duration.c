/* SPDX-License-Identifier: Apache-2.0 */
/* duration: from the earliest row that opens an item to the earliest that closes it. */
#include "ingestor/fold/types/items.h"
#include "tests/ingestor/fold/fold_saved.h"
#include "tests/ingestor/fold/fold_unit.h"

#define TIME                                                                                       \
    "  - {key: d, type: duration, opens: {event_type: opened}, closes: {event_type: [solved, "     \
    "opensolved]}, item: target_id, window: "

static void test_items_that_ended_are_measured_and_others_run(void **state)
{
    (void)state;
    struct fold_test t;
    fold_test_init(&t, TIME "1h}\n");
    assert_string_equal(data_of(&t, "d"),
                        "{\"count\":0,\"running\":0,\"unit\":\"s\",\"window_ms\":3600000}");
    pass_ms(&t, 600000);
    fold_at(&t, 1, 0, "opened", "a", NULL);
    fold_at(&t, 2, 1000, "opened", "c", NULL);
    fold_at(&t, 3, 1000, "opened", "b", NULL);
    assert_string_equal(
        data_of(&t, "d"),
        "{\"count\":0,\"running\":3,\"unit\":\"s\",\"oldest_at\":\"2026-11-23T05:32:"
        "00.000Z\",\"oldest\":\"a\",\"window_ms\":3600000}");
    fold_at(&t, 4, 90001, "solved", "a", NULL);
    assert_string_equal(data_of(&t, "d"),
                        "{\"avg\":90.001,\"p50\":90,\"p95\":90,\"count\":1,\"running\":2,\"unit\":"
                        "\"s\",\"oldest_at\":\"2026-11-23T05:32:01.000Z\",\"oldest\":\"b\","
                        "\"window_ms\":3600000}");
    fold_at(&t, 5, 31000, "solved", "c", NULL);
    fold_at(&t, 6, 11000, "solved", "b", NULL);
    fold_at(&t, 7, 12000, "other", "b", NULL);
    fold_at(&t, 8, 12000, "opened", NULL, NULL);
    assert_string_equal(data_of(&t, "d"),
                        "{\"avg\":43.333,\"p50\":30,\"p95\":90,\"count\":3,\"running\":0,\"unit\":"
                        "\"s\",\"window_ms\":3600000}");
    fold_test_free(&t);
}

static void test_the_earliest_of_each_counts_in_whatever_order_they_come(void **state)
{
    (void)state;
    static const struct {
        int64_t at_ms;
        const char *type;
    } rows[] = {{20000, "opened"}, {50000, "solved"}, {10000, "opened"},
                {40000, "solved"}, {60000, "opened"}, {70000, "solved"}};
    for (size_t first = 0; first < 6; first++) {
        for (size_t step = 1; step <= 5; step += 4) { /* forwards and backwards */
            struct fold_test t;
            fold_test_init(&t, TIME "1h}\n");
            pass_ms(&t, 100000);
            for (size_t i = 0; i < 6; i++) {
                const size_t row = (first + i * step) % 6;
                fold_at(&t, (int64_t)row + 1, rows[row].at_ms, rows[row].type, "a", NULL);
            }
            assert_string_equal(data_of(&t, "d"),
                                "{\"avg\":30,\"p50\":30,\"p95\":30,\"count\":1,\"running\":0,"
                                "\"unit\":\"s\",\"window_ms\":3600000}");
            fold_test_free(&t);
        }
    }
}

static void test_what_ends_before_it_begins_is_not_measured(void **state)
{
    (void)state;
    struct fold_test t;
    fold_test_init(&t, TIME "1h}\n");
    pass_ms(&t, 100000);
    fold_at(&t, 1, 10000, "solved", "never begun", NULL);
    fold_at(&t, 2, 10000, "solved", "a", NULL);
    fold_at(&t, 3, 20000, "opened", "a", NULL);
    fold_at(&t, 4, 30000, "opensolved", "b", NULL);
    assert_string_equal(data_of(&t, "d"),
                        "{\"count\":0,\"running\":0,\"unit\":\"s\",\"window_ms\":3600000}");
    fold_at(&t, 5, 10000, "opened", "a", NULL); /* a late one: it took no time */
    assert_non_null(strstr(data_of(&t, "d"), "\"avg\":0,\"p50\":0,\"p95\":0,\"count\":1,"));
    fold_test_free(&t);
}

static void test_a_window_forgets_by_the_end(void **state)
{
    (void)state;
    struct fold_test t;
    fold_test_init(&t, TIME "10s}\n");
    fold_now(&t, "opened", "a", NULL);
    fold_now(&t, "opened", "b", NULL);
    pass_ms(&t, 1000);
    fold_now(&t, "solved", "a", NULL);
    pass_ms(&t, 6000);
    fold_now(&t, "solved", "b", NULL);
    assert_non_null(strstr(data_of(&t, "d"), "\"avg\":4,\"p50\":1,\"p95\":7,\"count\":2,"));
    pass_ms(&t, 4100);
    assert_non_null(strstr(data_of(&t, "d"), "\"avg\":7,\"p50\":7,\"p95\":7,\"count\":1,"));
    fold_at(&t, 90, -3000, "opened", "b", NULL); /* late ones: one is in the window, one is not */
    fold_at(&t, 91, -3000, "opened", "a", NULL);
    assert_non_null(strstr(data_of(&t, "d"), "\"avg\":10,\"p50\":10,\"p95\":10,\"count\":1,"));
    pass_ms(&t, 6000);
    assert_string_equal(data_of(&t, "d"),
                        "{\"count\":0,\"running\":0,\"unit\":\"s\",\"window_ms\":10000}");
    fold_test_free(&t);
}

static void test_a_day_begins_anew(void **state)
{
    (void)state;
    struct fold_test t;
    fold_test_init_in(&t, ", time_zone: Europe/Berlin", TIME "today}\n");
    fold_now(&t, "opened", "a", NULL);
    fold_now(&t, "opened", "b", NULL);
    pass_ms(&t, 5000);
    fold_now(&t, "solved", "a", NULL);
    assert_non_null(strstr(data_of(&t, "d"), "\"count\":1,\"running\":1,"));
    pass_ms(&t, INT64_C(18) * 3600 * 1000);
    assert_non_null(strstr(data_of(&t, "d"), "{\"count\":0,\"running\":1,"));
    assert_non_null(strstr(data_of(&t, "d"), "\"begins_at\":\"2026-11-23T23:00:00.000Z\""));
    fold_test_free(&t);
}

static void test_more_than_are_remembered_are_forgotten_in_their_order(void **state)
{
    (void)state;
    struct fold_test t;
    char id[16];
    fold_test_init(&t, TIME "1h}\n");
    for (int i = 0; i < ITEMS_CLOSED_MAX + 10; i++) {
        snprintf(id, sizeof id, "i%d", i);
        fold_now(&t, "opened", id, NULL);
        fold_now(&t, "solved", id, NULL);
    }
    assert_non_null(strstr(data_of(&t, "d"), "\"count\":100000,\"running\":0,"));
    pass_ms(&t, 3700000);
    assert_non_null(strstr(data_of(&t, "d"), "{\"count\":0,\"running\":0,"));
    fold_test_free(&t);
}

/* It is Monday, 05:32 in UTC. */
static void test_only_business_time_counts(void **state)
{
    (void)state;
    struct fold_test t;
    fold_test_init(&t, TIME "9d, calendar: desk}\n"
                            "calendars: [{name: desk, mon: 05:32-05:33, tue: 06:00-07:00}]\n");
    fold_at(&t, 1, 0, "opened", "a", NULL);
    pass_ms(&t, INT64_C(24) * 3600000 + 28 * 60000 + 5000); /* Tuesday, 06:00:05 */
    fold_now(&t, "solved", "a", NULL);
    assert_non_null(strstr(data_of(&t, "d"), "\"avg\":65,"));
    fold_at(&t, 90, 30000, "solved", "a", NULL); /* late, and before the night */
    assert_non_null(strstr(data_of(&t, "d"), "\"avg\":30,\"p50\":30,\"p95\":30,\"count\":1,"));
    fold_at(&t, 91, 70000, "opened", "b", NULL); /* and one that took only closed time */
    fold_at(&t, 92, 80000, "solved", "b", NULL);
    assert_non_null(strstr(data_of(&t, "d"), "\"avg\":15,\"p50\":0,\"p95\":30,\"count\":2,"));
    pass_ms(&t, INT64_C(8) * 24 * 3600000); /* all leave the window */
    assert_non_null(strstr(data_of(&t, "d"), "{\"count\":0,\"running\":0,"));
    fold_test_free(&t);
}

static void test_what_is_saved_goes_on(void **state)
{
    (void)state;
    struct fold_test t;
    struct fold_test again;
    struct state_changes store = {0};
    fold_test_init(&t, TIME "1h}\n");
    fold_test_init(&again, TIME "1h}\n");
    pass_ms(&t, 100000);
    fold_at(&t, 1, 0, "opened", "a", NULL);
    fold_at(&t, 2, 0, "opened", "b", NULL);
    fold_at(&t, 3, 20000, "solved", "a", NULL);
    fold_at(&t, 4, 9000, "solved", "c", NULL);
    (void)save_into(&t, &store);
    (void)load_from(&again, &store);
    pass_ms(&again, 100000);
    assert_non_null(strstr(data_of(&again, "d"), "\"avg\":20,\"p50\":20,\"p95\":20,\"count\":1,"));
    fold_at(&again, 5, 40000, "solved", "b", NULL);
    fold_at(&again, 6, 10000, "solved", "a", NULL);
    fold_at(&again, 7, 3000, "opened", "c", NULL);
    assert_non_null(strstr(data_of(&again, "d"),
                           "\"avg\":18.666,\"p50\":10,\"p95\":40,\"count\":3,\"running\":0,"));
    state_changes_free(&store);
    fold_test_free(&t);
    fold_test_free(&again);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_items_that_ended_are_measured_and_others_run),
        cmocka_unit_test(test_the_earliest_of_each_counts_in_whatever_order_they_come),
        cmocka_unit_test(test_what_ends_before_it_begins_is_not_measured),
        cmocka_unit_test(test_a_window_forgets_by_the_end),
        cmocka_unit_test(test_a_day_begins_anew),
        cmocka_unit_test(test_more_than_are_remembered_are_forgotten_in_their_order),
        cmocka_unit_test(test_only_business_time_counts),
        cmocka_unit_test(test_what_is_saved_goes_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
