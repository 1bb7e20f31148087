/* SPDX-License-Identifier: Apache-2.0 */
#include "common/base/arena.h"

#include "tests/unit.h"

static void test_arena(void **state)
{
    (void)state;
    struct arena *arena = arena_create();
    char *empty = arena_array(arena, 0, 8);
    assert_non_null(empty);
    uint64_t *numbers = arena_array(arena, 100, sizeof *numbers);
    for (size_t i = 0; i < 100; i++) {
        assert_int_equal(numbers[i], 0);
        numbers[i] = i;
    }
    assert_int_equal((uintptr_t)arena_alloc(arena, 3) % _Alignof(max_align_t), 0);
    assert_string_equal(arena_strndup(arena, "tilewire", 4), "tile");
    assert_string_equal(arena_strndup(arena, NULL, 0), "");
    assert_string_equal(arena_printf(arena, "%s-%d", "a", 12), "a-12");
    assert_int_equal(numbers[99], 99);
    arena_destroy(&arena);
    assert_null(arena);
    arena_destroy(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_arena)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
