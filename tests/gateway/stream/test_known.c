/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/gateway/stream/world.h"

#include "gateway/stream/known.h"

#include "common/base/error.h"

static bool has(const struct known *known, const struct world *w, const char *key)
{
    return known_has(known, store_get(w->store, str_of(key)));
}

static bool had(const struct known *known, const struct world *w, const char *key)
{
    return known_had(known, store_get(w->store, str_of(key)));
}

static void a_cursor_speaks_for_versions(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, 4096, 16);
    world_set(&w, "old", 1, 1);
    world_set(&w, "stale", 1, 1);
    const struct cursor cursor = {.lanes = 1, .at = {{WORLD_EPOCH, w.seq}}};
    struct known *known = known_by_cursor(&cursor, 2);
    world_set(&w, "new", 1, 1);
    assert_true(has(known, &w, "old"));
    assert_false(has(known, &w, "new"));
    w.now.us += 61000000;
    store_expire(w.store, w.now);
    assert_false(has(known, &w, "stale")); /* its version is old, its flag may be news */
    assert_false(had(known, &w, "old"));   /* a cursor does not say what was selected */
    assert_false(known_is_selection(known));
    assert_true(known_outdated(known, 3, 4));
    assert_false(known_outdated(known, 4, 4));
    assert_false(known_outdated(known, 0, 2)); /* these it has heard of */
    assert_true(known_is_cursor(known));
    known_free(&known);
    assert_null(known);
    world_finish(&w);
}

static void a_selection_speaks_for_changes(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, 4096, 16);
    world_set(&w, "a.1", 1, 1);
    world_set(&w, "a.2", 1, 1);
    world_set(&w, "b", 1, 1);
    const uint64_t until = store_last_change(w.store);
    struct selection selection;
    assert_int_equal(selection_parse(&selection, "a.*"), STATUS_OK);
    struct known *known = known_by_selection(&selection, until);
    selection_free(&selection); /* it was copied */
    assert_true(known_is_selection(known));
    assert_true(has(known, &w, "a.1"));
    assert_false(has(known, &w, "b"));
    world_set(&w, "a.2", 2, 1);
    assert_false(has(known, &w, "a.2"));
    assert_true(had(known, &w, "a.2"));
    assert_false(had(known, &w, "b"));
    assert_true(known_outdated(known, until + 9, until + 1));
    assert_false(known_outdated(known, 0, until));
    known_free(&known);
    world_finish(&w);
}

static void null_is_nothing(void **state)
{
    (void)state;
    struct world w;
    struct known *known = NULL;
    world_init(&w, 4096, 16);
    world_set(&w, "a", 1, 1);
    assert_false(has(known, &w, "a"));
    assert_false(had(known, &w, "a"));
    assert_false(known_is_selection(known));
    assert_false(known_outdated(known, 0, 9));
    known_free(&known);
    world_finish(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_cursor_speaks_for_versions),
        cmocka_unit_test(a_selection_speaks_for_changes),
        cmocka_unit_test(null_is_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
