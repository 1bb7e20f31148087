/* SPDX-License-Identifier: Apache-2.0 */
/* Other definitions while the fold goes on. */
#include "ingestor/fold/fold_reload.h"

#include "common/base/xalloc.h"

#include "tests/ingestor/fold/fold_saved.h"

static const char before[] =
    "  - {key: same, type: count}\n"
    "  - {key: renamed, type: count, title: Old}\n"
    "  - {key: family, type: count, group_by: target_id}\n"
    "  - {key: items, type: backlog, item: target_id, states: {x: open, y: null}}\n"
    "  - {key: changed, type: count, match: {event_type: x}}\n"
    "  - {key: gone, type: count}\n";

static const char after[] =
    "  - {key: new, type: count}\n"
    "  - {key: changed, type: count, match: {event_type: y}}\n"
    "  - {key: items, type: backlog, item: target_id, states: {x: open, y: null}}\n"
    "  - {key: family, type: count, group_by: target_id}\n"
    "  - {key: renamed, type: count, title: New}\n"
    "  - {key: same, type: count}\n";

static const char longer[] =
    "  - {key: same, type: count}\n"
    "  - {key: renamed, type: count, title: Old}\n"
    "  - {key: family, type: count, group_by: target_id}\n"
    "  - {key: items, type: backlog, item: target_id, states: {x: open, y: null}}\n"
    "  - {key: changed, type: count, match: {event_type: x}}\n"
    "  - {key: gone, type: count}\n"
    "  - {key: new, type: count}\n";

struct fixture {
    struct fold_test t;
    struct config *config; /* the first one, which tiles may hold parts of */
};

static void reload(struct fixture *f, const char *tiles, struct fold_reloaded *result)
{
    struct fold_test other;
    fold_test_init(&other, tiles);
    f->t.outputs = 0;
    f->t.removed = 0;
    f->t.keyframes = 0;
    *result = fold_reload(&f->t.fold, other.config, STR("place"), f->t.now, take_output, &f->t);
    f->config = f->t.config;
    f->t.config = other.config;
    fold_destroy(&other.fold);
    free(other.json);
}

static void setup(struct fixture *f)
{
    *f = (struct fixture){0};
    fold_test_init(&f->t, before);
    for (int i = 0; i < 10; i++) {
        fold_now(&f->t, i % 2 == 0 ? "x" : "y", i < 5 ? "a" : "b", NULL);
    }
    flush(&f->t);
}

static void teardown(struct fixture *f)
{
    fold_test_free(&f->t);
    config_destroy(&f->config);
}

static void test_what_stays_where_it_was_is_not_told_again(void **state)
{
    (void)state;
    struct fixture f;
    struct fold_reloaded result;
    setup(&f);
    reload(&f, longer, &result);
    assert_int_equal(result.going_on, 6);
    assert_int_equal(result.to_build, 1);
    flush(&f.t);
    assert_int_equal(f.t.keyframes, 1); /* the new one */
    teardown(&f);
}

static void test_what_is_the_same_goes_on(void **state)
{
    (void)state;
    struct fixture f;
    struct fold_reloaded result;
    setup(&f);
    char *items = x_strdup(data_of(&f.t, "items"));
    reload(&f, after, &result);
    assert_int_equal(result.going_on, 4);
    assert_int_equal(result.to_build, 2);
    assert_int_equal(result.retired, 2);
    assert_int_equal(f.t.removed, 1); /* "changed" is told by what it becomes */
    flush(&f.t);
    assert_int_equal(f.t.keyframes, 7); /* all: also those that go on have another place */
    fold_now(&f.t, "x", "a", NULL);
    flush(&f.t);
    assert_string_equal(data_of(&f.t, "same"), "{\"value\":11}");
    assert_string_equal(data_of(&f.t, "renamed"), "{\"value\":11}");
    assert_string_equal(data_of(&f.t, "family/a"), "{\"value\":6}");
    assert_string_equal(data_of(&f.t, "new"), "{\"value\":0}"); /* its turn has not come */
    assert_string_equal(data_of(&f.t, "gone"), "");
    assert_string_equal(data_of(&f.t, "items"), items); /* the row opens what is open */
    free(items);
    teardown(&f);
}

static void test_what_is_new_is_built_from_what_was_and_what_comes(void **state)
{
    (void)state;
    struct fixture f;
    struct fold_reloaded result;
    struct str from;
    setup(&f);
    reload(&f, after, &result);
    assert_true(fold_build_next(f.t.fold, f.t.now, &from));
    assert_int_equal(from.len, 0);
    fold_now(&f.t, "y", "a", NULL);
    for (int i = 1; i <= 10; i++) {
        const struct event past = {.id = {.number = i},
                                   .timestamp = {START_US},
                                   .event_type = i % 2 == 1 ? STR("x") : STR("y")};
        fold_build_event(f.t.fold, &past, f.t.now);
    }
    fold_build_end(f.t.fold, 0, f.t.now);
    assert_int_equal(fold_builds(f.t.fold), 0);
    assert_string_equal(data_of(&f.t, "new"), "{\"value\":11}");
    assert_string_equal(data_of(&f.t, "changed"), "{\"value\":6}");
    assert_string_equal(data_of(&f.t, "same"), "{\"value\":11}");
    teardown(&f);
}

static void test_a_build_goes_on_through_a_reload(void **state)
{
    (void)state;
    struct fixture f;
    struct fold_reloaded result;
    struct str from;
    setup(&f);
    reload(&f, after, &result);
    assert_true(fold_build_next(f.t.fold, f.t.now, &from));
    const struct event past = {
        .id = {.number = 1}, .timestamp = {START_US}, .event_type = STR("x")};
    fold_build_event(f.t.fold, &past, f.t.now);
    struct config *first = f.config;
    reload(&f, "  - {key: new, type: count}\n  - {key: newer, type: count}\n", &result);
    assert_int_equal(result.going_on, 1);
    fold_build_event(f.t.fold, &past, f.t.now);
    fold_build_end(f.t.fold, 0, f.t.now);
    assert_string_equal(data_of(&f.t, "new"), "{\"value\":2}");
    assert_int_equal(fold_builds(f.t.fold), 1);
    config_destroy(&first);
    teardown(&f);
}

/* What is saved after a reload is what a start with those definitions goes on from. */
static void test_the_state_follows(void **state)
{
    (void)state;
    struct fixture f;
    struct fold_test again;
    struct fold_reloaded result;
    struct state_changes store = {0};
    setup(&f);
    (void)save_into(&f.t, &store);
    fold_now(&f.t, "x", "a", NULL); /* not saved yet when the tiles change */
    reload(&f, after, &result);
    (void)save_into(&f.t, &store);
    assert_true(fold_has_retired(f.t.fold, f.config));
    assert_false(fold_has_retired(f.t.fold, f.t.config));
    fold_test_init(&again, after);
    assert_int_equal(load_from(&again, &store).loaded, 4);
    assert_int_equal(fold_builds(again.fold), 2);
    assert_string_equal(data_of(&again, "same"), "{\"value\":11}");
    fold_test_free(&again);
    fold_test_init(&again, before);
    assert_int_equal(load_from(&again, &store).loaded, 6); /* two of them come back */
    assert_string_equal(data_of(&again, "gone"), "{\"value\":11}");
    fold_test_free(&again);
    state_changes_free(&store);
    teardown(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_stays_where_it_was_is_not_told_again),
        cmocka_unit_test(test_what_is_the_same_goes_on),
        cmocka_unit_test(test_what_is_new_is_built_from_what_was_and_what_comes),
        cmocka_unit_test(test_a_build_goes_on_through_a_reload),
        cmocka_unit_test(test_the_state_follows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
