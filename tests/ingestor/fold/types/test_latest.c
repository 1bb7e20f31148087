/* SPDX-License-Identifier: Apache-2.0 */
/* The newest rows, in whatever order they come. */
#include "tests/ingestor/fold/fold_saved.h"
#include "tests/ingestor/fold/fold_unit.h"

#define THREE                                                                                      \
    "  - {key: t, type: latest, match: {event_type: failed}, show: [target_id, payload.amount], "  \
    "rows: 3}\n"
#define SHOW "{\"show\":[\"target_id\",\"payload.amount\"],\"rows\":{"
#define ROW(id, second, fields)                                                                    \
    "\"" id "\":{\"at\":\"2026-11-23T05:32:" second ".000Z\",\"fields\":{" fields "}}"

static void test_the_newest_rows_are_shown_newest_first(void **state)
{
    (void)state;
    struct fold_test t;
    fold_test_init(&t, THREE);
    assert_string_equal(data_of(&t, "t"), SHOW "}}");
    pass_ms(&t, 50000);
    fold_at(&t, 1, 10000, "failed", "a", "{\"amount\":19.5}");
    fold_at(&t, 2, 20000, "failed", NULL, "{\"amount\":\"x\"}");
    fold_at(&t, 3, 30000, "paid", "c", "{\"amount\":1}");
    assert_string_equal(data_of(&t, "t"),
                        SHOW ROW("2", "20", "\"payload.amount\":\"x\"") "," ROW(
                            "1", "10", "\"target_id\":\"a\",\"payload.amount\":\"19.5\"") "}}");
    fold_at(&t, 4, 40000, "failed", "d", "no JSON");
    fold_at(&t, 5, 15000, "failed", "e", "{\"amount\":{\"a\":1}}"); /* a late one */
    fold_at(&t, 6, 5000, "failed", "f", NULL);                      /* one that is too old */
    assert_string_equal(
        data_of(&t, "t"),
        SHOW ROW("4", "40", "\"target_id\":\"d\"") "," ROW(
            "2", "20", "\"payload.amount\":\"x\"") "," ROW("5", "15", "\"target_id\":\"e\"") "}}");
    fold_test_free(&t);
}

static void test_of_equal_times_the_greater_ids_are_newer(void **state)
{
    (void)state;
    struct fold_test t;
    fold_test_init(&t, THREE);
    static const int64_t ids[] = {10, 9, 12, 11};
    for (size_t i = 0; i < 4; i++) {
        fold_at(&t, ids[i], 0, "failed", NULL, NULL);
    }
    assert_string_equal(data_of(&t, "t"), SHOW ROW("12", "00", "") "," ROW("11", "00", "") "," ROW(
                                              "10", "00", "") "}}");
    fold_test_free(&t);
}

static void test_a_row_from_the_future_waits(void **state)
{
    (void)state;
    struct fold_test t;
    fold_test_init(&t, THREE);
    fold_at(&t, 1, 30000, "failed", "a", NULL);
    assert_string_equal(data_of(&t, "t"), SHOW "}}");
    pass_ms(&t, 30000);
    assert_string_equal(data_of(&t, "t"), SHOW ROW("1", "30", "\"target_id\":\"a\"") "}}");
    fold_test_free(&t);
}

static void test_a_long_text_is_cut_where_a_character_ends(void **state)
{
    (void)state;
    struct fold_test t;
    fold_test_init(&t, THREE);
    char target[300];
    char expected[600];
    memset(target, 'x', 255);
    memcpy(target + 255, "\xc3\xa4tail", 7); /* "ätail": the letter would end at byte 257 */
    fold_at(&t, 1, 0, "failed", target, NULL);
    snprintf(expected, sizeof expected, SHOW ROW("1", "00", "\"target_id\":\"%.255s\"") "}}",
             target);
    assert_string_equal(data_of(&t, "t"), expected);
    fold_test_free(&t);
}

static void test_what_is_saved_goes_on(void **state)
{
    (void)state;
    struct fold_test t;
    struct fold_test again;
    struct state_changes store = {0};
    fold_test_init(&t, THREE);
    fold_test_init(&again, THREE);
    for (int64_t id = 1; id <= 5; id++) {
        fold_at(&t, id, 0, "failed", "a", "{\"amount\":1}");
    }
    (void)save_into(&t, &store);
    (void)load_from(&again, &store);
    fold_at(&again, 6, 0, "failed", "b", NULL);
    const char *amount = "\"target_id\":\"a\",\"payload.amount\":\"1\"";
    char expected[600];
    snprintf(expected, sizeof expected,
             SHOW ROW("6", "00", "\"target_id\":\"b\"") "," ROW("5", "00", "%s") "," ROW("4", "00",
                                                                                         "%s") "}}",
             amount, amount);
    assert_string_equal(data_of(&again, "t"), expected);
    state_changes_free(&store);
    fold_test_free(&t);
    fold_test_free(&again);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_newest_rows_are_shown_newest_first),
        cmocka_unit_test(test_of_equal_times_the_greater_ids_are_newer),
        cmocka_unit_test(test_a_row_from_the_future_waits),
        cmocka_unit_test(test_a_long_text_is_cut_where_a_character_ends),
        cmocka_unit_test(test_what_is_saved_goes_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
