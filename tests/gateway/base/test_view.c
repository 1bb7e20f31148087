/* SPDX-License-Identifier: Apache-2.0 */
/* What views show: of one grant, and of several. */
#include <stdio.h>

#include "gateway/base/lens.h"
#include "tests/gateway/base/view_unit.h"

static void test_everything_shows_each_tile_event_and_field(void **state)
{
    (void)state;
    const struct view *view = view_everything();
    assert_true(tile(view, "orders.open") && tile(view, "") && event(view, "order created"));
    assert_true(lens_clear(lens_of(view, VIEW_EVENTS, STR("order"))));
    assert_true(view_retain(view) == view);
    view_release(&view);
    assert_null(view);
    assert_true(tile(view_everything(), "orders.open"));
}

static void test_a_list_that_is_not_there_shows_everything_and_an_empty_one_nothing(void **state)
{
    (void)state;
    const struct view *all = view_of(NULL, NULL, NULL);
    assert_true(view_equal(all, view_everything()));
    const struct view *tiles = view_of("tickets.*,open", "", NULL);
    assert_true(tile(tiles, "tickets.sla") && tile(tiles, "open"));
    assert_false(tile(tiles, "tickets") || tile(tiles, "orders.open") || event(tiles, "ticket"));
    const struct view *nothing = view_of("", "", NULL);
    assert_false(tile(nothing, "") || event(nothing, "ticket"));
    view_release(&all);
    view_release(&tiles);
    view_release(&nothing);
}

static void test_equal_contents_are_equal_texts(void **state)
{
    (void)state;
    const struct view *a = view_of("b,a,a", "*,x", "summary,actor_id");
    const struct view *b =
        both(view_of("a", "", "actor_id,summary"), view_of("b", "*", "summary,actor_id,summary"));
    assert_true(view_equal(a, b));
    assert_true(str_is(view_text(a, VIEW_TILES), "a,b showing \"actor_id,summary\""));
    assert_true(str_is(view_text(a, VIEW_EVENTS), "* showing \"actor_id,summary\""));
    const struct view *c = view_of("a,b", "*", "summary");
    assert_false(view_equal(a, c));
    const struct view *d = view_of("a,b", "x", "summary,actor_id");
    assert_false(view_equal(a, d));
    assert_true(str_equal(view_text(a, VIEW_TILES), view_text(d, VIEW_TILES)));
    view_release(&a);
    view_release(&b);
    view_release(&c);
    view_release(&d);
}

static void test_what_no_name_has_is_refused(void **state)
{
    (void)state;
    struct error err;
    const struct view *view = NULL;
    assert_int_equal(make("a b", NULL, NULL, &view, &err), STATUS_INVALID);
    assert_non_null(strstr(err.text, "pattern 1 of tiles"));
    assert_int_equal(make(NULL, "a,\"", NULL, &view, &err), STATUS_INVALID);
    assert_non_null(strstr(err.text, "pattern 2 of events"));
    assert_int_equal(make(NULL, NULL, "a\tb", &view, &err), STATUS_INVALID);
    assert_non_null(strstr(err.text, "pattern 1 of fields"));
    const struct str comma = STR("a,b");
    const struct view_list list = {&comma, 1};
    assert_int_equal(view_create(&list, NULL, NULL, &view, &err), STATUS_INVALID);
    assert_int_equal(view_create(NULL, NULL, &list, &view, &err), STATUS_INVALID);
    assert_null(view);
}

/* A view of so many patterns, all different. */
static int make_many(size_t count, char first, const struct view **out)
{
    char(*texts)[8] = calloc(count, sizeof *texts);
    struct str *patterns = calloc(count, sizeof *patterns);
    for (size_t i = 0; i < count; i++) {
        snprintf(texts[i], sizeof texts[i], "%c%zu", first, i);
        patterns[i] = str_of(texts[i]);
    }
    const struct view_list none = {NULL, 0};
    const struct view_list list = {patterns, count};
    const int status = view_create(&list, &none, NULL, out, NULL);
    free(texts);
    free(patterns);
    return status;
}

static void test_views_are_bounded(void **state)
{
    (void)state;
    const struct view *views[2] = {NULL, NULL};
    const struct view *joined = NULL;
    assert_int_equal(make_many(VIEW_PATTERNS_MAX + 1, 'a', &views[0]), STATUS_FULL);
    assert_int_equal(make_many(VIEW_PATTERNS_MAX / 2, 'a', &views[0]), STATUS_OK);
    assert_int_equal(make_many(VIEW_PATTERNS_MAX, 'b', &views[1]), STATUS_FULL); /* and `*` */
    assert_int_equal(make_many(VIEW_PATTERNS_MAX - 1, 'b', &views[1]), STATUS_OK);
    struct error err;
    assert_int_equal(view_union(views, 2, &joined, &err), STATUS_FULL);
    assert_null(joined);
    assert_non_null(strstr(err.text, "1024 patterns"));
    const struct view *nothing = NULL;
    assert_int_equal(view_union(views, 0, &nothing, NULL), STATUS_OK);
    assert_false(tile(nothing, "a0"));
    view_release(&views[0]);
    view_release(&views[1]);
    view_release(&nothing);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_everything_shows_each_tile_event_and_field),
        cmocka_unit_test(test_a_list_that_is_not_there_shows_everything_and_an_empty_one_nothing),
        cmocka_unit_test(test_equal_contents_are_equal_texts),
        cmocka_unit_test(test_what_no_name_has_is_refused),
        cmocka_unit_test(test_views_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
