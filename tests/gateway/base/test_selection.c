/* SPDX-License-Identifier: Apache-2.0 */
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(matches_what_was_asked_for),
        cmocka_unit_test(equal_wishes_are_equal_texts),
        cmocka_unit_test(refuses_what_cannot_be_a_key),
        cmocka_unit_test(is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
