/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/source/sqlite/sqlite_state.h"

#include "tests/unit.h"

static void test_what_is_saved_is_loaded(void **state)
{
    (void)state;
    struct buf saved = {0};
    struct sqlite_source s = {
        .position = 7, .origin = 9, .columns_read = 5, .bad_ids_seen = 3, .born = 11};
    struct sqlite_source loaded = {0};
    s.identity.st_dev = 1;
    s.identity.st_ino = 2;
    s.anchor = (struct anchor){7, 77};
    anchors_add(&s.anchors, (struct anchor){6, 66});
    anchors_add(&s.anchors, s.anchor);
    sqlite_state_save(&s, &saved);
    assert_true(sqlite_state_load(&loaded, buf_str(&saved)));
    assert_int_equal(loaded.position, 7);
    assert_int_equal(loaded.origin, 9);
    assert_int_equal(loaded.identity.st_ino, 2);
    assert_int_equal(loaded.anchor.digest, 77);
    assert_int_equal(loaded.anchors.count, 2);
    assert_int_equal(loaded.columns_read, 5);
    assert_int_equal(loaded.bad_ids_seen, 3);
    assert_int_equal(loaded.born, 11);
    assert_false(loaded.started_over);
    buf_free(&saved);
}

/* It ends with the anchor. */
static void test_the_state_of_an_older_program_is_loaded(void **state)
{
    (void)state;
    struct buf saved = {0};
    struct sqlite_source loaded = {0};
    const struct anchor anchor = {7, 77};
    mp_put_array(&saved, 6);
    mp_put_int(&saved, 2);
    mp_put_int(&saved, 7);
    mp_put_uint(&saved, 9);
    mp_put_uint(&saved, 1);
    mp_put_uint(&saved, 2);
    anchor_save(&anchor, &saved);
    assert_true(sqlite_state_load(&loaded, buf_str(&saved)));
    assert_int_equal(loaded.position, 7);
    assert_false(loaded.started_over);
    assert_int_equal(anchors_match(&loaded.anchors, &anchor), ANCHORS_SAME);
    assert_int_equal(loaded.columns_read, 0);
    assert_int_equal(loaded.born, 0);
    buf_free(&saved);
}

static void test_another_state_is_refused(void **state)
{
    (void)state;
    struct sqlite_source loaded = {0};
    assert_false(sqlite_state_load(&loaded, STR("no state")));
    assert_false(sqlite_state_load(&loaded, STR("\x91\x02")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_saved_is_loaded),
        cmocka_unit_test(test_the_state_of_an_older_program_is_loaded),
        cmocka_unit_test(test_another_state_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
