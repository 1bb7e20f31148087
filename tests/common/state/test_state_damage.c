/* SPDX-License-Identifier: Apache-2.0 */
/* Files of the state that are damaged, gone or cut short: nothing comes back that was not saved. */
#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>

#include "tests/common/state/state_file_unit.h"

/* Each byte of the database's file in turn: what comes back is what was saved, or less of it with a
 * word about that, or nothing. */
static void test_no_damage_gives_back_what_was_not_saved(void **state)
{
    (void)state;
    struct fixture f;
    unsigned seed = 11;
    setup(&f);
    for (uint64_t i = 1; i <= 40; i++) {
        save(&f, ID(1 + i % 2, 1, i), "a value that is long enough to be found again");
    }
    state_file.close(f.store); /* brings the log into the database */
    char *path = database_of(&f, 1);
    const int fd = open(path, O_RDWR);
    const off_t size = lseek(fd, 0, SEEK_END);
    assert_true(size > 0);
    for (int round = 0; round < 400; round++) {
        const off_t at = rand_r(&seed) % size;
        struct state_store *store = NULL;
        struct state_changes loaded = {0};
        char before;
        assert_int_equal(pread(fd, &before, 1, at), 1);
        const char after = (char)(before ^ (1 << rand_r(&seed) % 8));
        assert_int_equal(pwrite(fd, &after, 1, at), 1);
        if (state_file.open(&f.config, NULL, &store, NULL) == STATUS_OK) {
            (void)state_file.load(store, &loaded, NULL);
            state_file.close(store);
        }
        for (size_t i = 0; i < loaded.count; i++) {
            const struct state_change *c = &loaded.list[i];
            assert_true(
                c->kind == STATE_TILE_GONE ||
                str_is(state_value(&loaded, c), "a value that is long enough to be found again"));
        }
        state_changes_free(&loaded);
        assert_int_equal(pwrite(fd, &before, 1, at), 1);
    }
    close(fd);
    free(path);
    assert_int_equal(open_as(&f, 2, &f.store, NULL), STATUS_OK);
    teardown(&f);
}

static void damage_value(const struct fixture *f, const char *where)
{
    sqlite3 *db;
    char *path = database_of(f, 1);
    char *sql = x_asprintf("UPDATE state SET value = x'0011223344556677' WHERE %s", where);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    free(sql);
    free(path);
}

static void test_damage_of_one_tile_costs_that_tile_alone(void **state)
{
    (void)state;
    struct fixture f;
    struct error err;
    setup(&f);
    save(&f, ID(0, 0, 1), "place");
    save(&f, ID(0, STATE_ALERT, 9), "told");
    save(&f, ID(0, STATE_RETIRED_PLACES, 4), "of those away");
    save(&f, ID(1, 0, 0), "one");
    save(&f, ID(2, 0, 0), "two");
    save(&f, ID(2, 1, 1), "its item");
    save(&f, ID(3, 0, 0), "three");
    damage_value(&f, "tile = 2 AND item = 1");
    assert_loads(f.store, "0/0/1=place 0/3/9=told 0/4/4=of those away 1/0/0=one 2/0/0=two -2 "
                          "3/0/0=three");
    damage_value(&f, "tile = 0 AND member > 0");
    assert_loads(f.store, "0/0/1=place -0/3/9 -0/4/4 1/0/0=one 2/0/0=two -2 3/0/0=three");
    damage_value(&f, "tile = 0 AND item = 1");
    assert_int_equal(load_status(f.store, &err), STATUS_INVALID);
    assert_non_null(strstr(err.text, "is damaged"));
    save(&f, ID(1, 0, 0), "anew"); /* in a new database */
    reopen(&f);
    assert_loads(f.store, "1/0/0=anew");
    teardown(&f);
}

static void test_a_database_that_is_gone_is_told_from_one_that_never_was(void **state)
{
    (void)state;
    struct fixture f;
    struct error err;
    setup(&f);
    save(&f, ID(1, 0, 0), "x");
    state_file.close(f.store);
    char *path = database_of(&f, 1);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(open_as(&f, 2, &f.store, NULL), STATUS_OK);
    assert_int_equal(load_status(f.store, &err), STATUS_INVALID);
    assert_non_null(strstr(err.text, "the state is lost"));
    save(&f, ID(1, 0, 0), "y");
    reopen(&f);
    assert_loads(f.store, "1/0/0=y");
    free(path);
    teardown(&f);
}

/* ---- Power cuts ---- */

#define SAVES 5

static off_t size_of(const char *path)
{
    struct stat file;
    return stat(path, &file) == 0 ? file.st_size : 0;
}

/* Saves two records that belong together. */
static void save_both(struct fixture *f, char letter)
{
    const char value[2] = {letter, '\0'};
    struct state_changes changes = {0};
    state_put(&changes, ID(1, 0, 0), str_of(value));
    state_put(&changes, ID(2, 0, 0), str_of(value));
    assert_int_equal(state_file.save(f->store, &changes, 0, NULL), STATUS_OK);
    state_changes_free(&changes);
}

/* Copies what a power cut leaves: the database with the first `len` bytes of its log. */
static void cut_log(const struct fixture *f, uint64_t number, off_t len, const char *copy)
{
    const unsigned long long n = number;
    char *command = x_asprintf("rm -f %s.state.%llu-shm && cp %s.state.%llu %s.state.%llu && "
                               "head -c %lld %s.state.%llu-wal > %s.state.%llu-wal",
                               copy, n, f->path, n, copy, n, (long long)len, f->path, n, copy, n);
    assert_int_equal(system(command), 0);
    free(command);
}

/* What comes back is one save, whole: its letter. 0: nothing does, and err says so. */
static char letter_of(const char *copy, struct error *err)
{
    struct config config = {.ingestor.checkpoint_path = copy};
    struct state_store *store = NULL;
    struct state_changes loaded = {0};
    char letter = 0;
    err->text[0] = '\0';
    assert_int_equal(state_file.open(&config, NULL, &store, err), STATUS_OK);
    const int status = state_file.load(store, &loaded, err);
    state_file.close(store);
    if (status == STATUS_OK) {
        assert_int_equal(loaded.count, 2);
        const struct str one = state_value(&loaded, &loaded.list[0]);
        assert_int_equal(one.len, 1);
        assert_true(str_equal(one, state_value(&loaded, &loaded.list[1])));
        letter = one.p[0];
    } else {
        assert_int_equal(status, STATUS_INVALID);
        assert_non_null(strstr(err->text, copy));
    }
    state_changes_free(&loaded);
    return letter;
}

/* A power cut leaves the log as far as it was synced, and a save is over when it is. So each length
 * gives the newest save that it holds whole. The database is named by a file only when its first
 * save is over: if that is lost nonetheless, it is said. */
static void assert_cut(const struct fixture *f, off_t len, const off_t *ends, const char *copy)
{
    struct error err;
    int saves = 0;
    while (saves < SAVES && ends[saves] <= len) {
        saves++;
    }
    cut_log(f, 1, len, copy);
    const char letter = letter_of(copy, &err);
    if (saves == 0) {
        assert_int_equal(letter, 0);
        assert_true(strstr(err.text, "is no state of Tilewire") != NULL ||
                    strstr(err.text, "are lost") != NULL);
    } else {
        assert_int_equal(letter, 'a' + saves - 1);
    }
}

static void test_a_log_that_was_cut_short_gives_the_newest_save_in_it(void **state)
{
    (void)state;
    struct fixture f;
    off_t ends[SAVES];
    setup(&f);
    char *copy = x_asprintf("%s/copy", f.folder);
    char *log = x_asprintf("%s.state.1-wal", f.path);
    char *command = x_asprintf("cp %s %s", f.path, copy);
    for (int i = 0; i < SAVES; i++) {
        save_both(&f, (char)('a' + i));
        ends[i] = size_of(log);
        assert_true(ends[i] > (i != 0 ? ends[i - 1] : 0));
    }
    assert_int_equal(system(command), 0);
    for (off_t len = 0; len < ends[SAVES - 1]; len += 97) {
        assert_cut(&f, len, ends, copy);
    }
    for (int i = 0; i < SAVES; i++) {
        assert_cut(&f, ends[i] - 1, ends, copy);
        assert_cut(&f, ends[i], ends, copy);
    }
    free(command);
    free(log);
    free(copy);
    teardown(&f);
}

/* Whoever takes over puts its number into the database before its first save: a power cut at any
 * moment of that gives the old state or the new one. */
static void test_a_takeover_that_was_cut_short_gives_the_old_state_or_the_new_one(void **state)
{
    (void)state;
    struct fixture f;
    struct error err;
    setup(&f);
    char *copy = x_asprintf("%s/copy", f.folder);
    char *log = x_asprintf("%s.state.1-wal", f.path);
    char *command = x_asprintf("cp %s %s", f.path, copy);
    save_both(&f, 'a');
    reopen(&f); /* brings the log into the database */
    const off_t taken = size_of(log);
    save_both(&f, 'b');
    const off_t end = size_of(log);
    assert_true(end > taken);
    assert_int_equal(system(command), 0);
    for (off_t len = 0; len < end; len += 97) {
        cut_log(&f, 1, len, copy);
        assert_int_equal(letter_of(copy, &err), 'a');
    }
    cut_log(&f, 1, end, copy);
    assert_int_equal(letter_of(copy, &err), 'b');
    free(command);
    free(log);
    free(copy);
    teardown(&f);
}

/* Whoever takes over from one that keeps the database locked writes one of its own, and the file
 * that names it last. A power cut before that gives the old state, whatever there is of the new
 * one. */
static void test_a_takeover_into_a_database_of_its_own_that_was_cut_short(void **state)
{
    (void)state;
    struct fixture f;
    struct error err;
    sqlite3 *locker;
    setup(&f);
    char *copy = x_asprintf("%s/copy", f.folder);
    char *first_path = database_of(&f, 1);
    char *second_path = database_of(&f, 2);
    char *before = x_asprintf("cp %s %s && cp %s %s.state.1", f.path, copy, first_path, copy);
    save_both(&f, 'a');
    state_file.close(f.store); /* brings the log into the database */
    assert_int_equal(sqlite3_open(first_path, &locker), SQLITE_OK);
    assert_int_equal(system(before), 0);
    assert_int_equal(sqlite3_exec(locker, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(open_as(&f, 2, &f.store, NULL), STATUS_OK);
    assert_loads(f.store, "1/0/0=a 2/0/0=a");
    save_both(&f, 'b');
    sqlite3_close(locker);
    const off_t size = size_of(second_path);
    assert_true(size > 0);
    for (off_t len = 0; len <= size; len += 512) {
        char *cut = x_asprintf("head -c %lld %s > %s.state.2", (long long)len, second_path, copy);
        assert_int_equal(system(cut), 0);
        assert_int_equal(letter_of(copy, &err), 'a');
        free(cut);
    }
    char *after = x_asprintf("cp %s %s && cp %s %s.state.2", f.path, copy, second_path, copy);
    assert_int_equal(system(after), 0);
    assert_int_equal(letter_of(copy, &err), 'b');
    free(after);
    free(before);
    free(second_path);
    free(first_path);
    free(copy);
    teardown(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_damage_gives_back_what_was_not_saved),
        cmocka_unit_test(test_damage_of_one_tile_costs_that_tile_alone),
        cmocka_unit_test(test_a_database_that_is_gone_is_told_from_one_that_never_was),
        cmocka_unit_test(test_a_log_that_was_cut_short_gives_the_newest_save_in_it),
        cmocka_unit_test(test_a_takeover_that_was_cut_short_gives_the_old_state_or_the_new_one),
        cmocka_unit_test(test_a_takeover_into_a_database_of_its_own_that_was_cut_short),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
