/* SPDX-License-Identifier: Apache-2.0 */
/* Which fields may be seen of what a view shows. */
#include "gateway/base/lens.h"

#include "tests/gateway/base/view_unit.h"

static bool field(const struct view *view, const char *type, const char *path)
{
    return lens_shows(lens_of(view, VIEW_EVENTS, str_of(type)), str_of(path));
}

/* The fields of one group are not shown of what only the other may see. */
static void test_each_grant_keeps_its_fields_to_itself(void **state)
{
    (void)state;
    const struct view *view = both(view_of("tickets.*", "ticket.*", "summary"),
                                   view_of("orders.*", "order.*,ticket.vip", "actor_id"));
    assert_true(tile(view, "tickets.a") && tile(view, "orders.a") && event(view, "order.x"));
    assert_true(field(view, "ticket.x", "summary") && !field(view, "ticket.x", "actor_id"));
    assert_true(!field(view, "order.x", "summary") && field(view, "order.x", "actor_id"));
    assert_true(field(view, "ticket.vip", "summary") && field(view, "ticket.vip", "actor_id"));
    assert_false(field(view, "ticket.vip", "target_id"));
    assert_false(field(view, "other", "summary"));
    view_release(&view);
}

static void test_what_is_shown_with_all_fields_is_shown_so(void **state)
{
    (void)state;
    const struct view *view = both(view_of("a*", "a*", "summary"), view_of("ab", "ab", NULL));
    assert_true(lens_clear(lens_of(view, VIEW_EVENTS, STR("ab"))));
    assert_false(lens_clear(lens_of(view, VIEW_EVENTS, STR("ac"))));
    const struct view *admin = both(view_of("a*", "a*", "summary"), view_of(NULL, NULL, NULL));
    assert_true(view_equal(admin, view_everything()));
    view_release(&view);
    view_release(&admin);
}

static void test_fields_are_paths_and_what_is_below_them(void **state)
{
    (void)state;
    const struct view *view = view_of("*", "*", "payload.a.*,payload.b,c*,two words");
    const struct lens lens = lens_of(view, VIEW_TILES, STR("x"));
    assert_true(lens_shows(lens, STR("payload.a.x.y")) && lens_shows(lens, STR("payload.b")));
    assert_true(lens_shows(lens, STR("two words")) && lens_shows(lens, STR("cab")));
    assert_false(lens_shows(lens, STR("payload")) || lens_shows(lens, STR("payload.a")));
    assert_true(lens_shows_below(lens, STR("payload")) && lens_shows_below(lens, STR("payload.a")));
    assert_false(lens_shows_below(lens, STR("payload.b")) || lens_shows_below(lens, STR("pay")));
    assert_false(lens_shows_below(lens, STR("payload.ab")) || lens_shows_below(lens, STR("x")));
    view_release(&view);
}

static void test_lenses_of_other_fields_have_other_digests(void **state)
{
    (void)state;
    const struct view *a = view_of("a", "*", "summary");
    const struct view *b = view_of("b", "*", "summary");
    const struct view *c = view_of("a", "*", "summary,x");
    const uint64_t digest = lens_digest(lens_of(a, VIEW_EVENTS, STR("e")));
    assert_int_equal(lens_digest(lens_of(view_everything(), VIEW_EVENTS, STR("e"))), 0);
    assert_true(digest != 0 && digest == lens_digest(lens_of(b, VIEW_EVENTS, STR("e"))));
    assert_true(digest != lens_digest(lens_of(c, VIEW_EVENTS, STR("e"))));
    view_release(&a);
    view_release(&b);
    view_release(&c);
}

static void test_lenses_are_equal_whose_views_show_the_same_fields(void **state)
{
    (void)state;
    const struct view *a = both(view_of("a", "e", "summary"), view_of("b", "f", "x"));
    const struct view *b = both(view_of("c", "f", "summary"), view_of("d", "e", "x"));
    const struct lens summary = lens_of(a, VIEW_EVENTS, STR("e"));
    assert_true(lens_equal(summary, lens_of(b, VIEW_EVENTS, STR("f"))));
    assert_false(lens_equal(summary, lens_of(a, VIEW_EVENTS, STR("f"))));
    assert_false(lens_equal(summary, lens_of(b, VIEW_EVENTS, STR("e"))));
    assert_false(lens_equal(summary, (struct lens){0}));
    assert_true(lens_equal((struct lens){0}, (struct lens){0}));
    view_release(&a);
    view_release(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_grant_keeps_its_fields_to_itself),
        cmocka_unit_test(test_what_is_shown_with_all_fields_is_shown_so),
        cmocka_unit_test(test_fields_are_paths_and_what_is_below_them),
        cmocka_unit_test(test_lenses_of_other_fields_have_other_digests),
        cmocka_unit_test(test_lenses_are_equal_whose_views_show_the_same_fields),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
