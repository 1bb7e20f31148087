/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "tests/unit.h"

#include "common/base/error.h"
#include "gateway/base/selection.h"

static bool selects(const char *list, const char *name)
{
    struct selection selection;
    assert_int_equal(selection_parse(&selection, list), STATUS_OK);
    const bool matches = selection_matches(&selection, str_of(name));
    selection_free(&selection);
    return matches;
}

static void matches_what_was_asked_for(void **state)
{
    (void)state;
    assert_true(selects(NULL, "anything"));
    assert_true(selects("", "anything"));
    assert_true(selects("*", "anything"));
    assert_true(selects("a,b.*", "a"));
    assert_true(selects("a,b.*", "b.c.d"));
    assert_false(selects("a,b.*", "b"));
    assert_false(selects("a,b.*", "ab"));
    assert_true(selects("*.open", "orders.open"));
    assert_true(selects("orders/*", "orders/EU%20west"));
    assert_false(selects("orders.Open", "orders.open"));
}

static void equal_wishes_are_equal_texts(void **state)
{
    (void)state;
    struct selection a;
    struct selection b;
    assert_int_equal(selection_parse(&a, "b,a,c.*,a"), STATUS_OK);
    assert_int_equal(selection_parse(&b, "c.*,b,a,b,b"), STATUS_OK);
    assert_string_equal(a.text, "a,b,c.*");
    assert_string_equal(a.text, b.text);
    assert_int_equal(a.count, 3);
    selection_free(&a);
    selection_free(&b);
    assert_null(a.text);
    assert_int_equal(selection_parse(&a, "*,*"), STATUS_OK);
    assert_string_equal(a.text, ""); /* as of "*" */
    assert_int_equal(a.count, 0);
    selection_free(&a);
}

static void refuses_what_cannot_be_a_key(void **state)
{
    (void)state;
    static const char *const bad[] = {",", "a,", ",a", "a,,b", "a b", "a\tb", "a\"b", "\xc3\xa4"};
    struct selection selection;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(selection_parse(&selection, bad[i]), STATUS_INVALID);
        assert_null(selection.text);
    }
}

static void is_bounded(void **state)
{
    (void)state;
    struct selection selection;
    char *list = calloc(1, 2 * SELECTION_TEXT_MAX);
    memset(list, 'a', SELECTION_TEXT_MAX);
    assert_int_equal(selection_parse(&selection, list), STATUS_OK);
    selection_free(&selection);
    list[SELECTION_TEXT_MAX] = 'a';
    assert_int_equal(selection_parse(&selection, list), STATUS_INVALID);
    memset(list, 0, 2 * SELECTION_TEXT_MAX);
    for (size_t i = 0; i < SELECTION_PATTERNS_MAX; i++) {
        strcat(list, i == 0 ? "a" : ",a");
    }
    assert_int_equal(selection_parse(&selection, list), STATUS_OK);
    assert_int_equal(selection.count, 1);
    selection_free(&selection);
    strcat(list, ",a");
    assert_int_equal(selection_parse(&selection, list), STATUS_INVALID);
    free(list);
}

/* The list, narrowed to tiles of these patterns, with these fields; STATUS_NOT_FOUND: nothing is
 * left of it. */
static int narrowed(struct selection *out, const char *list, const char *pattern, const char *field)
{
    const struct str pattern_text = str_of(pattern);
    const struct str field_text = str_of(field);
    const struct view_list tiles = {&pattern_text, 1};
    const struct view_list fields = {&field_text, 1};
    const struct view *view = NULL;
    assert_int_equal(view_create(&tiles, NULL, field != NULL ? &fields : NULL, &view, NULL), 0);
    assert_int_equal(selection_parse(out, list), STATUS_OK);
    const bool some = selection_narrow(out, view, VIEW_TILES);
    view_release(&view); /* the selection has it, if it needs it */
    if (!some) {
        selection_free(out);
    }
    return some ? STATUS_OK : STATUS_NOT_FOUND;
}

static void what_lies_in_the_view_is_as_without_one(void **state)
{
    (void)state;
    struct selection selection;
    assert_int_equal(narrowed(&selection, "tickets.sla,tickets.o*", "tickets.*", NULL), STATUS_OK);
    assert_string_equal(selection.text, "tickets.o*,tickets.sla");
    assert_null(selection.view);
    selection_free(&selection);
    assert_int_equal(selection_parse(&selection, "a"), STATUS_OK);
    assert_true(selection_narrow(&selection, view_everything(), VIEW_EVENTS));
    assert_string_equal(selection.text, "a");
    selection_free(&selection);
}

static void otherwise_both_have_to_match(void **state)
{
    (void)state;
    struct selection selection;
    assert_int_equal(narrowed(&selection, "a*,c", "*b", NULL), STATUS_OK);
    assert_string_equal(selection.text, "a*,c within *b");
    assert_true(selection_matches(&selection, STR("ab")));
    assert_false(selection_matches(&selection, STR("a")));
    assert_false(selection_matches(&selection, STR("c")));
    assert_false(selection_matches(&selection, STR("b")));
    struct selection copy;
    selection_copy(&copy, &selection);
    selection_free(&selection);
    assert_true(selection_matches(&copy, STR("a.b")));
    assert_false(selection_matches(&copy, STR("a")));
    selection_free(&copy);
    assert_int_equal(narrowed(&selection, NULL, "a*", NULL), STATUS_OK);
    assert_string_equal(selection.text, "* within a*");
    assert_true(selection_matches(&selection, STR("ab")));
    assert_false(selection_matches(&selection, STR("b")));
    selection_free(&selection);
}

static void nothing_is_left_of_what_may_not_be_seen(void **state)
{
    (void)state;
    struct selection selection;
    assert_int_equal(narrowed(&selection, "orders.*,b", "tickets.*", NULL), STATUS_NOT_FOUND);
    assert_null(selection.text);
}

/* Who may not see all fields shares nothing with who may, though both see the same keys. */
static void fields_are_a_part_of_the_selection(void **state)
{
    (void)state;
    struct selection selection;
    assert_int_equal(narrowed(&selection, "a", "*", "summary"), STATUS_OK);
    assert_string_equal(selection.text, "a within * showing \"summary\"");
    const struct lens lens = selection_lens(&selection, STR("a"));
    assert_true(lens_shows(lens, STR("summary")));
    assert_false(lens_shows(lens, STR("actor_id")));
    selection_free(&selection);
}

/* What a client got while it saw other things cannot be continued. */
static void an_id_tells_under_which_view_it_was_given(void **state)
{
    (void)state;
    struct selection some;
    struct selection less;
    struct selection all;
    assert_int_equal(narrowed(&some, NULL, "a*", NULL), STATUS_OK);
    assert_int_equal(narrowed(&less, NULL, "a*", "summary"), STATUS_OK);
    assert_int_equal(selection_parse(&all, NULL), STATUS_OK);
    assert_string_equal(selection_mark(&all), "");
    assert_string_not_equal(selection_mark(&some), selection_mark(&less));
    char text[32];
    snprintf(text, sizeof text, "1k-3f9%s", selection_mark(&some));
    struct str id = str_of(text);
    assert_true(selection_continues(&some, some.view, VIEW_TILES, &id));
    assert_true(str_is(id, "1k-3f9"));
    id = str_of(text);
    assert_false(selection_continues(&less, less.view, VIEW_TILES, &id));
    id = str_of(text);
    assert_false(selection_continues(&all, view_everything(), VIEW_TILES, &id));
    id = STR("1k-3f9");
    assert_false(selection_continues(&some, some.view, VIEW_TILES, &id));
    assert_true(selection_continues(&all, view_everything(), VIEW_TILES, &id));
    /* A part of the view that has no mark of its own. */
    struct selection covered;
    assert_int_equal(narrowed(&covered, "ab", "a*", NULL), STATUS_OK);
    assert_string_equal(selection_mark(&covered), "");
    id = str_of(text);
    assert_true(selection_continues(&covered, some.view, VIEW_TILES, &id));
    selection_free(&covered);
    selection_free(&some);
    selection_free(&less);
    selection_free(&all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(matches_what_was_asked_for),
        cmocka_unit_test(equal_wishes_are_equal_texts),
        cmocka_unit_test(refuses_what_cannot_be_a_key),
        cmocka_unit_test(is_bounded),
        cmocka_unit_test(what_lies_in_the_view_is_as_without_one),
        cmocka_unit_test(otherwise_both_have_to_match),
        cmocka_unit_test(nothing_is_left_of_what_may_not_be_seen),
        cmocka_unit_test(fields_are_a_part_of_the_selection),
        cmocka_unit_test(an_id_tells_under_which_view_it_was_given),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
