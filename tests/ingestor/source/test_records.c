/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/source/records.h"

#include "tests/unit.h"

static uint64_t number_of(const mp_value *value)
{
    uint64_t number;
    return mp_as_uint(value, &number) ? number : 0;
}

/* A journal with these numbers, up to the first 0. */
static struct buf journal_of(const uint64_t *numbers)
{
    struct buf journal = {0};
    for (; *numbers != 0; numbers++) {
        mp_put_uint(&journal, *numbers);
    }
    return journal;
}

static void test_records_go_on_behind_a_number(void **state)
{
    (void)state;
    static const struct {
        uint64_t numbers[6];
        uint64_t last; /* that is taken over, behind 3 */
        size_t kept;   /* bytes */
        bool whole;
    } rows[] = {
        {{0}, 3, 0, true},       {{2, 3, 4, 5}, 5, 2, true}, {{4}, 4, 1, true},
        {{1, 2}, 3, 0, true},    {{5}, 3, 0, false},         {{4, 6}, 4, 1, false},
        {{4, 4, 5}, 5, 2, true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct buf journal = journal_of(rows[i].numbers);
        struct buf kept = {0};
        uint64_t number = 3;
        assert_int_equal(records_behind(buf_str(&journal), number_of, &number, &kept),
                         rows[i].whole);
        assert_int_equal(number, rows[i].last);
        assert_int_equal(kept.len, rows[i].kept);
        buf_free(&journal);
        buf_free(&kept);
    }
}

static void test_damage_ends_it(void **state)
{
    (void)state;
    struct buf kept = {0};
    uint64_t number = 3;
    assert_false(records_behind(STR("\x04\xc1"), number_of, &number, &kept));
    assert_int_equal(number, 4);
    assert_false(records_behind(STR("\x05\xa3x"), number_of, &number, &kept));
    assert_false(records_behind(STR("\xc0"), number_of, &number, &kept));
    assert_int_equal(number, 5);
    buf_free(&kept);
}

static void test_records_are_added_until_they_are_as_long_as_the_state(void **state)
{
    (void)state;
    assert_true(records_append(0, 0));
    assert_true(records_append(0, 256 << 10));
    assert_false(records_append(0, (256 << 10) + 1));
    assert_true(records_append(1 << 20, 1 << 20));
    assert_false(records_append(1 << 20, (1 << 20) + 1));
    assert_false(records_append(1 << 20, SIZE_MAX));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_records_go_on_behind_a_number),
        cmocka_unit_test(test_damage_ends_it),
        cmocka_unit_test(test_records_are_added_until_they_are_as_long_as_the_state),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
