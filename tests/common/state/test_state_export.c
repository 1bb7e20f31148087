/* SPDX-License-Identifier: Apache-2.0 */
#include "common/state/state_export.h"

#include <sqlite3.h>
#include <sys/stat.h>

#include "tests/common/state/state_file_unit.h"

static void write_text(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void run_sql(const char *path, const char *sql)
{
    sqlite3 *db;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

/* An export with one tile, and its path. */
static char *exported(const struct fixture *f, bool replace, const char *value)
{
    struct state_changes records = {0};
    struct state_changes journal = {0};
    struct error err = {{0}};
    char *path = x_asprintf("%s/export", f->folder);
    state_put(&records, ID(0, 0, 1), STR("place"));
    state_put(&records, ID(1, 0, 0), str_of(value));
    state_put(&journal, ID(0, 0, 7), STR("seven"));
    state_put(&journal, ID(0, 0, 9), STR("nine"));
    if (state_export_write(path, replace, &records, &journal, &err) != STATUS_OK) {
        fail_msg("%s", err.text);
    }
    state_changes_free(&records);
    state_changes_free(&journal);
    return path;
}

static int read_status(const char *path, const char *said)
{
    struct state_changes records = {0};
    struct state_changes journal = {0};
    struct error err = {{0}};
    const int status = state_export_read(path, &records, &journal, &err);
    if (said != NULL && strstr(err.text, said) == NULL) {
        fail_msg("%s", err.text);
    }
    state_changes_free(&records);
    state_changes_free(&journal);
    return status;
}

static void assert_exported(const char *path, const char *text)
{
    struct state_changes records = {0};
    struct state_changes journal = {0};
    assert_int_equal(state_export_read(path, &records, &journal, NULL), STATUS_OK);
    assert_changes(&records, text);
    assert_changes(&journal, "0/0/7=seven 0/0/9=nine");
    state_changes_free(&records);
    state_changes_free(&journal);
}

static void test_an_export_is_one_private_file_that_gives_back_what_it_took(void **state)
{
    (void)state;
    struct fixture f;
    struct stat info;
    setup(&f);
    char *path = exported(&f, false, "tile");
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    assert_int_equal(files(&f, "export"), 1);
    assert_exported(path, "0/0/1=place 1/0/0=tile");
    assert_int_equal(files(&f, "export"), 1); /* nor does reading leave anything */
    free(path);
    teardown(&f);
}

static void test_only_an_export_is_replaced_and_only_when_asked_for(void **state)
{
    (void)state;
    struct fixture f;
    struct state_changes records = {0};
    struct state_changes journal = {0};
    struct error err;
    setup(&f);
    save(&f, ID(1, 0, 0), "in use");
    char *path = exported(&f, false, "first");
    state_put(&records, ID(0, 0, 1), STR("other"));
    assert_int_equal(state_export_write(path, false, &records, &journal, &err), STATUS_DENIED);
    assert_non_null(strstr(err.text, "--force"));
    assert_exported(path, "0/0/1=place 1/0/0=first");
    free(exported(&f, true, "second"));
    assert_exported(path, "0/0/1=place 1/0/0=second");
    write_text(path, "somebody's text");
    assert_int_equal(state_export_write(path, true, &records, &journal, &err), STATUS_DENIED);
    char *live = database_of(&f, 1);
    assert_int_equal(state_export_write(live, true, &records, &journal, &err), STATUS_DENIED);
    assert_non_null(strstr(err.text, "in use"));
    assert_loads(f.store, "1/0/0=in use");
    assert_int_equal(files(&f, "export"), 1);
    free(live);
    free(path);
    state_changes_free(&records);
    state_changes_free(&journal);
    teardown(&f);
}

static void test_what_is_damaged_or_newer_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *sql;
        int status;
        const char *said;
    } cases[] = {
        {"UPDATE state SET value = x'00' WHERE tile = 1", STATUS_INVALID, "is damaged"},
        {"UPDATE state SET value = x'00' WHERE tile = 0", STATUS_INVALID, "is damaged"},
        {"UPDATE journal SET n = 8 WHERE n = 9", STATUS_INVALID, "journal"},
        {"DELETE FROM state", STATUS_INVALID, "there is no state"},
        {"PRAGMA application_id = 7", STATUS_INVALID, "no state of Tilewire"},
        {"PRAGMA user_version = 2", STATUS_NEWER, "version 2"},
    };
    struct fixture f;
    setup(&f);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *path = exported(&f, false, "tile");
        run_sql(path, cases[i].sql);
        assert_int_equal(read_status(path, cases[i].said), cases[i].status);
        assert_int_equal(unlink(path), 0);
        assert_int_equal(read_status(path, path), STATUS_NOT_FOUND);
        free(path);
    }
    teardown(&f);
}

static void test_a_folder_that_takes_no_file_is_told(void **state)
{
    (void)state;
    struct state_changes none = {0};
    struct error err;
    assert_int_equal(state_export_write("/nowhere/export", false, &none, &none, &err), STATUS_IO);
    assert_non_null(strstr(err.text, "/nowhere/export"));
}

/* While others write, who reads sees the state and its journal as they were at one moment. */
static void test_a_reader_sees_one_moment(void **state)
{
    (void)state;
    struct fixture f;
    struct state_store *reader;
    struct state_changes journal = {0};
    struct state_changes none = {0};
    setup(&f);
    save(&f, ID(1, 0, 0), "before");
    assert_int_equal(state_file.append(f.store, 5, STR("record"), NULL), STATUS_OK);
    assert_int_equal(state_file.open(&f.config, NULL, &reader, NULL), STATUS_OK);
    assert_loads(reader, "1/0/0=before");
    save(&f, ID(1, 0, 0), "after");
    assert_int_equal(state_file.save(f.store, &none, 5, NULL), STATUS_OK); /* cuts the journal */
    assert_int_equal(state_file.journal(reader, &journal, NULL), STATUS_OK);
    assert_changes(&journal, "0/0/5=record");
    assert_loads(reader, "1/0/0=before");
    state_file.close(reader);
    state_changes_free(&journal);
    teardown(&f);
}

/* Its files may go while they are opened, and what is read of them is then no state. */
static void test_a_reader_is_told_that_the_state_has_moved(void **state)
{
    (void)state;
    struct fixture f;
    struct state_store *readers[2];
    struct error err;
    sqlite3 *stopped;
    setup(&f);
    save(&f, ID(1, 0, 0), "here");
    char *path = database_of(&f, 1);
    assert_int_equal(sqlite3_open(path, &stopped), SQLITE_OK);
    assert_int_equal(sqlite3_exec(stopped, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(state_file.open(&f.config, NULL, &readers[0], NULL), STATUS_OK);
    state_file.close(f.store);
    assert_int_equal(open_as(&f, 2, &f.store, NULL), STATUS_OK);
    save(&f, ID(1, 0, 0), "there"); /* in a database of its own */
    assert_int_equal(load_status(readers[0], &err), STATUS_AGAIN);
    assert_int_equal(state_file.open(&f.config, NULL, &readers[1], NULL), STATUS_OK);
    assert_loads(readers[1], "1/0/0=there");
    state_file.close(readers[0]);
    state_file.close(readers[1]);
    sqlite3_close(stopped);
    free(path);
    teardown(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_export_is_one_private_file_that_gives_back_what_it_took),
        cmocka_unit_test(test_only_an_export_is_replaced_and_only_when_asked_for),
        cmocka_unit_test(test_what_is_damaged_or_newer_is_refused),
        cmocka_unit_test(test_a_folder_that_takes_no_file_is_told),
        cmocka_unit_test(test_a_reader_sees_one_moment),
        cmocka_unit_test(test_a_reader_is_told_that_the_state_has_moved),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
