/* SPDX-License-Identifier: Apache-2.0 */
/* Reading by a cursor, on a table in memory: rows that are committed in any order are each
 * delivered once, and after any crash in the order in which they were delivered before it. */
#include "tests/ingestor/source/cursor/cursor_world.h"

/* ---- Tests ---- */

static void take_step(struct world *w)
{
    switch (rand_r(&w->seed) % 8) {
    case 0:
        (void)commit(w, rand_r(&w->seed) % 280 * US_PER_S); /* late */
        break;
    case 1:
        (void)commit(w, -(rand_r(&w->seed) % 4000) * US_PER_MS); /* of the future, or so */
        break;
    case 2:
    case 3:
        (void)commit(w, 0);
        break;
    case 4:
        save(w);
        break;
    case 5:
        if (rand_r(&w->seed) % 3 == 0) {
            crash(w);
        }
        break;
    default:
        cursor_woken(&w->cursor);
        (void)take_batch(w, 1 + (size_t)rand_r(&w->seed) % 5);
        break;
    }
}

static void test_random_commits_and_crashes(void **state)
{
    (void)state;
    for (unsigned seed = 1; seed <= 12; seed++) {
        struct world w;
        world_init(&w, "5m", seed);
        for (int i = 0; i < 20; i++) {
            (void)commit(&w, rand_r(&w.seed) % 600 * US_PER_S); /* before it begins */
        }
        settle(&w, 7);
        save(&w);
        const uint64_t origin = w.origin;
        for (int step = 0; step < 250; step++) {
            take_step(&w);
        }
        settle(&w, 3);
        assert_int_equal(w.origin, origin);
        assert_int_equal(w.last, w.count);
        world_free(&w);
    }
}

/* The rows that a table has from long ago are each delivered once, too, however often it crashes on
 * the way, and their ids are not held. */
static void test_an_old_table_is_read_without_holding_its_ids(void **state)
{
    (void)state;
    for (unsigned seed = 1; seed <= 12; seed++) {
        struct world w;
        world_init(&w, "5m", seed);
        for (int i = 0; i < 300; i++) {
            (void)commit(&w, 600 * US_PER_S + rand_r(&w.seed) % 7200 * US_PER_S);
        }
        for (int i = 0; i < 80; i++) {
            (void)commit(&w, rand_r(&w.seed) % 280 * US_PER_S);
        }
        size_t most = 0;
        while (w.last < 380 || w.cursor.building) {
            (void)take_batch(&w, 1 + (size_t)rand_r(&w.seed) % 40);
            const size_t held = HASH_CNT(by_id, w.cursor.state.set.table);
            most = held > most ? held : most;
            if (rand_r(&w.seed) % 4 == 0) {
                save(&w);
            } else if (w.has_saved && rand_r(&w.seed) % 4 == 0) {
                crash(&w);
            }
        }
        assert_true(most <= 80);
        save(&w);
        crash(&w);
        (void)commit(&w, 100 * US_PER_S); /* late */
        (void)commit(&w, 0);
        settle(&w, 7);
        assert_int_equal(w.last, w.count);
        world_free(&w);
    }
}

static void test_rows_that_are_gone_leave_their_places_empty(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, "5m", 3);
    for (int i = 0; i < 10; i++) {
        (void)commit(&w, (10 - i) * US_PER_S);
    }
    settle(&w, 100);
    save(&w);
    for (int i = 0; i < 6; i++) {
        (void)commit(&w, i % 2 * 60 * US_PER_S);
    }
    settle(&w, 100);
    w.rows[0].deleted = w.rows[w.count - 1].deleted = true;
    crash(&w);
    (void)commit(&w, 0);
    settle(&w, 100);
    assert_int_equal(w.last, 17);
    world_free(&w);
}

static void test_a_row_that_is_later_than_the_window_is_not_read(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, "10s", 3);
    for (int i = 0; i < 200; i++) {
        (void)commit(&w, (200 - i) * US_PER_S);
        settle(&w, 1);
    }
    assert_true(w.cursor.state.set.bytes < (size_t)80 * 300); /* the others are forgotten */
    char id[40];
    memcpy(id, commit(&w, 100 * US_PER_S).p, sizeof id);
    (void)commit(&w, 5 * US_PER_S);
    (void)commit(&w, 0);
    for (int i = 0; i < 50; i++) {
        cursor_woken(&w.cursor);
        (void)take_batch(&w, 100);
        pause_briefly();
    }
    assert_int_equal(row_of(&w, str_of(id))->delivered, 0);
    world_free(&w);
}

static void test_rows_of_the_future_are_once_even_when_their_time_comes(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, "10s", 3);
    (void)commit(&w, 0);
    settle(&w, 10);
    (void)commit(&w, -2300 * US_PER_MS); /* 2 s are no future yet */
    settle(&w, 10);
    assert_non_null(w.cursor.state.set.ahead);
    save(&w);
    crash(&w);
    while (w.cursor.state.set.ahead != NULL) { /* until the position has come to it */
        (void)commit(&w, 0);
        settle(&w, 10);
    }
    save(&w);
    crash(&w);
    (void)commit(&w, 0);
    settle(&w, 10);
    assert_null(w.cursor.state.set.ahead);
    world_free(&w);
}

static void test_rows_without_a_place_are_read_past_and_not_read_over_and_over(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, "5m", 3);
    for (int i = 0; i < 300;
         i++) { /* many batches of them, before, between and behind the others */
        commit_misplaced(&w, 100 * US_PER_S);
        commit_misplaced(&w, 50 * US_PER_S);
        commit_misplaced(&w, 0);
        (void)commit(&w, (200 - i % 5 * 30) * US_PER_S);
    }
    settle(&w, 10);
    struct batch *batch = NULL;
    struct error err;
    do { /* what is read now is nothing new, and there is no more of it */
        batch_destroy(&batch);
        assert_int_equal(cursor_read(&w.cursor, 10, &batch, &err), STATUS_OK);
    } while (batch != NULL && batch->more);
    batch_destroy(&batch);
    w.cursor.thorough.due_at = MONO_NEVER;
    w.cursor.hot.due_at = MONO_NEVER;
    w.handed = 0;
    (void)take_batch(&w, 10);
    assert_true(w.handed <= 10);
    w.cursor.thorough.due_at = clock_mono();
    (void)commit(&w, 0); /* behind them all */
    settle(&w, 10);
    world_free(&w);
}

static void test_late_rows_are_fetched_together(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, "5m", 3);
    (void)commit(&w, 0);
    settle(&w, 100);
    w.finds = 0;
    for (int i = 0; i < 500; i++) {
        (void)commit(&w, 100 * US_PER_S);
    }
    settle(&w, 100);
    assert_in_range(w.finds, 1, 10);
    save(&w);
    w.finds = 0;
    crash(&w); /* those that the event log holds, from the state; and none from the journal */
    (void)commit(&w, 0);
    settle(&w, 100);
    assert_in_range(w.finds, 1, 2);
    world_free(&w);
}

static void test_a_lost_journal_costs_the_order_and_no_row(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, "5m", 3);
    for (int i = 0; i < 10; i++) {
        (void)commit(&w, 0);
    }
    settle(&w, 100);
    save(&w);
    const uint64_t origin = w.origin;
    (void)commit(&w, 0);
    settle(&w, 100);
    for (size_t i = 0; i < w.count; i++) { /* the fold has not got what came since, either */
        w.rows[i].delivered = w.rows[i].delivered <= 10 ? w.rows[i].delivered : 0;
    }
    w.last = 10;
    cursor_close(&w.cursor);
    start(&w, STR_NULL);
    settle(&w, 100);
    assert_true(w.origin > origin);
    assert_false(w.cursor.started_over);
    world_free(&w);
}

/* Copies that hold rows which are gone learn of it by that, even when no further row comes. */
static void test_after_the_past_the_end_of_the_table_is_told(void **state)
{
    (void)state;
    struct world w;
    bool told = false;
    world_init(&w, "5m", 3);
    for (int i = 0; i < 10; i++) {
        (void)commit(&w, (10 - i) * US_PER_S);
    }
    settle(&w, 100);
    save(&w);
    crash(&w);
    for (int i = 0; i < 2; i++) {
        struct batch *batch;
        struct error err;
        assert_int_equal(cursor_read(&w.cursor, 100, &batch, &err), STATUS_OK);
        assert_non_null(batch);
        assert_true(batch->history == (i == 0));
        told = !batch->history && !batch->more;
        batch_destroy(&batch);
    }
    assert_true(told);
    world_free(&w);
}

static void test_states_of_others_are_not_taken(void **state)
{
    (void)state;
    struct world w;
    struct buf other = {0};
    world_init(&w, "5m", 3);
    (void)commit(&w, 0);
    settle(&w, 100);
    save(&w);
    assert_false(cursor_state_is_newer(buf_str(&w.saved)));
    mp_put_array(&other, 2);
    mp_put_text(&other, "cursor");
    mp_put_int(&other, 2);
    assert_true(cursor_state_is_newer(buf_str(&other)));
    buf_clear(&other);
    mp_put_array(&other, 2);
    mp_put_int(&other, 1000); /* of a source whose ids grow */
    mp_put_int(&other, 1);
    assert_false(cursor_state_is_newer(buf_str(&other)));
    /* Cut short anywhere, it is none, or that of an earlier batch; nothing is read behind its end.
     */
    for (size_t len = 0; len < w.saved.len; len++) {
        char *cut = x_memdup(w.saved.data, len + 1);
        struct cursor_state loaded = {.config = w.config};
        (void)cursor_state_load(&loaded, (struct str){cut, len});
        cursor_state_free(&loaded);
        free(cut);
    }
    cursor_close(&w.cursor);
    buf_clear(&w.saved);
    buf_append_str(&w.saved, buf_str(&other));
    w.rows[0].delivered = 0; /* it is read again, from the start */
    w.last = 0;
    start(&w, STR(""));
    assert_true(w.cursor.started_over);
    settle(&w, 100);
    buf_free(&other);
    world_free(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_commits_and_crashes),
        cmocka_unit_test(test_an_old_table_is_read_without_holding_its_ids),
        cmocka_unit_test(test_rows_that_are_gone_leave_their_places_empty),
        cmocka_unit_test(test_a_row_that_is_later_than_the_window_is_not_read),
        cmocka_unit_test(test_rows_of_the_future_are_once_even_when_their_time_comes),
        cmocka_unit_test(test_rows_without_a_place_are_read_past_and_not_read_over_and_over),
        cmocka_unit_test(test_late_rows_are_fetched_together),
        cmocka_unit_test(test_a_lost_journal_costs_the_order_and_no_row),
        cmocka_unit_test(test_after_the_past_the_end_of_the_table_is_told),
        cmocka_unit_test(test_states_of_others_are_not_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
