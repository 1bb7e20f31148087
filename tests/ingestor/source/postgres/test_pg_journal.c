/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/source/postgres/pg_journal.h"

#include "tests/unit.h"

/* Ids 11..20 were polled, of which 12, 13 and 17 were missing; then 5 and 7 came late. */
static void put_example(struct buf *out, uint64_t number)
{
    struct pg_draft draft = {0};
    pg_draft_hole(&draft, 12, 13, (wall_time){1000});
    pg_draft_hole(&draft, 17, 17, (wall_time){2000});
    pg_draft_late(&draft, 5, 21);
    pg_draft_late(&draft, 7, 22);
    const struct pg_record record = {
        .number = number, .before = 10, .after = 20, .fence = 99, .ceiling = 5000};
    pg_record_put(out, &record, &draft);
    pg_draft_free(&draft);
}

static void test_a_record_says_what_was_put(void **state)
{
    (void)state;
    struct buf bytes = {0};
    put_example(&bytes, 3);
    struct pg_journal journal = {0};
    struct pg_record r;
    assert_true(pg_journal_load(&journal, buf_str(&bytes), 2));
    buf_free(&bytes);
    assert_true(pg_journal_next(&journal, 2, 10, &r));
    assert_int_equal(r.number, 3);
    assert_int_equal(r.before, 10);
    assert_int_equal(r.after, 20);
    assert_int_equal(r.fence, 99);
    assert_int_equal(r.since.us, 2000);
    assert_int_equal(r.ordinal, 21);
    assert_int_equal(r.ceiling, 5000);
    int64_t first;
    int64_t last;
    assert_true(pg_record_hole(&r, 1, &first, &last));
    assert_int_equal(first, 17);
    assert_int_equal(last, 17);
    assert_false(pg_record_hole(&r, 2, &first, &last));
    assert_int_equal(mp_count(r.late), 2);
    for (int64_t id = 10; id <= 21; id++) {
        assert_int_equal(pg_record_misses(&r, id), id == 12 || id == 13 || id == 17);
    }
    pg_journal_advance(&journal);
    assert_false(pg_journal_next(&journal, 2, 10, &r));
    pg_journal_free(&journal);
}

static void test_an_empty_look(void **state)
{
    (void)state;
    struct buf bytes = {0};
    const struct pg_draft draft = {0};
    const struct pg_record record = {.number = 1, .before = 4, .after = 9, .ceiling = 70000};
    pg_record_put(&bytes, &record, &draft);
    struct pg_journal journal = {0};
    struct pg_record r;
    assert_true(pg_journal_load(&journal, buf_str(&bytes), 0));
    assert_true(pg_journal_next(&journal, 0, 0, &r));
    assert_int_equal(r.ceiling, 70000);
    assert_int_equal(mp_count(r.late), 0);
    assert_false(pg_record_misses(&r, 5));
    buf_free(&bytes);
    pg_journal_free(&journal);
}

static void test_records_of_the_state_are_passed_over(void **state)
{
    (void)state;
    struct buf bytes = {0};
    for (uint64_t number = 1; number <= 5; number++) {
        put_example(&bytes, number);
    }
    struct pg_journal journal = {0};
    struct pg_record r;
    assert_true(pg_journal_load(&journal, buf_str(&bytes), 0));
    assert_true(pg_journal_next(&journal, 3, 0, &r));
    assert_int_equal(r.number, 4);
    pg_journal_advance(&journal);
    assert_false(pg_journal_next(&journal, 4, 11, &r)); /* begins before the position */
    buf_free(&bytes);
    pg_journal_free(&journal);
}

/* Cut anywhere, or with any byte changed, it is read up to there or refused; never further. */
static void test_damage(void **state)
{
    (void)state;
    struct buf bytes = {0};
    put_example(&bytes, 1);
    const size_t one = bytes.len;
    put_example(&bytes, 2);
    for (size_t len = 0; len <= bytes.len; len++) {
        struct pg_journal journal = {0};
        struct pg_record r;
        const bool whole = pg_journal_load(&journal, (struct str){bytes.data, len}, 0);
        assert_int_equal(whole, len % one == 0);
        size_t found = 0;
        while (pg_journal_next(&journal, 0, 0, &r)) {
            found++;
            pg_journal_advance(&journal);
        }
        assert_int_equal(found, whole ? len / one : 0);
        pg_journal_free(&journal);
    }
    for (size_t i = 0; i < bytes.len; i++) {
        struct pg_journal journal = {0};
        struct pg_record r;
        bytes.data[i] = (char)~bytes.data[i];
        (void)pg_journal_load(&journal, buf_str(&bytes), 0);
        while (pg_journal_next(&journal, 0, 0, &r)) {
            (void)pg_record_misses(&r, 12);
            pg_journal_advance(&journal);
        }
        bytes.data[i] = (char)~bytes.data[i];
        pg_journal_free(&journal);
    }
    buf_free(&bytes);
}

static void test_a_record_that_is_missing_is_noticed(void **state)
{
    (void)state;
    for (uint64_t missing = 1; missing <= 4; missing++) {
        struct buf bytes = {0};
        struct pg_journal journal = {0};
        for (uint64_t number = 1; number <= 5; number++) {
            if (number != missing) {
                put_example(&bytes, number);
            }
        }
        for (uint64_t known = 0; known <= 5; known++) { /* in the state */
            assert_int_equal(pg_journal_load(&journal, buf_str(&bytes), known), known >= missing);
            pg_journal_free(&journal);
        }
        buf_free(&bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_record_says_what_was_put),
        cmocka_unit_test(test_an_empty_look),
        cmocka_unit_test(test_a_record_that_is_missing_is_noticed),
        cmocka_unit_test(test_records_of_the_state_are_passed_over),
        cmocka_unit_test(test_damage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
