/* SPDX-License-Identifier: Apache-2.0 */
/* When a tile is handed out: refresh policies and keyframes. */
#include "tests/ingestor/fold/fold_unit.h"

static void test_leading_edge_then_one_per_interval(void **state)
{
    (void)state;
    struct fold_test t;
    fold_test_init(&t, "  - {key: a, type: count, refresh: {min_interval: 100ms}}\n");
    flush(&t);
    assert_int_equal(t.outputs, 1); /* a tile is there from the start */
    pass_ms(&t, 1000);
    fold_now(&t, "x", NULL, NULL);
    assert_int_equal(fold_wait_us(t.fold, t.now), 0);
    flush(&t);
    assert_int_equal(t.outputs, 1);
    assert_string_equal(t.json, "{\"value\":1}");
    for (int i = 0; i < 9; i++) {
        pass_ms(&t, 10);
        fold_now(&t, "x", NULL, NULL);
        flush(&t);
        assert_int_equal(t.outputs, 0);
    }
    assert_int_equal(fold_wait_us(t.fold, t.now), 10 * US_PER_MS);
    pass_ms(&t, 10);
    flush(&t); /* the trailing edge: nothing is swallowed */
    assert_int_equal(t.outputs, 1);
    assert_string_equal(t.json, "{\"value\":10}");
    fold_test_free(&t);
}

static void test_interval_policy_keeps_to_its_beat(void **state)
{
    (void)state;
    struct fold_test t;
    fold_test_init(&t,
                   "  - {key: a, type: count, refresh: {policy: interval, min_interval: 1s}}\n");
    flush(&t);
    pass_ms(&t, 300);
    fold_now(&t, "x", NULL, NULL);
    flush(&t);
    assert_int_equal(t.outputs, 0);
    assert_int_equal(fold_wait_us(t.fold, t.now), 700 * US_PER_MS);
    pass_ms(&t, 700);
    flush(&t);
    assert_string_equal(t.json, "{\"value\":1}");
    fold_test_free(&t);
}

static void test_quiet_tiles_get_keyframes(void **state)
{
    (void)state;
    struct fold_test t;
    fold_test_init(&t, "  - {key: a, type: count, ttl: 30s}\n");
    flush(&t);
    pass_ms(&t, 9999);
    flush(&t);
    assert_int_equal(t.outputs, 0);
    pass_ms(&t, 1);
    flush(&t);
    assert_int_equal(t.outputs, 1);
    assert_int_equal(t.keyframes, 1);
    fold_test_free(&t);
}

/* Else it would go stale, although nothing is broken. */
static void test_a_change_waits_no_longer_than_a_keyframe(void **state)
{
    (void)state;
    static const char *const policies[] = {"on_event", "interval"};
    for (size_t i = 0; i < 2; i++) {
        struct fold_test t;
        char tiles[128];
        snprintf(tiles, sizeof tiles,
                 "  - {key: a, type: count, ttl: 30s, refresh: {policy: %s, min_interval: 1h}}\n",
                 policies[i]);
        fold_test_init(&t, tiles);
        flush(&t);
        for (int round = 1; round <= 3; round++) {
            pass_ms(&t, 9999);
            fold_now(&t, "x", NULL, NULL);
            flush(&t);
            assert_int_equal(t.outputs, 0);
            assert_int_equal(fold_wait_us(t.fold, t.now), US_PER_MS);
            pass_ms(&t, 1);
            flush(&t);
            assert_int_equal(t.outputs, 1);
        }
        assert_string_equal(t.json, "{\"value\":3}");
        fold_test_free(&t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_leading_edge_then_one_per_interval),
        cmocka_unit_test(test_interval_policy_keeps_to_its_beat),
        cmocka_unit_test(test_quiet_tiles_get_keyframes),
        cmocka_unit_test(test_a_change_waits_no_longer_than_a_keyframe),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
