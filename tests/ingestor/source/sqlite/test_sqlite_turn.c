/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/source/sqlite/sqlite_turn.h"

#include <stdio.h>
#include <unistd.h>

#include "common/base/time/clock.h"
#include "tests/unit.h"

struct two {
    char path[64];
    sqlite3 *writer;
    sqlite3 *reader;
};

/* POSIX locks are a process's: a writer of the same process has none against the reader, but what
 * it reserved is told all the same. */
static void open_two(struct two *two, const char *mode)
{
    snprintf(two->path, sizeof two->path, "/tmp/tilewire-turn-%d.db", (int)getpid());
    assert_int_equal(sqlite3_open(two->path, &two->writer), SQLITE_OK);
    assert_int_equal(sqlite3_exec(two->writer, mode, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_exec(two->writer, "CREATE TABLE t (n)", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_open_v2(two->path, &two->reader, SQLITE_OPEN_READONLY, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite3_exec(two->reader, "SELECT * FROM t", NULL, NULL, NULL), SQLITE_OK);
}

static void close_two(struct two *two)
{
    sqlite3_close(two->reader);
    sqlite3_close(two->writer);
    unlink(two->path);
}

static void run(sqlite3 *db, const char *sql)
{
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
}

static void test_a_writer_is_made_way_for_but_not_for_ever(void **state)
{
    (void)state;
    struct two two;
    struct sqlite_turn turn = {0};
    open_two(&two, "PRAGMA journal_mode=DELETE");
    assert_false(sqlite_turn_is_over(&turn, two.reader));
    sqlite_turn_await(&turn, two.reader);
    run(two.writer, "BEGIN IMMEDIATE");
    assert_true(sqlite_turn_is_over(&turn, two.reader));
    sqlite_turn_await(&turn, two.reader); /* a quarter of a second */
    assert_true(turn.gave_up);
    assert_false(sqlite_turn_is_over(&turn, two.reader)); /* it reads on, however long it takes */
    const mono_time before = clock_mono();
    sqlite_turn_await(&turn, two.reader);
    assert_true(clock_mono().us - before.us < 100000);
    run(two.writer, "COMMIT");
    sqlite_turn_await(&turn, two.reader);
    assert_false(turn.gave_up);
    close_two(&two);
}

static void test_in_wal_mode_nobody_waits(void **state)
{
    (void)state;
    struct two two;
    struct sqlite_turn turn = {0};
    open_two(&two, "PRAGMA journal_mode=WAL");
    run(two.writer, "BEGIN IMMEDIATE");
    assert_false(sqlite_turn_is_over(&turn, two.reader));
    sqlite_turn_await(&turn, two.reader);
    assert_false(turn.gave_up);
    run(two.writer, "COMMIT");
    close_two(&two);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_writer_is_made_way_for_but_not_for_ever),
        cmocka_unit_test(test_in_wal_mode_nobody_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
