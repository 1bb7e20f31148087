/* SPDX-License-Identifier: Apache-2.0 */
/* Rows from the future: they wait, in all types of tile, and across a checkpoint. */
#include "ingestor/fold/waiting.h"

#include "tests/ingestor/fold/fold_random.h"
#include "tests/ingestor/fold/fold_saved.h"

#define AHEAD_MS 3600000

/* A row of each kind, an hour ahead. */
static void fold_ahead(struct fold_test *t)
{
    static const char payload[] = "{\"metric\":\"m\",\"value\":7,\"v\":2,\"team\":\"a\"}";
    fold_at(t, t->next_id++, AHEAD_MS, "made", "i", payload);
    fold_at(t, t->next_id++, AHEAD_MS, "metrics.updated", NULL, payload);
}

static void test_a_row_from_the_future_waits_in_all_types(void **state)
{
    (void)state;
    struct fold_test t;
    struct fold_test empty;
    struct fold_test now;
    fold_test_init(&t, all_types);
    fold_test_init(&empty, all_types);
    fold_test_init(&now, all_types);
    fold_ahead(&t);
    assert_int_equal(fold_waiting(t.fold), 2);
    for (size_t i = 0; i < sizeof all_keys / sizeof *all_keys; i++) {
        assert_string_equal(data_of(&t, all_keys[i]), data_of(&empty, all_keys[i]));
    }
    pass_ms(&t, AHEAD_MS - 1);
    pass_ms(&empty, AHEAD_MS - 1);
    for (size_t i = 0; i < sizeof all_keys / sizeof *all_keys; i++) {
        assert_string_equal(data_of(&t, all_keys[i]), data_of(&empty, all_keys[i]));
    }
    assert_int_equal(fold_wait_us(t.fold, t.now), 1 * US_PER_MS);
    pass_ms(&t, 1);
    assert_int_equal(fold_waiting(t.fold), 0);
    pass_ms(&now, AHEAD_MS);
    fold_ahead(&now);
    assert_same(&t, &now);
    assert_string_equal(data_of(&t, "ever"), "{\"value\":2}");
    assert_non_null(strstr(data_of(&t, "gauge"), "\"value\":7"));
    assert_non_null(strstr(data_of(&t, "sla"), "\"ok\":1"));
    assert_non_null(strstr(data_of(&t, "backlog"), "\"oldest_at\":\"2026-11-23T06:32:00.000Z\""));
    assert_string_equal(data_of(&t, "family/a"), "{\"value\":2,\"window_ms\":30000}");
    fold_test_free(&t);
    fold_test_free(&empty);
    fold_test_free(&now);
}

static void take_times(void *arg, const struct fold_output *output)
{
    *(struct fold_output *)arg = *output;
}

static void test_it_is_news_since_its_time_came(void **state)
{
    (void)state;
    struct fold_test t;
    struct fold_output output = {.arrival = {-1}};
    fold_test_init(&t, "  - {key: a, type: count}\n");
    flush(&t);
    fold_at(&t, 1, 500, "x", NULL, NULL);
    pass_ms(&t, 600);
    fold_flush(t.fold, t.now, take_times, &output);
    assert_int_equal(output.arrival.us, START_US + 500 * US_PER_MS);
    assert_int_equal(output.source.us, START_US + 500 * US_PER_MS);
    fold_test_free(&t);
}

static void test_a_type_that_no_tile_asks_for_does_not_wait(void **state)
{
    (void)state;
    struct fold_test t;
    fold_test_init(&t, "  - {key: a, type: count, match: {event_type: x}}\n");
    fold_at(&t, 1, 500, "y", NULL, NULL);
    assert_int_equal(fold_waiting(t.fold), 0);
    assert_int_equal(fold_counters(t.fold)->future_dropped, 0);
    fold_test_free(&t);
}

static void test_too_many_rows_lose_those_furthest_ahead(void **state)
{
    (void)state;
    struct fold_test t;
    fold_test_init(&t, "  - {key: a, type: count}\n");
    for (int i = 0; i < WAITING_ROWS_MAX; i++) {
        fold_at(&t, t.next_id++, AHEAD_MS + i, "x", NULL, NULL);
    }
    assert_int_equal(fold_counters(t.fold)->future_dropped, 0);
    fold_at(&t, t.next_id++, 2 * AHEAD_MS, "x", NULL,
            NULL);                                   /* the furthest: it is dropped itself */
    fold_at(&t, t.next_id++, 1000, "x", NULL, NULL); /* takes the place of another */
    assert_int_equal(fold_counters(t.fold)->future_dropped, 2);
    assert_int_equal(fold_waiting(t.fold), WAITING_ROWS_MAX);
    pass_ms(&t, 1000);
    assert_string_equal(data_of(&t, "a"), "{\"value\":1}");
    pass_ms(&t, 10 * AHEAD_MS);
    assert_string_equal(data_of(&t, "a"), "{\"value\":65536}");
    fold_test_free(&t);
}

static void test_too_many_bytes_lose_those_furthest_ahead(void **state)
{
    (void)state;
    struct fold_test t;
    fold_test_init(&t, "  - {key: a, type: count}\n");
    struct buf payload = {0};
    for (int i = 0; i < 1000000; i++) {
        buf_append_char(&payload, 'x');
    }
    for (int i = 0; i < 50; i++) {
        fold_at(&t, t.next_id++, 1 + i, "x", NULL, buf_cstr(&payload));
    }
    assert_int_equal(fold_waiting(t.fold), 33);
    assert_int_equal(fold_counters(t.fold)->future_dropped, 17);
    buf_free(&payload);
    fold_test_free(&t);
}

static void test_what_waits_survives_a_checkpoint(void **state)
{
    (void)state;
    struct fold_test kept;
    struct fold_test restored;
    struct state_changes saved = {0};
    fold_test_init(&kept, all_types);
    fold_test_init(&restored, all_types);
    fold_ahead(&kept);
    (void)save_into(&kept, &saved);
    (void)load_from(&restored, &saved);
    assert_int_equal(fold_waiting(restored.fold), 2);
    pass_ms(&kept, AHEAD_MS);
    pass_ms(&restored, AHEAD_MS);
    struct fold_output output = {.arrival = {-1}};
    fold_flush(restored.fold, restored.now, take_times, &output);
    assert_int_equal(output.arrival.us, 0); /* nobody waited for it meanwhile: it is no news */
    assert_same(&kept, &restored);
    state_changes_free(&saved);
    fold_test_free(&kept);
    fold_test_free(&restored);
}

static void test_columns_of_ones_own_wait_and_survive_by_name(void **state)
{
    (void)state;
    static const char head[] = "source: {uri: \"sqlite:x.db\", columns: {%s}}\n"
                               "tiles:\n  - {key: a, type: count, match: {shop: north}}\n";
    static const char *const columns[] = {"shop: shop, till: till", "till: till, shop: shop"};
    struct config *configs[2];
    struct fold *folds[2];
    struct state_changes saved = {0};
    for (int i = 0; i < 2; i++) {
        char text[256];
        struct error err = {{0}};
        const int len = snprintf(text, sizeof text, head, columns[i]);
        assert_int_equal(config_parse(text, (size_t)len, "x", &configs[i], &err), STATUS_OK);
        folds[i] = fold_create(configs[i], UINT64_MAX);
    }
    const struct event_extra extras[] = {{"shop", STR("north")}, {"till", STR_NULL}};
    const struct event event = {.id = {.number = 1},
                                .timestamp = {START_US + 1000},
                                .event_type = STR("x"),
                                .extras = extras,
                                .extra_count = 2};
    struct fold_test t = {.now = {{START_US}, {1000000000}}};
    fold_event(folds[0], &event, t.now);
    struct fold_test from = {.now = t.now, .fold = folds[0]};
    struct fold_test to = {.now = t.now, .fold = folds[1]};
    (void)save_into(&from, &saved);
    (void)load_from(&to, &saved);
    for (int i = 0; i < 2; i++) {
        struct fold_test at = {.now = t.now, .fold = folds[i]};
        pass_ms(&at, 1);
        assert_string_equal(data_of(&at, "a"), "{\"value\":1}");
        free(at.json);
        fold_destroy(&folds[i]);
        config_destroy(&configs[i]);
    }
    state_changes_free(&saved);
}

/* What waits was read from the columns before. Tiles that read others are built anew, from the
 * table alone; and through a crash in the middle of it. */
static void test_what_waits_is_read_again_from_other_columns(void **state)
{
    (void)state;
    static const char tiles[] = "  - {key: all, type: count}\n"
                                "  - {key: shop, type: count, match: {target_id: new}}\n";
    static const char other[] = ", columns: {target_id: shop}";
    struct fold_test t;
    struct state_changes saved = {0};
    struct str from;
    fold_test_init(&t, tiles);
    fold_at(&t, 1, AHEAD_MS, "x", "old", NULL);
    fold_at(&t, 2, AHEAD_MS, "x", "old", NULL);
    fold_at(&t, 3, AHEAD_MS, "x", "new", NULL);
    (void)save_into(&t, &saved);
    for (int life = 0; life < 2; life++) {
        fold_test_free(&t);
        fold_test_init_in(&t, other, tiles);
        (void)load_from(&t, &saved);
        assert_int_equal(fold_builds(t.fold), 1);
        assert_int_equal(fold_waiting(t.fold), 3);
        (void)save_into(&t, &saved);
    }
    assert_true(fold_build_next(t.fold, t.now, &from));
    for (int id = 2; id <= 3; id++) { /* the first is gone */
        const struct event again = {.id = {.number = id},
                                    .timestamp = {START_US + AHEAD_MS * US_PER_MS},
                                    .event_type = STR("x"),
                                    .target_id = id == 2 ? STR("new") : STR("old")};
        fold_build_event(t.fold, &again, t.now);
    }
    fold_build_end(t.fold, 0, t.now);
    pass_ms(&t, AHEAD_MS);
    assert_string_equal(data_of(&t, "all"), "{\"value\":3}");
    assert_string_equal(data_of(&t, "shop"), "{\"value\":1}");
    state_changes_free(&saved);
    fold_test_free(&t);
}

/* Its time comes between the start and the moment when it is read again. */
static void test_what_is_due_before_it_is_read_again_counts_once(void **state)
{
    (void)state;
    static const char tiles[] = "  - {key: all, type: count}\n"
                                "  - {key: shop, type: count, match: {target_id: new}}\n";
    struct fold_test t;
    struct state_changes saved = {0};
    struct str from;
    for (int during = 0; during < 2; during++) {
        fold_test_init(&t, tiles);
        fold_at(&t, 1, AHEAD_MS, "x", "old", NULL);
        (void)save_into(&t, &saved);
        fold_test_free(&t);
        fold_test_init_in(&t, ", columns: {target_id: shop}", tiles);
        (void)load_from(&t, &saved);
        pass_ms(&t, during != 0 ? 0 : AHEAD_MS);
        assert_true(fold_build_next(t.fold, t.now, &from));
        pass_ms(&t, during != 0 ? AHEAD_MS : 0);
        const struct event again = {.id = {.number = 1},
                                    .timestamp = {START_US + AHEAD_MS * US_PER_MS},
                                    .event_type = STR("x"),
                                    .target_id = STR("new")};
        fold_build_event(t.fold, &again, t.now);
        fold_build_end(t.fold, 0, t.now);
        assert_string_equal(data_of(&t, "all"), "{\"value\":1}");
        assert_string_equal(data_of(&t, "shop"), "{\"value\":1}");
        state_changes_clear(&saved);
        fold_test_free(&t);
    }
    state_changes_free(&saved);
}

/* All tiles stand on these columns, and all rows are read again. */
static void test_nothing_waits_on_with_other_ids_or_types(void **state)
{
    (void)state;
    static const char tiles[] = "  - {key: all, type: count}\n";
    static const char *const others[] = {", columns: {id: n}", ", columns: {event_type: kind}",
                                         ", columns: {timestamp: at}"};
    struct fold_test t;
    struct state_changes saved = {0};
    fold_test_init(&t, tiles);
    fold_at(&t, 1, AHEAD_MS, "x", NULL, NULL);
    (void)save_into(&t, &saved);
    for (size_t i = 0; i < 3; i++) {
        fold_test_free(&t);
        fold_test_init_in(&t, others[i], tiles);
        (void)load_from(&t, &saved);
        assert_int_equal(fold_builds(t.fold), 1);
        assert_int_equal(fold_waiting(t.fold), 0);
    }
    state_changes_free(&saved);
    fold_test_free(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_row_from_the_future_waits_in_all_types),
        cmocka_unit_test(test_it_is_news_since_its_time_came),
        cmocka_unit_test(test_a_type_that_no_tile_asks_for_does_not_wait),
        cmocka_unit_test(test_too_many_rows_lose_those_furthest_ahead),
        cmocka_unit_test(test_too_many_bytes_lose_those_furthest_ahead),
        cmocka_unit_test(test_what_waits_survives_a_checkpoint),
        cmocka_unit_test(test_what_waits_is_read_again_from_other_columns),
        cmocka_unit_test(test_what_is_due_before_it_is_read_again_counts_once),
        cmocka_unit_test(test_nothing_waits_on_with_other_ids_or_types),
        cmocka_unit_test(test_columns_of_ones_own_wait_and_survive_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
