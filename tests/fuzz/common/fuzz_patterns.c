/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of patterns: the compiled list agrees with each pattern by itself, and what two patterns
 * have in common with what they match. Input: patterns on a line, joined by commas; names. */
#include "common/base/match/pattern.h"
#include "common/base/match/patterns.h"
#include "tests/fuzz/fuzz.h"

#define LIST_MAX 64

/* The rule as one would say it. */
static bool matches(struct str pattern, struct str name)
{
    if (pattern.len == 0) {
        return name.len == 0;
    }
    const struct str rest = {pattern.p + 1, pattern.len - 1};
    if (pattern.p[0] == '*') {
        return matches(rest, name) ||
               (name.len != 0 && matches(pattern, (struct str){name.p + 1, name.len - 1}));
    }
    return name.len != 0 && name.p[0] == pattern.p[0] &&
           matches(rest, (struct str){name.p + 1, name.len - 1});
}

static void check_pair(struct str a, struct str b, struct str name)
{
    FUZZ_CHECK(pattern_meets(a, b) == pattern_meets(b, a));
    FUZZ_CHECK(!pattern_covers(a, b) || pattern_meets(a, b));
    FUZZ_CHECK(!pattern_covers(a, b) || !str_glob(b, name) || str_glob(a, name));
    FUZZ_CHECK(!(str_glob(a, name) && str_glob(b, name)) || pattern_meets(a, b));
}

static bool check_name(const struct patterns *compiled, const struct str *list, size_t count,
                       struct str name)
{
    bool expected = false;
    uint64_t steps = 0;
    for (size_t i = 0; i < count; i++) {
        const bool one = str_glob(list[i], name);
        FUZZ_CHECK(name.len + list[i].len > 24 || one == matches(list[i], name));
        check_pair(list[0], list[i], name);
        expected = expected || one;
    }
    FUZZ_CHECK(patterns_match(compiled, name, &steps) == expected);
    return expected;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct str input = fuzz_text(data, len);
    struct str line = fuzz_take_line(&input);
    struct str list[LIST_MAX];
    size_t count = 0;
    while (count < LIST_MAX && line.len != 0) {
        const struct str pattern = fuzz_take_until(&line, ',');
        if (pattern.len != 0) {
            list[count++] = pattern;
        }
    }
    struct patterns *compiled = patterns_create(list, count);
    while (input.len != 0) {
        if (check_name(compiled, list, count, fuzz_take_line(&input))) {
            fuzz_took();
        }
    }
    patterns_destroy(&compiled);
    return 0;
}
