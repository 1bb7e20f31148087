/* SPDX-License-Identifier: Apache-2.0 */
#include "common/base/match/patterns.h"

#include "tests/unit.h"

#include <stdio.h>

static bool matches(const char *const *list, size_t count, const char *name)
{
    struct str texts[8];
    uint64_t steps = 0;
    for (size_t i = 0; i < count; i++) {
        texts[i] = str_of(list[i]);
    }
    struct patterns *patterns = patterns_create(texts, count);
    const bool result = patterns_match(patterns, str_of(name), &steps);
    assert_true(steps > 0);
    patterns_destroy(&patterns);
    assert_null(patterns);
    return result;
}

static void test_each_kind_of_pattern(void **state)
{
    (void)state;
    static const char *const list[] = {"a", "orders.*", "orders.EU.*", "*.open", "x*y*z", "n**m"};
    const size_t count = sizeof list / sizeof *list;
    assert_true(matches(list, count, "a"));
    assert_false(matches(list, count, "b"));
    assert_true(matches(list, count, "orders."));
    assert_true(matches(list, count, "orders.EU.west")); /* a shorter one covers it */
    assert_true(matches(list, count, "orders.Z"));
    assert_false(matches(list, count, "orders"));
    assert_true(matches(list, count, "tickets.open"));
    assert_false(matches(list, count, "tickets.opened"));
    assert_true(matches(list, count, "xyz"));
    assert_true(matches(list, count, "x-y-y-z"));
    assert_false(matches(list, count, "xz"));
    assert_true(matches(list, count, "nm"));
    assert_false(matches(list, count, "n"));
    assert_false(matches(list, 0, "a"));
    static const char *const all[] = {"b", "*"};
    assert_true(matches(all, 2, ""));
    assert_true(matches(all, 2, "anything"));
}

static uint32_t next(uint32_t *random)
{
    *random = *random * 1664525 + 1013904223;
    return *random >> 16;
}

/* A text of few letters, so that much matches by chance. */
static struct str some_text(uint32_t *random, const char *letters, char *out, size_t max)
{
    const size_t len = next(random) % (max + 1);
    for (size_t i = 0; i < len; i++) {
        out[i] = letters[next(random) % strlen(letters)];
    }
    return (struct str){out, len};
}

static void test_agrees_with_one_pattern_after_the_other(void **state)
{
    (void)state;
    uint32_t random = 7;
    size_t found = 0;
    for (int round = 0; round < 20000; round++) {
        char texts[6][12];
        char text[16];
        struct str list[6];
        const size_t count = next(&random) % 7;
        for (size_t i = 0; i < count; i++) {
            list[i] = some_text(&random, "ab*.", texts[i], sizeof texts[i]);
        }
        struct patterns *patterns = patterns_create(list, count);
        for (int i = 0; i < 4; i++) {
            const struct str name = some_text(&random, "ab.", text, sizeof text);
            uint64_t steps = 0;
            bool expected = false;
            for (size_t k = 0; k < count && !expected; k++) {
                expected = str_glob(list[k], name);
            }
            found += expected;
            assert_int_equal(patterns_match(patterns, name, &steps), expected);
        }
        patterns_destroy(&patterns);
    }
    assert_true(found > 1000 && found < 79000);
}

/* Names and beginnings cost the same however many they are, and others are mostly passed over. */
static void test_many_patterns_take_few_steps(void **state)
{
    (void)state;
    char texts[3][255][24];
    struct str list[255];
    static const char *const forms[] = {"orders.created.%03zu", "orders.%03zu.*", "*.%03zu#"};
    static const uint64_t most[] = {8, 8, 64};
    for (size_t form = 0; form < 3; form++) {
        uint64_t steps = 0;
        for (size_t i = 0; i < 255; i++) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
            snprintf(texts[form][i], sizeof texts[form][i], forms[form], i);
#pragma GCC diagnostic pop
            list[i] = str_of(texts[form][i]);
        }
        struct patterns *patterns = patterns_create(list, 255);
        assert_false(patterns_match(patterns, STR("tickets.opened"), &steps));
        assert_in_range(steps, 1, most[form]);
        patterns_destroy(&patterns);
    }
}

/* What has to be searched counts: here are 255 patterns that fail at the last byte. */
static void test_costly_patterns_take_many_steps(void **state)
{
    (void)state;
    struct str list[255];
    char name[512];
    uint64_t steps = 0;
    memset(name, 'a', sizeof name);
    memcpy(name, "cb", 2);
    for (size_t i = 0; i < 255; i++) {
        list[i] = STR("*a*b*c*");
    }
    struct patterns *patterns = patterns_create(list, 255);
    assert_false(patterns_match(patterns, (struct str){name, sizeof name}, &steps));
    assert_true(steps >= UINT64_C(255) * (sizeof name / 64));
    patterns_destroy(&patterns);
}

static void test_lists_of_names_are_told(void **state)
{
    (void)state;
    const struct str names[] = {STR("b"), STR("a"), STR("b")};
    const struct str others[] = {STR("b"), STR("a.*")};
    size_t count;
    struct patterns *patterns = patterns_create(names, 3);
    const struct str *sorted = patterns_names(patterns, &count);
    assert_int_equal(count, 2);
    assert_str(sorted[0], "a");
    assert_str(sorted[1], "b");
    patterns_destroy(&patterns);
    patterns = patterns_create(others, 2);
    assert_null(patterns_names(patterns, &count));
    patterns_destroy(&patterns);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_kind_of_pattern),
        cmocka_unit_test(test_agrees_with_one_pattern_after_the_other),
        cmocka_unit_test(test_many_patterns_take_few_steps),
        cmocka_unit_test(test_costly_patterns_take_many_steps),
        cmocka_unit_test(test_lists_of_names_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
