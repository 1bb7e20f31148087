/* SPDX-License-Identifier: Apache-2.0 */
/* Patterns: which there are, the normal form of a list, and what two have in common. */
#include "common/base/match/pattern.h"

#include "tests/unit.h"

#define TEXT_MAX 5

static void test_a_list_is_sorted_and_has_nothing_twice(void **state)
{
    (void)state;
    struct str list[] = {STR("b"), STR("a*"), STR("ab"), STR("b"), STR("a")};
    assert_int_equal(pattern_sort(list, 5), 4);
    assert_true(str_is(list[0], "a") && str_is(list[1], "a*"));
    assert_true(str_is(list[2], "ab") && str_is(list[3], "b"));
    assert_int_equal(pattern_sort(NULL, 0), 0);
}

static void test_a_pattern_has_only_what_names_have(void **state)
{
    (void)state;
    static const char *const bad[] = {"", "a b", "a\tb", "a\"b", "\xc3\xa4", "\x7f"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_false(pattern_valid(str_of(bad[i])));
    }
    assert_true(pattern_valid(STR("orders/EU%20west*")));
}

/* The text of that number over `a` and `b`; all texts of up to TEXT_MAX letters have one. */
static struct str text_of(unsigned number, char out[TEXT_MAX])
{
    size_t len = 0;
    for (number += 1; number > 1; number /= 2) {
        out[len++] = (number & 1) != 0 ? 'a' : 'b';
    }
    return (struct str){out, len};
}

/* The pattern of that number over `a`, `b` and the star. */
static struct str pattern_of(unsigned number, char out[TEXT_MAX])
{
    size_t len = 0;
    for (; number != 0; number /= 3) {
        out[len++] = "ab*"[number % 3];
    }
    return (struct str){out, len};
}

/* Texts of up to five letters tell all patterns of up to two of the three characters apart. */
static void test_what_two_patterns_have_in_common_is_what_some_text_shows(void **state)
{
    (void)state;
    enum { PATTERNS = 27, TEXTS = (1 << (TEXT_MAX + 1)) - 1 };
    for (unsigned x = 1; x < PATTERNS; x++) {
        for (unsigned y = 1; y < PATTERNS; y++) {
            char chars[2][TEXT_MAX];
            const struct str a = pattern_of(x, chars[0]);
            const struct str b = pattern_of(y, chars[1]);
            bool meet = false;
            bool covers = true;
            for (unsigned t = 0; t < TEXTS; t++) {
                char letters[TEXT_MAX];
                const struct str text = text_of(t, letters);
                const bool in_a = str_glob(a, text);
                const bool in_b = str_glob(b, text);
                meet = meet || (in_a && in_b);
                covers = covers && (in_a || !in_b);
            }
            assert_int_equal(pattern_meets(a, b), meet);
            assert_int_equal(pattern_covers(a, b), covers);
        }
    }
}

static void test_patterns_with_several_stars_meet_in_the_middle(void **state)
{
    (void)state;
    assert_true(pattern_meets(STR("or*x*"), STR("ord*y*s")));
    assert_true(pattern_meets(STR("a*"), STR("*b")));
    assert_false(pattern_meets(STR("a*c"), STR("*b")));
    assert_false(pattern_meets(STR("tickets.*"), STR("orders.*")));
    assert_false(pattern_meets(STR("tickets.sla"), STR("orders.*")));
    assert_true(pattern_covers(STR("tickets.*"), STR("tickets.a*b")));
    assert_false(pattern_covers(STR("tickets.sla"), STR("tickets.*")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_list_is_sorted_and_has_nothing_twice),
        cmocka_unit_test(test_a_pattern_has_only_what_names_have),
        cmocka_unit_test(test_what_two_patterns_have_in_common_is_what_some_text_shows),
        cmocka_unit_test(test_patterns_with_several_stars_meet_in_the_middle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
