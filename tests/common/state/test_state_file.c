/* SPDX-License-Identifier: Apache-2.0 */
#include "common/state/state_file.h"

#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "common/state/frame.h"
#include "tests/common/state/state_file_unit.h"

static void test_what_was_saved_comes_back(void **state)
{
    (void)state;
    struct fixture f;
    setup(&f);
    assert_int_equal(load_status(f.store, NULL), STATUS_NOT_FOUND);
    save(&f, ID(0, 0, 1), "place");
    save(&f, ID(2, 1, 0), "member");
    save(&f, ID(2, 1, 7), "item");
    save(&f, ID(1, 0, 0), "tile");
    save(&f, ID(2, 1, 7), "item, changed");
    reopen(&f);
    assert_loads(f.store, "0/0/1=place 1/0/0=tile 2/1/0=member 2/1/7=item, changed");
    struct state_changes gone = {0};
    state_gone(&gone, STATE_MEMBER_GONE, ID(2, 1, 0));
    state_gone(&gone, STATE_ITEM_GONE, ID(0, 0, 1));
    assert_int_equal(state_file.save(f.store, &gone, 0, NULL), STATUS_OK);
    state_changes_free(&gone);
    assert_loads(f.store, "1/0/0=tile");
    struct stat named;
    assert_int_equal(stat(f.path, &named), 0);
    assert_int_equal(named.st_mode & 0777, 0600);
    assert_true(state_file.size(f.store) > 0);
    teardown(&f);
}

/* A list of changes that fails on its way leaves nothing of itself. */
static void test_a_full_disk_changes_nothing(void **state)
{
    (void)state;
    struct fixture f;
    struct error err;
    struct state_changes changes = {0};
    setup(&f);
    save(&f, ID(1, 0, 0), "before");
    struct rlimit before;
    getrlimit(RLIMIT_FSIZE, &before);
    struct rlimit small = before;
    small.rlim_cur = 256 << 10;
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &small);
    state_put(&changes, ID(1, 0, 0), STR("after"));
    for (uint64_t i = 1; i < 20000; i++) {
        state_put(&changes, ID(1, 1, i), STR("a value of which there are many"));
    }
    assert_int_equal(state_file.save(f.store, &changes, 0, &err), STATUS_IO);
    assert_non_null(strstr(err.text, "cannot write the state"));
    assert_loads(f.store, "1/0/0=before");
    setrlimit(RLIMIT_FSIZE, &before);
    assert_int_equal(state_file.save(f.store, &changes, 0, NULL), STATUS_OK);
    state_changes_free(&changes);
    reopen(&f);
    assert_int_equal(load_status(f.store, NULL), STATUS_OK);
    teardown(&f);
}

static void test_who_lost_the_lease_changes_nothing(void **state)
{
    (void)state;
    struct fixture f;
    struct state_store *next;
    struct error err;
    setup(&f);
    save(&f, ID(1, 0, 0), "old");
    f.lost = true;
    assert_int_equal(save_one(f.store, ID(1, 0, 0), "new", NULL), STATUS_DENIED);
    assert_int_equal(state_file.append(f.store, 1, STR("record"), NULL), STATUS_DENIED);
    assert_loads(f.store, "1/0/0=old");
    f.lost = false; /* the number alone must do, too */
    assert_int_equal(open_as(&f, 2, &next, NULL), STATUS_OK);
    assert_int_equal(save_one(f.store, ID(1, 0, 0), "new", &err), STATUS_IO); /* kept out */
    assert_int_equal(save_one(next, ID(1, 0, 0), "newer", NULL), STATUS_OK);
    assert_int_equal(save_one(f.store, ID(1, 0, 0), "new", &err), STATUS_DENIED);
    assert_non_null(strstr(err.text, "lease"));
    assert_int_equal(state_file.append(f.store, 1, STR("record"), NULL), STATUS_DENIED);
    assert_loads(next, "1/0/0=newer");
    state_file.close(next);
    teardown(&f);
}

static char *text_of(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *statement;
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    char *text = x_strdup((const char *)sqlite3_column_text(statement, 0));
    sqlite3_finalize(statement);
    return text;
}

/* SIGSTOP in the middle of a transaction keeps SQLite's lock for as long as it lasts. */
static void test_one_that_is_stopped_in_the_middle_of_writing_is_gone_around(void **state)
{
    (void)state;
    struct fixture f;
    struct state_store *next;
    sqlite3 *stopped;
    setup(&f);
    save(&f, ID(1, 0, 0), "saved");
    save(&f, ID(2, 0, 0), "too");
    assert_int_equal(state_file.append(f.store, 4, STR("journaled"), NULL), STATUS_OK);
    char *path = database_of(&f, 1);
    assert_int_equal(sqlite3_open(path, &stopped), SQLITE_OK);
    assert_int_equal(
        sqlite3_exec(stopped, "BEGIN IMMEDIATE; UPDATE state SET value = 'x'", NULL, NULL, NULL),
        SQLITE_OK);
    assert_int_equal(open_as(&f, 2, &next, NULL), STATUS_OK);
    assert_loads(next, "1/0/0=saved 2/0/0=too");
    assert_int_equal(files(&f, ".state.2"), 0); /* the disk is not waited for */
    assert_int_equal(save_one(next, ID(1, 0, 0), "by the next", NULL), STATUS_OK);
    assert_int_equal(sqlite3_exec(stopped, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
    assert_loads(next, "1/0/0=by the next 2/0/0=too");
    sqlite3_close(stopped);
    assert_int_equal(save_one(f.store, ID(1, 0, 0), "by the first", NULL), STATUS_OK); /* nowhere */
    state_file.close(next);
    assert_int_equal(open_as(&f, 3, &next, NULL), STATUS_OK);
    assert_loads(next, "1/0/0=by the next 2/0/0=too");
    struct state_changes journal = {0};
    assert_int_equal(state_file.journal(next, &journal, NULL), STATUS_OK);
    assert_string_equal(buf_cstr(&journal.values), "journaled");
    state_changes_free(&journal);
    assert_int_equal(files(&f, ".state.1"), 0);
    state_file.close(next);
    free(path);
    teardown(&f);
}

/* Its disk hung in the middle of a commit, which is done after all before the next holder writes
 * for the first time: what that has loaded counts, and nothing is mixed with it. */
static void test_a_commit_that_comes_late_is_not_mixed_with_what_was_loaded(void **state)
{
    (void)state;
    struct fixture f;
    struct state_store *next;
    sqlite3 *late;
    setup(&f);
    save(&f, ID(1, 0, 0), "saved");
    save(&f, ID(2, 0, 0), "too");
    char *path = database_of(&f, 1);
    assert_int_equal(sqlite3_open(path, &late), SQLITE_OK);
    assert_int_equal(sqlite3_exec(late,
                                  "BEGIN IMMEDIATE; UPDATE state SET member = 7 WHERE tile = 2;"
                                  "INSERT INTO journal VALUES (9, x'00')",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    assert_int_equal(open_as(&f, 2, &next, NULL), STATUS_OK);
    assert_loads(next, "1/0/0=saved 2/0/0=too");
    assert_int_equal(sqlite3_exec(late, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(late);
    struct state_changes journal = {0};
    assert_int_equal(state_file.journal(next, &journal, NULL), STATUS_OK);
    assert_int_equal(journal.count, 0);
    assert_int_equal(save_one(next, ID(1, 0, 0), "by the next", NULL), STATUS_OK);
    assert_loads(next, "1/0/0=by the next 2/0/0=too");
    state_file.close(next);
    free(path);
    teardown(&f);
}

/* What goes around one that is stopped copies all there is, again after each try that failed. */
static void test_a_copy_whose_first_changes_fail_is_made_again(void **state)
{
    (void)state;
    struct fixture f;
    struct state_store *next;
    sqlite3 *stopped;
    setup(&f);
    save(&f, ID(1, 0, 0), "saved");
    save(&f, ID(2, 0, 0), "too");
    char *path = database_of(&f, 1);
    assert_int_equal(sqlite3_open(path, &stopped), SQLITE_OK);
    assert_int_equal(sqlite3_exec(stopped, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(open_as(&f, 2, &next, NULL), STATUS_OK);
    f.lost = true;
    assert_int_equal(save_one(next, ID(1, 0, 0), "lost", NULL), STATUS_DENIED);
    assert_int_equal(state_file.append(next, 1, STR("record"), NULL), STATUS_DENIED);
    assert_int_equal(files(&f, ".state.2"), 0);
    f.lost = false;
    assert_int_equal(state_file.append(next, 5, STR("journaled"), NULL), STATUS_OK);
    state_file.close(next);
    assert_int_equal(open_as(&f, 3, &next, NULL), STATUS_OK);
    assert_loads(next, "1/0/0=saved 2/0/0=too");
    struct state_changes journal = {0};
    assert_int_equal(state_file.journal(next, &journal, NULL), STATUS_OK);
    assert_string_equal(buf_cstr(&journal.values), "journaled");
    state_changes_free(&journal);
    sqlite3_close(stopped);
    state_file.close(next);
    free(path);
    teardown(&f);
}

/* One that took over and ended before it wrote has changed nothing. */
static void test_who_takes_over_writes_nothing_before_its_first_changes(void **state)
{
    (void)state;
    struct fixture f;
    struct state_store *next;
    setup(&f);
    save(&f, ID(1, 0, 0), "first");
    assert_int_equal(open_as(&f, 2, &next, NULL), STATUS_OK);
    assert_loads(next, "1/0/0=first");
    state_file.close(next);
    save(&f, ID(1, 0, 0), "again");
    assert_int_equal(open_as(&f, 3, &next, NULL), STATUS_OK);
    f.lost = true;
    assert_int_equal(save_one(next, ID(1, 0, 0), "lost", NULL), STATUS_DENIED);
    f.lost = false;
    assert_int_equal(save_one(next, ID(1, 0, 0), "third", NULL), STATUS_OK);
    assert_loads(next, "1/0/0=third");
    state_file.close(next);
    teardown(&f);
}

static void test_an_older_checkpoint_is_given_out_and_kept_until_it_is_taken_over(void **state)
{
    (void)state;
    struct fixture f;
    struct buf framed = {0};
    setup(&f);
    state_file.close(f.store);
    frame_wrap(&framed, FRAME_CHECKPOINT, STR("all in one"));
    const int fd = open(f.path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    assert_int_equal(write(fd, framed.data, framed.len), framed.len);
    close(fd);
    buf_free(&framed);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(open_as(&f, ++f.number, &f.store, NULL), STATUS_OK);
        assert_loads(f.store, "0/0/3=all in one");
        struct state_changes journal = {0};
        assert_int_equal(state_file.journal(f.store, &journal, NULL), STATUS_INVALID);
        state_file.close(f.store); /* without a save */
    }
    assert_int_equal(open_as(&f, ++f.number, &f.store, NULL), STATUS_OK);
    save(&f, ID(1, 0, 0), "taken over");
    reopen(&f);
    assert_loads(f.store, "1/0/0=taken over");
    teardown(&f);
}

static void test_what_a_newer_version_wrote_is_refused_and_left_as_it_is(void **state)
{
    (void)state;
    struct fixture f;
    struct error err;
    struct state_store *store;
    sqlite3 *db;
    setup(&f);
    save(&f, ID(1, 0, 0), "newer");
    state_file.close(f.store);
    char *path = database_of(&f, 1);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "PRAGMA user_version = 99", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(open_as(&f, 2, &store, &err), STATUS_NEWER);
    assert_non_null(strstr(err.text, "version 99"));
    char *holder = text_of(db, "SELECT number FROM holder");
    assert_string_equal(holder, "1");
    free(holder);
    assert_int_equal(sqlite3_exec(db, "PRAGMA user_version = 1", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    const int fd = open(f.path, O_RDWR);
    assert_int_equal(pwrite(fd, "\7", 1, 8), 1); /* the pointer's format */
    assert_int_equal(open_as(&f, 2, &store, &err), STATUS_NEWER);
    /* Without its lock files the lease begins at 1 again, which is what the database is called. */
    assert_int_equal(open_as(&f, 1, &store, &err), STATUS_NEWER);
    assert_int_equal(pwrite(fd, "\2", 1, 8), 1);
    close(fd);
    free(path);
    assert_int_equal(open_as(&f, 2, &f.store, NULL), STATUS_OK);
    assert_loads(f.store, "1/0/0=newer");
    teardown(&f);
}

static void assert_journal(struct fixture *f, const char *text)
{
    struct state_changes journal = {0};
    assert_int_equal(state_file.journal(f->store, &journal, NULL), STATUS_OK);
    assert_string_equal(buf_cstr(&journal.values), text);
    state_changes_free(&journal);
}

static void test_the_journal_keeps_what_no_save_holds(void **state)
{
    (void)state;
    struct fixture f;
    struct state_changes none = {0};
    setup(&f);
    save(&f, ID(1, 0, 0), "x");
    assert_journal(&f, "");
    for (uint64_t i = 8; i <= 11; i++) {
        const char letter = (char)('a' + i);
        assert_int_equal(state_file.append(f.store, i, (struct str){&letter, 1}, NULL), STATUS_OK);
    }
    assert_int_equal(state_file.append(f.store, 11, STR("twice"), NULL), STATUS_OK);
    reopen(&f);
    assert_journal(&f, "ijktwice");
    assert_int_equal(state_file.save(f.store, &none, 9, NULL), STATUS_OK);
    assert_journal(&f, "ktwice");
    assert_int_equal(state_file.save(f.store, &none, STATE_JOURNAL_ALL, NULL), STATUS_OK);
    assert_journal(&f, "");
    teardown(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_was_saved_comes_back),
        cmocka_unit_test(test_a_full_disk_changes_nothing),
        cmocka_unit_test(test_who_lost_the_lease_changes_nothing),
        cmocka_unit_test(test_one_that_is_stopped_in_the_middle_of_writing_is_gone_around),
        cmocka_unit_test(test_a_commit_that_comes_late_is_not_mixed_with_what_was_loaded),
        cmocka_unit_test(test_a_copy_whose_first_changes_fail_is_made_again),
        cmocka_unit_test(test_who_takes_over_writes_nothing_before_its_first_changes),
        cmocka_unit_test(test_an_older_checkpoint_is_given_out_and_kept_until_it_is_taken_over),
        cmocka_unit_test(test_what_a_newer_version_wrote_is_refused_and_left_as_it_is),
        cmocka_unit_test(test_the_journal_keeps_what_no_save_holds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
