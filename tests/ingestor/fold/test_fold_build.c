/* SPDX-License-Identifier: Apache-2.0 */
/* Builds beside running tiles, and what of the state must outlive saves that fail. */
#include "ingestor/fold/fold_build.h"

#include "tests/ingestor/fold/fold_saved.h"

static const char one[] = "  - {key: a, type: count, match: {event_type: a}}\n";
static const char both[] = "  - {key: a, type: count, match: {event_type: a}}\n"
                           "  - {key: b, type: count, match: {event_type: b}, window: 60s}\n";

static struct event row(int64_t id, int64_t at_ms, const char *type)
{
    return (struct event){.id = {.number = id},
                          .timestamp = {START_US + at_ms * US_PER_MS},
                          .event_type = str_of(type)};
}

/* When it was delivered nobody kept it. */
static void test_a_row_of_the_future_that_no_tile_asked_for(void **state)
{
    (void)state;
    struct fold_test t;
    struct fold_test with_b;
    struct state_changes store = {0};
    struct str from;
    fold_test_init(&t, one);
    fold_test_init(&with_b, both);
    const struct event future = row(1, 5000, "b");
    fold_event(t.fold, &future, t.now);
    (void)save_into(&t, &store);
    (void)load_from(&with_b, &store);
    assert_true(fold_build_next(with_b.fold, with_b.now, &from));
    fold_build_event(with_b.fold, &future, with_b.now);
    fold_build_end(with_b.fold, 0, with_b.now);
    assert_non_null(strstr(data_of(&with_b, "b"), "\"value\":0"));
    pass_ms(&with_b, 5000);
    assert_non_null(strstr(data_of(&with_b, "b"), "\"value\":1"));
    state_changes_free(&store);
    fold_test_free(&t);
    fold_test_free(&with_b);
}

/* The others have it already, so it is neither to wait nor to be left out. */
static void test_a_clock_that_is_set_back_during_a_build(void **state)
{
    (void)state;
    struct fold_test t;
    struct fold_test with_b;
    struct state_changes store = {0};
    struct str from;
    fold_test_init(&t, one);
    fold_test_init(&with_b, both);
    const struct event seen = row(1, 9000, "b");
    pass_ms(&t, 10000);
    fold_event(t.fold, &seen, t.now);
    (void)save_into(&t, &store);
    with_b.now = t.now;
    (void)load_from(&with_b, &store);
    assert_true(fold_build_next(with_b.fold, with_b.now, &from));
    with_b.now.wall.us -= 8 * US_PER_S;
    fold_build_event(with_b.fold, &seen, with_b.now);
    fold_build_end(with_b.fold, 0, with_b.now);
    assert_int_equal(fold_waiting(with_b.fold), 0);
    pass_ms(&with_b, 8000);
    assert_non_null(strstr(data_of(&with_b, "b"), "\"value\":1"));
    state_changes_free(&store);
    fold_test_free(&t);
    fold_test_free(&with_b);
}

/* The list of changes was cut down, for the store failed for long: what became of retired tiles is
 * in it, and nowhere else. */
static void test_where_a_tile_was_taken_out_outlives_a_store_that_fails(void **state)
{
    (void)state;
    struct fold_test t;
    struct fold_test without;
    struct fold_test again;
    struct state_changes store = {0};
    struct state_changes pending = {0};
    struct str from;
    fold_test_init(&t, both);
    fold_test_init(&without, one);
    fold_test_init(&again, both);
    (void)save_into(&t, &store);
    struct fold_load how = {.place = STR("early"), .now = t.now.wall};
    assert_int_equal(fold_load(without.fold, &store, &how, NULL), STATUS_OK);
    fold_save(without.fold, without.now.wall, &pending);
    fold_unsave(without.fold, &pending);
    fold_save(without.fold, without.now.wall, &pending);
    state_changes_append(&store, &pending);
    store_settle(&store);
    how.place = STR("late");
    assert_int_equal(fold_load(again.fold, &store, &how, NULL), STATUS_OK);
    assert_true(fold_build_next(again.fold, again.now, &from));
    assert_true(str_is(from, "early"));
    state_changes_free(&pending);
    state_changes_free(&store);
    fold_test_free(&t);
    fold_test_free(&without);
    fold_test_free(&again);
}

/* So does that nothing of an earlier state is of use. */
static void test_an_earlier_state_stays_gone_though_the_store_fails(void **state)
{
    (void)state;
    struct fold_test t;
    struct fold_test anew;
    struct state_changes store = {0};
    struct state_changes pending = {0};
    fold_test_init(&t, both);
    fold_test_init(&anew, one);
    (void)save_into(&t, &store);
    fold_save(anew.fold, anew.now.wall, &pending);
    fold_unsave(anew.fold, &pending);
    fold_save(anew.fold, anew.now.wall, &pending);
    state_changes_append(&store, &pending);
    store_settle(&store);
    for (size_t i = 0; i < store.count; i++) {
        assert_true(store.list[i].id.tile <= 1);
    }
    state_changes_free(&pending);
    state_changes_free(&store);
    fold_test_free(&t);
    fold_test_free(&anew);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_row_of_the_future_that_no_tile_asked_for),
        cmocka_unit_test(test_a_clock_that_is_set_back_during_a_build),
        cmocka_unit_test(test_where_a_tile_was_taken_out_outlives_a_store_that_fails),
        cmocka_unit_test(test_an_earlier_state_stays_gone_though_the_store_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
