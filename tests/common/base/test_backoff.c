/* SPDX-License-Identifier: Apache-2.0 */
#include "common/base/backoff.h"

#include "tests/unit.h"

static void test_it_doubles_up_to_the_limit(void **state)
{
    (void)state;
    struct backoff backoff = {100, 5000, 0, 42};
    int64_t limit = 100;
    for (int i = 0; i < 20; i++) {
        const int64_t wait = backoff_next_ms(&backoff);
        assert_in_range(wait, limit / 2, limit);
        limit = limit * 2 < 5000 ? limit * 2 : 5000;
    }
    backoff_reset(&backoff);
    assert_in_range(backoff_next_ms(&backoff), 50, 100);
}

/* Those that failed together must not try again together. */
static void test_it_jitters(void **state)
{
    (void)state;
    int64_t smallest = INT64_MAX;
    int64_t largest = 0;
    for (uint64_t seed = 0; seed < 200; seed++) {
        struct backoff backoff = {1000, 1000, 0, seed};
        const int64_t wait = backoff_next_ms(&backoff);
        smallest = wait < smallest ? wait : smallest;
        largest = wait > largest ? wait : largest;
    }
    assert_true(smallest < 560 && largest > 940);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_it_doubles_up_to_the_limit),
        cmocka_unit_test(test_it_jitters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
