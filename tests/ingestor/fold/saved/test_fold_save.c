/* SPDX-License-Identifier: Apache-2.0 */
/* The fold's state: what is saved goes on elsewhere, saving costs what has changed, and what is
 * damaged is built anew. */

#include "common/base/xalloc.h"
#include "tests/ingestor/fold/fold_random.h"
#include "tests/ingestor/fold/fold_saved.h"

static void test_a_saved_fold_goes_on_as_if_nothing_had_happened(void **state)
{
    (void)state;
    unsigned seed = seed_of_run();
    struct fold_test kept;
    struct state_changes store = {0};
    fold_test_init(&kept, all_types);
    for (int round = 0; round < 30; round++) {
        struct fold_test restored;
        fold_test_init(&restored, all_types);
        (void)save_into(&kept, &store);
        (void)load_from(&restored, &store);
        assert_int_equal(fold_builds(restored.fold), 0);
        restored.now = kept.now;
        restored.next_id = kept.next_id;
        unsigned twin = seed;
        for (int i = 0; i < 40; i++) {
            fold_random(&kept, &seed);
            fold_random(&restored, &twin);
            pass_ms(&kept, 137);
            pass_ms(&restored, 137);
        }
        assert_same(&kept, &restored);
        fold_test_free(&restored);
    }
    state_changes_free(&store);
    fold_test_free(&kept);
}

static void test_saving_costs_what_has_changed(void **state)
{
    (void)state;
    struct fold_test t;
    struct state_changes store = {0};
    fold_test_init(&t, "  - {key: b, type: backlog, item: target_id, states: {x: open, y: null}}\n"
                       "  - {key: f, type: count, group_by: target_id}\n"
                       "  - {key: n, type: count, match: {event_type: z}}\n");
    for (int i = 0; i < 1000; i++) {
        char target[16];
        snprintf(target, sizeof target, "t%d", i);
        fold_now(&t, "x", target, NULL);
    }
    assert_true(save_into(&t, &store) > 2000);
    assert_int_equal(save_into(&t, &store), 0);
    fold_now(&t, "x", "t7", NULL);
    assert_int_equal(save_into(&t, &store),
                     3); /* the item, its tile, and the member of the family */
    fold_now(&t, "nothing", "t7", NULL);
    assert_int_equal(save_into(&t, &store), 1);
    struct state_changes unsaved = {0};
    fold_unsave(t.fold, &unsaved);
    state_changes_append(&store, &unsaved);
    state_changes_free(&unsaved);
    assert_true(save_into(&t, &store) > 2000);
    struct fold_test restored;
    fold_test_init(&restored,
                   "  - {key: b, type: backlog, item: target_id, states: {x: open, y: null}}\n");
    assert_int_equal(load_from(&restored, &store).loaded, 1);
    assert_non_null(strstr(data_of(&restored, "b"), "\"total\":1000"));
    fold_test_free(&restored);
    state_changes_free(&store);
    fold_test_free(&t);
}

/* Their order, from the oldest to the newest, outlives a restart. */
static void test_tombstones_are_forgotten_in_the_order_of_their_closing(void **state)
{
    (void)state;
    static const char tile[] =
        "  - {key: b, type: backlog, item: target_id, states: {x: open, y: null}}\n";
    struct fold_test t;
    struct fold_test restored;
    struct state_changes store = {0};
    fold_test_init(&t, tile);
    fold_test_init(&restored, tile);
    for (int i = 0; i < 100000; i++) {
        char target[16];
        snprintf(target, sizeof target, "t%d", i);
        fold_at(&t, 1000 + i, 0, "y", target, NULL);
    }
    (void)save_into(&t, &store);
    (void)load_from(&restored, &store);
    fold_at(&restored, 200000, 0, "y", "one more", NULL); /* t0 is forgotten for it */
    fold_at(&restored, 1, -1, "x", "t0", NULL);
    fold_at(&restored, 2, -1, "x", "t1", NULL);
    assert_non_null(strstr(data_of(&restored, "b"), "\"total\":1,"));
    (void)save_into(&restored, &store);
    struct fold_test again;
    fold_test_init(&again, tile);
    (void)load_from(&again, &store);
    assert_string_equal(data_of(&again, "b"), data_of(&restored, "b"));
    state_changes_free(&store);
    fold_test_free(&t);
    fold_test_free(&restored);
    fold_test_free(&again);
}

static void test_only_what_changed_is_to_be_built(void **state)
{
    (void)state;
    struct fold_test old;
    struct fold_test same;
    struct fold_test other;
    struct state_changes store = {0};
    fold_test_init(&old, "  - {key: a, type: count, window: 60s}\n  - {key: c, type: count}\n");
    fold_test_init(&same, "  - {key: c, type: count}\n"
                          "  - {key: a, title: Another, type: count, window: 60s, ttl: 5m}\n");
    fold_test_init(&other, "  - {key: a, type: count, window: 61s}\n  - {key: b, type: count}\n"
                           "  - {key: c, type: count}\n");
    fold_now(&old, "x", NULL, NULL);
    (void)save_into(&old, &store);
    assert_int_equal(load_from(&same, &store).loaded, 2);
    assert_int_equal(fold_builds(same.fold), 0);
    assert_string_equal(data_of(&same, "c"), "{\"value\":1}");
    assert_int_equal(load_from(&other, &store).loaded, 1);
    assert_int_equal(fold_builds(other.fold), 2);
    assert_string_equal(data_of(&other, "c"), "{\"value\":1}");
    assert_string_equal(data_of(&other, "b"), "{\"value\":0}");
    state_changes_free(&store);
    fold_test_free(&old);
    fold_test_free(&same);
    fold_test_free(&other);
}

/* For a day; with the rows that came meanwhile. */
static void test_a_tile_that_comes_back_finds_its_state(void **state)
{
    (void)state;
    static const char both[] = "  - {key: a, type: count}\n  - {key: c, type: count}\n";
    for (int days = 0; days < 2; days++) {
        struct fold_test first;
        struct fold_test without;
        struct fold_test again;
        struct state_changes store = {0};
        struct str from = STR("?");
        fold_test_init(&first, both);
        fold_test_init(&without, "  - {key: c, type: count}\n");
        fold_test_init(&again, both);
        fold_now(&first, "x", NULL, NULL);
        (void)save_into(&first, &store);
        (void)load_from(&without, &store);
        (void)save_into(&without, &store);
        fold_now(&without, "x", NULL, NULL);
        without.now.wall.us += days * 25 * 3600 * US_PER_S;
        (void)save_into(&without, &store);
        again.now = without.now;
        assert_int_equal(load_from(&again, &store).loaded, days == 0 ? 2 : 1);
        assert_true(fold_build_next(again.fold, again.now, &from));
        assert_true(str_is(from, days == 0 ? "place" : ""));
        if (days == 0) {
            const struct event past = {
                .id = {.number = 2}, .timestamp = {START_US}, .event_type = STR("x")};
            fold_build_event(again.fold, &past, again.now);
            fold_build_end(again.fold, 0, again.now);
            assert_string_equal(data_of(&again, "a"), "{\"value\":2}");
        }
        assert_string_equal(data_of(&again, "c"), "{\"value\":2}");
        state_changes_free(&store);
        fold_test_free(&first);
        fold_test_free(&without);
        fold_test_free(&again);
    }
}

/* Records that are damaged cost their tile alone; it is built anew. */
static void test_a_damaged_record_costs_its_tile_alone(void **state)
{
    (void)state;
    unsigned seed = seed_of_run();
    struct fold_test t;
    struct state_changes store = {0};
    fold_test_init(&t, all_types);
    for (int i = 0; i < 100; i++) {
        fold_random(&t, &seed);
    }
    (void)save_into(&t, &store);
    for (int round = 0; round < 2000; round++) {
        struct fold_test other;
        struct state_changes copy = {0};
        struct fold_load how = {.place = STR("place"), .now = t.now.wall};
        fold_test_init(&other, all_types);
        state_changes_append(&copy, &store);
        struct state_change *hit = &copy.list[(size_t)rand_r(&seed) % copy.count];
        if (hit->len != 0) {
            copy.values.data[hit->at + (size_t)rand_r(&seed) % hit->len] = (char)rand_r(&seed);
            hit->len = rand_r(&seed) % 4 == 0 ? (size_t)rand_r(&seed) % hit->len : hit->len;
        }
        if (fold_load(other.fold, &copy, &how, NULL) == STATUS_OK) {
            assert_true(how.damaged <= 1);
            assert_true(fold_builds(other.fold) <= 1);
            struct str from;
            while (fold_build_next(other.fold, other.now, &from)) {
                fold_build_end(other.fold, 0, other.now);
            }
            pass_ms(&other, 1000);
            flush(&other);
            struct state_changes out = {0};
            fold_save(other.fold, other.now.wall, &out);
            state_changes_free(&out);
        }
        state_changes_free(&copy);
        fold_test_free(&other);
    }
    state_changes_free(&store);
    fold_test_free(&t);
}

static void test_a_tile_of_a_newer_version_is_told_from_a_damaged_one(void **state)
{
    (void)state;
    struct fold_test t;
    struct fold_test other;
    struct state_changes store = {0};
    struct fold_load how = {.place = STR("place")};
    fold_test_init(&t, "  - {key: a, type: count}\n");
    fold_test_init(&other, "  - {key: a, type: count}\n");
    (void)save_into(&t, &store);
    size_t i = 0;
    while (store.list[i].id.tile == 0) {
        i++;
    }
    char *format = store.values.data + store.list[i].at + 1; /* [format, …] */
    assert_int_equal(*format, 1);
    *format = 3;
    assert_int_equal(fold_load(other.fold, &store, &how, NULL), STATUS_NEWER);
    state_changes_free(&store);
    fold_test_free(&t);
    fold_test_free(&other);
}

static void test_the_tally_of_a_tile_is_kept(void **state)
{
    (void)state;
    struct fold_test t;
    struct fold_test restored;
    struct state_changes store = {0};
    const char *tiles = "  - {key: a, type: count, window: 60s, match: {event_type: x}}\n";
    fold_test_init(&t, tiles);
    fold_test_init(&restored, tiles);
    fold_at(&t, 1, -100000, "x", NULL, NULL); /* before the window: in the tile all the same */
    fold_at(&t, 2, 0, "x", NULL, NULL);
    fold_at(&t, 3, 0, "y", NULL, NULL);    /* of another type */
    fold_at(&t, 4, 5000, "x", NULL, NULL); /* from the future */
    struct tally expected = {.known = true};
    tally_add(&expected, tally_of_row(2, (wall_time){START_US}, STR("x")));
    tally_add(&expected, tally_of_row(1, (wall_time){START_US - 100 * US_PER_S}, STR("x")));
    (void)data_of(&t, "a");
    assert_true(tally_equal(&t.tally, &expected));
    (void)save_into(&t, &store);
    (void)load_from(&restored, &store);
    restored.now = t.now;
    pass_ms(&restored, 5000);
    tally_add(&expected, tally_of_row(4, (wall_time){START_US + 5 * US_PER_S}, STR("x")));
    (void)data_of(&restored, "a");
    assert_true(tally_equal(&restored.tally, &expected));
    state_changes_free(&store);
    fold_test_free(&t);
    fold_test_free(&restored);
}

/* What a clock that was ahead has let go does not come back by itself. */
static void test_what_forgets_is_built_anew_after_a_clock_that_was_ahead(void **state)
{
    (void)state;
    static const char tiles[] = "  - {key: a, type: count}\n"
                                "  - {key: f, type: count, group_by: target_id, idle: 1h}\n"
                                "  - {key: w, type: count, window: 60s}\n";
    struct fold_test t;
    struct fold_test other;
    struct state_changes store = {0};
    fold_test_init(&t, tiles);
    fold_test_init(&other, tiles);
    fold_now(&t, "x", "member", NULL);
    pass_ms(&t, 86400 * 1000);
    flush(&t);
    (void)save_into(&t, &store);
    struct fold_load how = {.place = STR("place"), .now = other.now.wall, .was_ahead = true};
    assert_int_equal(fold_load(other.fold, &store, &how, NULL), STATUS_OK);
    assert_int_equal(fold_builds(other.fold), 1);
    assert_string_equal(data_of(&other, "a"), "{\"value\":1}");
    assert_string_equal(data_of(&other, "f/member"), "{\"value\":1}"); /* it is not idle */
    state_changes_free(&store);
    fold_test_free(&t);
    fold_test_free(&other);
}

/* Rows that waited when a tile went came to the others while it was away, or still wait. */
static void test_a_tile_that_comes_back_has_the_rows_that_waited_when_it_went(void **state)
{
    (void)state;
    static const char both[] = "  - {key: a, type: count}\n"
                               "  - {key: b, type: count, match: {event_type: x}}\n";
    static const char one[] = "  - {key: a, type: count}\n";
    const char *const configured[] = {both, one, both};
    struct fold_test t;
    struct state_changes store = {0};
    struct str from;
    fold_test_init(&t, both);
    fold_at(&t, 1, 0, "x", NULL, NULL);
    fold_at(&t, 2, 5000, "x", NULL, NULL);
    fold_at(&t, 3, 9000, "x", NULL, NULL);
    (void)save_into(&t, &store);
    for (size_t life = 0; life < 3; life++) {
        const struct moment before = t.now;
        fold_test_free(&t);
        fold_test_init(&t, configured[life]);
        t.now = before;
        (void)load_from(&t, &store);
        if (life == 1) {
            pass_ms(&t, 6000);
        }
        (void)save_into(&t, &store);
    }
    assert_true(fold_build_next(t.fold, t.now, &from));
    assert_true(str_is(from, "place"));
    fold_build_end(t.fold, 0, t.now);
    assert_string_equal(data_of(&t, "a"), "{\"value\":2}");
    assert_string_equal(data_of(&t, "b"), "{\"value\":2}");
    pass_ms(&t, 5000);
    assert_string_equal(data_of(&t, "a"), "{\"value\":3}");
    assert_string_equal(data_of(&t, "b"), "{\"value\":3}");
    state_changes_free(&store);
    fold_test_free(&t);
}

/* One that went while the clock was ahead has forgotten too much as well, and is as good as others
 * when it comes back, days later or at once. */
static void test_what_went_while_the_clock_was_ahead_is_built_anew_when_it_comes_back(void **state)
{
    (void)state;
    static const char all[] = "  - {key: a, type: count}\n"
                              "  - {key: w, type: count, window: 60s}\n"
                              "  - {key: kept, type: count}\n"
                              "  - {key: early, type: count, window: 1h}\n";
    static const char less[] = "  - {key: a, type: count}\n"
                               "  - {key: w, type: count, window: 60s}\n"
                               "  - {key: kept, type: count}\n";
    static const char one[] = "  - {key: a, type: count}\n";
    const char *const configured[] = {less, one, one, all};
    struct fold_test t;
    struct state_changes store = {0};
    wall_time right;
    fold_test_init(&t, all);
    fold_now(&t, "x", "member", NULL);
    (void)save_into(&t, &store);
    right = t.now.wall;
    for (size_t life = 0; life < 4; life++) {
        const struct moment before = t.now;
        const bool found_out = life == 2;
        fold_test_free(&t);
        fold_test_init(&t, configured[life]);
        t.now = before;
        if (found_out) {
            t.now.wall = (wall_time){right.us + US_PER_S};
        }
        struct fold_load how = {.place = STR("place"), .now = t.now.wall, .was_ahead = found_out};
        assert_int_equal(fold_load(t.fold, &store, &how, NULL), STATUS_OK);
        if (life == 0) {
            pass_ms(&t, 40000 * 1000); /* the clock is ahead, and "w" forgets */
        }
        (void)save_into(&t, &store);
    }
    struct str from;
    assert_int_equal(fold_builds(t.fold), 3);
    assert_true(fold_build_next(t.fold, t.now, &from));
    assert_int_equal(from.len, 0); /* "w", from all rows */
    fold_build_end(t.fold, 0, t.now);
    assert_true(fold_build_next(t.fold, t.now, &from)); /* and the others from where they went */
    assert_true(str_is(from, "place"));
    fold_build_end(t.fold, 0, t.now);
    assert_int_equal(fold_builds(t.fold), 0);
    assert_string_equal(data_of(&t, "kept"), "{\"value\":1}");
    assert_non_null(strstr(data_of(&t, "early"), "\"value\":1"));
    assert_non_null(strstr(data_of(&t, "w"), "\"value\":0"));
    state_changes_free(&store);
    fold_test_free(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_saved_fold_goes_on_as_if_nothing_had_happened),
        cmocka_unit_test(test_saving_costs_what_has_changed),
        cmocka_unit_test(test_tombstones_are_forgotten_in_the_order_of_their_closing),
        cmocka_unit_test(test_only_what_changed_is_to_be_built),
        cmocka_unit_test(test_a_tile_that_comes_back_finds_its_state),
        cmocka_unit_test(test_a_damaged_record_costs_its_tile_alone),
        cmocka_unit_test(test_a_tile_of_a_newer_version_is_told_from_a_damaged_one),
        cmocka_unit_test(test_the_tally_of_a_tile_is_kept),
        cmocka_unit_test(test_what_forgets_is_built_anew_after_a_clock_that_was_ahead),
        cmocka_unit_test(test_a_tile_that_comes_back_has_the_rows_that_waited_when_it_went),
        cmocka_unit_test(test_what_went_while_the_clock_was_ahead_is_built_anew_when_it_comes_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
