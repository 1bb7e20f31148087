/* SPDX-License-Identifier: Apache-2.0 */
/* Checkpoints in one piece, as versions before 0.2 wrote them. */
#include "ingestor/fold/saved/fold_legacy.h"

#include "ingestor/fold/saved/fold_digest.h"
#include "tests/ingestor/fold/fold_saved.h"

/* What version 0.1.0 wrote: format 1, and windows with future slots of their own. */
static void test_a_checkpoint_of_the_first_version_is_read(void **state)
{
    (void)state;
    struct fold_test t;
    struct buf saved = {0};
    fold_test_init(&t, "  - {key: a, type: count, window: 30s}\n");
    const int64_t slot = START_US / (100 * US_PER_MS);
    mp_put_array(&saved, 2);
    mp_put_int(&saved, 1);
    mp_put_array(&saved, 1);
    mp_put_array(&saved, 6);
    mp_put_text(&saved, "a");
    mp_put_uint(&saved, fold_digest_of_definition(&t.config->tiles[0]));
    mp_put_nil(&saved);
    mp_put_int(&saved, START_US);
    mp_put_bool(&saved, false);
    mp_put_array(&saved, 2);
    mp_put_int(&saved, slot);
    mp_put_array(&saved, 2);
    for (int i = 0; i < 2; i++) {
        mp_put_array(&saved, 2);
        mp_put_int(&saved, slot + 5 * i);
        mp_put_int(&saved, 3);
    }
    assert_int_equal(fold_load_legacy(t.fold, buf_str(&saved), NULL), STATUS_OK);
    assert_int_equal(fold_builds(t.fold), 0);
    assert_string_equal(data_of(&t, "a"), "{\"value\":3,\"window_ms\":30000}");
    pass_ms(&t, 500);
    assert_string_equal(data_of(&t, "a"), "{\"value\":6,\"window_ms\":30000}");
    buf_free(&saved);
    fold_test_free(&t);
}

/* The items were in the tile's own value: open ones and tombstones. */
static void test_items_are_taken_over_and_saved_one_by_one(void **state)
{
    (void)state;
    static const char tile[] =
        "  - {key: b, type: backlog, item: target_id, states: {x: open, y: null}}\n";
    struct fold_test t;
    struct fold_test restored;
    struct buf saved = {0};
    struct state_changes store = {0};
    fold_test_init(&t, tile);
    fold_test_init(&restored, tile);
    mp_put_array(&saved, 2);
    mp_put_int(&saved, 1);
    mp_put_array(&saved, 1);
    mp_put_array(&saved, 6);
    mp_put_text(&saved, "b");
    mp_put_uint(&saved, fold_digest_of_definition(&t.config->tiles[0]));
    mp_put_nil(&saved);
    mp_put_int(&saved, START_US);
    mp_put_bool(&saved, false);
    mp_put_array(&saved, 2);
    for (int i = 0; i < 2; i++) {
        mp_put_array(&saved, 5);
        mp_put_bin(&saved, i == 0 ? STR("closed") : STR("open"));
        mp_put_int(&saved, START_US);
        mp_put_int(&saved, 10 + i);
        mp_put_int(&saved, i - 1); /* the state */
        mp_put_int(&saved, START_US);
    }
    assert_int_equal(fold_load_legacy(t.fold, buf_str(&saved), NULL), STATUS_OK);
    assert_non_null(strstr(data_of(&t, "b"), "\"total\":1,"));
    (void)save_into(&t, &store);
    (void)load_from(&restored, &store);
    fold_at(&restored, 3, 0, "x", "closed", NULL); /* earlier than its closing, by the id */
    assert_string_equal(data_of(&restored, "b"), data_of(&t, "b"));
    buf_free(&saved);
    state_changes_free(&store);
    fold_test_free(&t);
    fold_test_free(&restored);
}

/* Its rows are not in the checkpoint: it must not go on as if it had none. */
static void test_a_family_that_is_new_or_has_changed_is_built(void **state)
{
    (void)state;
    struct fold_test t;
    struct buf saved = {0};
    fold_test_init(&t, "  - {key: changed, type: count, group_by: target_id}\n"
                       "  - {key: new, type: count, group_by: target_id}\n"
                       "  - {key: same, type: count, group_by: actor_id}\n");
    mp_put_array(&saved, 2);
    mp_put_int(&saved, 1);
    mp_put_array(&saved, 2);
    for (int i = 0; i < 2; i++) {
        mp_put_array(&saved, 6);
        mp_put_text(&saved, i == 0 ? "changed" : "same");
        mp_put_uint(&saved, fold_digest_of_definition(&t.config->tiles[2]));
        mp_put_bin(&saved, STR("g"));
        mp_put_int(&saved, START_US);
        mp_put_bool(&saved, false);
        mp_put_uint(&saved, 7);
    }
    assert_int_equal(fold_load_legacy(t.fold, buf_str(&saved), NULL), STATUS_OK);
    assert_int_equal(fold_builds(t.fold), 2);
    assert_string_equal(data_of(&t, "same/g"), "{\"value\":7}");
    buf_free(&saved);
    fold_test_free(&t);
}

static void test_damage_and_newer_versions_are_told_apart(void **state)
{
    (void)state;
    struct fold_test t;
    struct buf saved = {0};
    fold_test_init(&t, "  - {key: a, type: count}\n");
    mp_put_array(&saved, 2);
    mp_put_int(&saved, 1);
    mp_put_array(&saved, 0);
    saved.data[1] = 3;
    assert_int_equal(fold_load_legacy(t.fold, buf_str(&saved), NULL), STATUS_NEWER);
    saved.data[1] = 0;
    assert_int_equal(fold_load_legacy(t.fold, buf_str(&saved), NULL), STATUS_INVALID);
    buf_free(&saved);
    fold_test_free(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_checkpoint_of_the_first_version_is_read),
        cmocka_unit_test(test_items_are_taken_over_and_saved_one_by_one),
        cmocka_unit_test(test_a_family_that_is_new_or_has_changed_is_built),
        cmocka_unit_test(test_damage_and_newer_versions_are_told_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
