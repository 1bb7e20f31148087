/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/source/postgres/holes.h"

#include <stdio.h>

#include "tests/unit.h"

#define WINDOW_MS 600000

static void test_filling_splits_ranges(void **state)
{
    (void)state;
    struct holes holes = {0};
    holes_add(&holes, 10, 20, 100, (wall_time){0});
    assert_false(holes_fill(&holes, 9));
    assert_false(holes_fill(&holes, 21));
    assert_true(holes_fill(&holes, 10));
    assert_true(holes_fill(&holes, 20));
    assert_true(holes_fill(&holes, 15));
    assert_false(holes_fill(&holes, 15));
    assert_int_equal(holes.count, 2);
    assert_int_equal(holes_ids(&holes), 8);
    assert_int_equal(holes.list[0].first, 11);
    assert_int_equal(holes.list[0].last, 14);
    assert_int_equal(holes.list[1].first, 16);
    assert_int_equal(holes.list[1].fence, 100);
    holes_free(&holes);
}

/* The fence alone proves nothing, and neither does time. */
static void test_forgetting_takes_both_the_fence_and_the_window(void **state)
{
    (void)state;
    struct holes holes = {0};
    const wall_time begin = {0};
    const wall_time within = {WINDOW_MS * US_PER_MS};
    const wall_time over = {WINDOW_MS * US_PER_MS + 1};
    holes_add(&holes, 1, 1, 100, begin);
    assert_int_equal(holes_forget(&holes, 99, over, WINDOW_MS), 0);
    assert_int_equal(holes_forget(&holes, 100, within, WINDOW_MS), 0);
    assert_true(hole_is_hot(&holes.list[0], 99));
    assert_false(hole_is_hot(&holes.list[0], 100));
    assert_int_equal(holes_forget(&holes, 100, over, WINDOW_MS), 1);
    assert_int_equal(holes.count, 0);
    assert_int_equal(holes_oldest(&holes).us, WALL_NEVER.us);
    holes_free(&holes);
}

static void count_hole(void *arg, const struct hole *hole)
{
    unsigned *times = arg;
    times[hole->first]++;
}

/* However many there are: a wake-up polls few, and thorough polls get around to all of them. */
static void test_a_look_is_bounded_and_leaves_none_out(void **state)
{
    (void)state;
    enum { COUNT = 3 * HOLES_ROUND + 100 };
    static unsigned times[COUNT + 1];
    struct holes holes = {0};
    for (int64_t i = 1; i <= COUNT; i++) {
        holes_add(&holes, i, i, i % 2 == 0 ? 100 : 50, (wall_time){0});
    }
    assert_int_equal(holes_choose(&holes, 50, false, count_hole, times), HOLES_NEWEST);
    assert_int_equal(times[COUNT], 1); /* the newest hot ones */
    assert_int_equal(times[COUNT - 1], 0);
    assert_int_equal(times[COUNT - 2 * HOLES_NEWEST], 0);
    assert_int_equal(holes_choose(&holes, 100, false, count_hole, times), 0);
    memset(times, 0, sizeof times);
    for (int poll = 0; poll < 4; poll++) {
        assert_true(holes_choose(&holes, 100, true, count_hole, times) <= HOLES_ROUND);
    }
    for (int64_t i = 1; i <= COUNT; i++) {
        assert_int_equal(times[i], 1);
    }
    /* Only what was polled is forgotten. */
    const wall_time over = {WINDOW_MS * US_PER_MS + 1};
    assert_int_equal(holes_choose(&holes, 100, true, count_hole, times), HOLES_ROUND);
    assert_int_equal(holes_forget(&holes, 100, over, WINDOW_MS), HOLES_ROUND);
    assert_int_equal(holes_forget(&holes, 100, over, WINDOW_MS), 0);
    assert_int_equal(holes.list[0].first, HOLES_ROUND + 1);
    for (int poll = 0; poll < 3; poll++) {
        (void)holes_choose(&holes, 100, true, count_hole, times);
        (void)holes_forget(&holes, 100, over, WINDOW_MS);
    }
    assert_int_equal(holes.count, 0);
    holes_free(&holes);
}

/* A sequence that jumped by a hundred million costs one range. */
static void test_large_gaps_cost_nothing(void **state)
{
    (void)state;
    struct holes holes = {0};
    holes_add(&holes, 5, 100000000, 1, (wall_time){0});
    assert_true(holes_fill(&holes, 77777777));
    assert_int_equal(holes.count, 2);
    assert_int_equal(holes_ids(&holes), 99999995);
    holes_free(&holes);
}

static void test_too_many_ranges_give_up_the_smallest_ids(void **state)
{
    (void)state;
    struct holes holes = {0};
    for (int64_t i = 0; i < 3 * HOLES_MAX; i++) {
        holes_add(&holes, 2 * i + 1, 2 * i + 1, 1, (wall_time){i});
        assert_true(holes.count <= HOLES_MAX);
    }
    assert_true(holes.count > HOLES_MAX / 2);
    assert_int_equal(holes.count + holes.given_up, 3 * HOLES_MAX);
    assert_false(holes_fill(&holes, 1));
    assert_true(holes_fill(&holes, 2 * (3 * HOLES_MAX - 1) + 1));
    holes_free(&holes);
}

/* Every second id of a large gap comes: as many ranges as ids. */
static void test_a_gap_that_falls_apart_stays_bounded(void **state)
{
    (void)state;
    struct holes holes = {0};
    holes_add(&holes, 1, 1000000, 1, (wall_time){0});
    for (int64_t id = 2; id < 300000; id += 2) {
        assert_true(holes_fill(&holes, id));
        assert_true(holes.count <= HOLES_MAX);
    }
    assert_true(holes.given_up > 0);
    assert_true(holes_fill(&holes, 1000000));
    holes_free(&holes);
}

static void test_saved_and_loaded(void **state)
{
    (void)state;
    struct holes holes = {0};
    struct holes back = {0};
    struct buf bytes = {0};
    struct mp_doc doc;
    holes_add(&holes, 3, 4, 9, (wall_time){5});
    holes_add(&holes, 8, 8, 10, (wall_time){6});
    holes_save(&holes, &bytes);
    mp_doc_init(&doc);
    assert_int_equal(mp_parse(&doc, bytes.data, bytes.len), 0);
    assert_true(holes_load(&back, &doc.root));
    assert_int_equal(back.count, 2);
    assert_memory_equal(back.list, holes.list, 2 * sizeof *holes.list);
    mp_doc_free(&doc);
    buf_free(&bytes);
    holes_free(&back);
    holes_free(&holes);
}

static void test_any_order_of_filling(void **state)
{
    (void)state;
    unsigned seed = seed_of_run();
    for (int round = 0; round < 200; round++) {
        enum { IDS = 200 };
        bool missing[IDS + 1] = {false};
        struct holes holes = {0};
        int64_t last = 0;
        for (int64_t id = 1; id <= IDS; id++) {
            if (rand_r(&seed) % 3 == 0) {
                if (id > last + 1) {
                    holes_add(&holes, last + 1, id - 1, 1, (wall_time){0});
                    for (int64_t m = last + 1; m < id; m++) {
                        missing[m] = true;
                    }
                }
                last = id;
            }
        }
        for (int i = 0; i < IDS; i++) {
            const int64_t id = 1 + rand_r(&seed) % IDS;
            assert_int_equal(holes_fill(&holes, id), missing[id]);
            missing[id] = false;
        }
        uint64_t left = 0;
        for (int64_t id = 1; id <= IDS; id++) {
            left += missing[id];
        }
        assert_int_equal(holes_ids(&holes), left);
        for (size_t i = 1; i < holes.count; i++) {
            assert_true(holes.list[i].first > holes.list[i - 1].last);
        }
        holes_free(&holes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_filling_splits_ranges),
        cmocka_unit_test(test_forgetting_takes_both_the_fence_and_the_window),
        cmocka_unit_test(test_a_look_is_bounded_and_leaves_none_out),
        cmocka_unit_test(test_large_gaps_cost_nothing),
        cmocka_unit_test(test_too_many_ranges_give_up_the_smallest_ids),
        cmocka_unit_test(test_a_gap_that_falls_apart_stays_bounded),
        cmocka_unit_test(test_saved_and_loaded),
        cmocka_unit_test(test_any_order_of_filling),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
