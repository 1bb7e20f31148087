/* SPDX-License-Identifier: Apache-2.0 */
/* Checkpoints of the fold: what is saved goes on elsewhere, and what is damaged is refused. */
#include <time.h>

#include "tests/ingestor/fold/fold_random.h"

#include "common/base/xalloc.h"

static void test_a_saved_fold_goes_on_as_if_nothing_had_happened(void **state)
{
    (void)state;
    unsigned seed = (unsigned)time(NULL);
    print_message("seed %u\n", seed);
    struct fold_test kept;
    fold_test_init(&kept, all_types);
    for (int round = 0; round < 30; round++) {
        struct fold_test restored;
        struct buf saved = {0};
        bool rebuild;
        fold_test_init(&restored, all_types);
        fold_save(kept.fold, &saved);
        assert_int_equal(fold_load(restored.fold, buf_str(&saved), &rebuild, NULL), STATUS_OK);
        assert_false(rebuild);
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
        buf_free(&saved);
        fold_test_free(&restored);
    }
    fold_test_free(&kept);
}

static void test_a_changed_definition_wants_a_rebuild(void **state)
{
    (void)state;
    struct fold_test old;
    struct fold_test same;
    struct fold_test changed;
    struct fold_test more;
    struct buf saved = {0};
    bool rebuild;
    fold_test_init(&old, "  - {key: a, type: count, window: 60s}\n");
    fold_test_init(&same, "  - {key: a, title: Another, type: count, window: 60s, ttl: 5m}\n");
    fold_test_init(&changed, "  - {key: a, type: count, window: 61s}\n");
    fold_test_init(&more, "  - {key: a, type: count, window: 60s}\n  - {key: b, type: count}\n");
    fold_save(old.fold, &saved);
    assert_int_equal(fold_load(same.fold, buf_str(&saved), &rebuild, NULL), STATUS_OK);
    assert_false(rebuild);
    assert_int_equal(fold_load(changed.fold, buf_str(&saved), &rebuild, NULL), STATUS_OK);
    assert_true(rebuild);
    assert_int_equal(fold_load(more.fold, buf_str(&saved), &rebuild, NULL), STATUS_OK);
    assert_true(rebuild);
    buf_free(&saved);
    fold_test_free(&old);
    fold_test_free(&same);
    fold_test_free(&changed);
    fold_test_free(&more);
}

static void test_a_damaged_state_is_refused(void **state)
{
    (void)state;
    unsigned seed = (unsigned)time(NULL);
    print_message("seed %u\n", seed);
    struct fold_test t;
    struct buf saved = {0};
    fold_test_init(&t, all_types);
    for (int i = 0; i < 100; i++) {
        fold_random(&t, &seed);
    }
    fold_save(t.fold, &saved);
    for (int round = 0; round < 2000; round++) {
        struct fold_test other;
        bool rebuild;
        fold_test_init(&other, all_types);
        char *copy = x_memdup(saved.data, saved.len);
        copy[(size_t)rand_r(&seed) % saved.len] = (char)rand_r(&seed);
        const size_t len = rand_r(&seed) % 4 == 0 ? (size_t)rand_r(&seed) % saved.len : saved.len;
        if (fold_load(other.fold, (struct str){copy, len}, &rebuild, NULL) == STATUS_OK) {
            pass_ms(&other, 1000);
            flush(&other);
        }
        free(copy);
        fold_test_free(&other);
    }
    buf_free(&saved);
    fold_test_free(&t);
}

static void test_a_state_of_a_newer_version_is_told_from_a_damaged_one(void **state)
{
    (void)state;
    struct fold_test t;
    struct buf saved = {0};
    bool rebuild;
    fold_test_init(&t, all_types);
    fold_save(t.fold, &saved);
    assert_int_equal(saved.data[1], 1); /* [format, …] */
    saved.data[1] = 3;
    assert_int_equal(fold_load(t.fold, buf_str(&saved), &rebuild, NULL), STATUS_NEWER);
    saved.data[1] = 0;
    assert_int_equal(fold_load(t.fold, buf_str(&saved), &rebuild, NULL), STATUS_INVALID);
    buf_free(&saved);
    fold_test_free(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_saved_fold_goes_on_as_if_nothing_had_happened),
        cmocka_unit_test(test_a_changed_definition_wants_a_rebuild),
        cmocka_unit_test(test_a_damaged_state_is_refused),
        cmocka_unit_test(test_a_state_of_a_newer_version_is_told_from_a_damaged_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
