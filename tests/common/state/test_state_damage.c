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
    save(&f, ID(1, 0, 0), "one");
    save(&f, ID(2, 0, 0), "two");
    save(&f, ID(2, 1, 1), "its item");
    save(&f, ID(3, 0, 0), "three");
    damage_value(&f, "tile = 2 AND item = 1");
    assert_loads(f.store, "0/0/1=place 1/0/0=one 2/0/0=two -2 3/0/0=three");
    damage_value(&f, "tile = 0");
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

/* A power cut leaves the log as far as it was synced: each of its lengths is a state that there
 * was. */
static void test_a_log_that_was_cut_short_gives_an_earlier_state(void **state)
{
    (void)state;
    struct fixture f;
    setup(&f);
    for (int i = 0; i < 5; i++) {
        char value[2] = {(char)('a' + i), '\0'};
        struct state_changes changes = {0};
        state_put(&changes, ID(1, 0, 0), str_of(value));
        state_put(&changes, ID(2, 0, 0), str_of(value));
        assert_int_equal(state_file.save(f.store, &changes, 0, NULL), STATUS_OK);
        state_changes_free(&changes);
    }
    char *copy = x_asprintf("%s/copy", f.folder);
    char *command = x_asprintf("cp %s %s && cp %s.state.1 %s.state.1", f.path, copy, f.path, copy);
    struct stat log;
    char *log_path = x_asprintf("%s.state.1-wal", f.path);
    assert_int_equal(stat(log_path, &log), 0);
    for (off_t len = 0; len <= log.st_size; len += 97) {
        char *cut = x_asprintf("%s && head -c %lld %s > %s.state.1-wal; rm -f %s.state.1-shm",
                               command, (long long)len, log_path, copy, copy);
        struct config config = {.ingestor.checkpoint_path = copy};
        struct state_store *store;
        struct state_changes loaded = {0};
        assert_int_equal(system(cut), 0);
        if (state_file.open(&config, NULL, &store, NULL) == STATUS_OK) {
            if (state_file.load(store, &loaded, NULL) == STATUS_OK) {
                assert_int_equal(loaded.count, 2);
                assert_true(str_equal(state_value(&loaded, &loaded.list[0]),
                                      state_value(&loaded, &loaded.list[1])));
            }
            state_file.close(store);
        }
        state_changes_free(&loaded);
        free(cut);
    }
    free(log_path);
    free(command);
    free(copy);
    teardown(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_damage_gives_back_what_was_not_saved),
        cmocka_unit_test(test_damage_of_one_tile_costs_that_tile_alone),
        cmocka_unit_test(test_a_database_that_is_gone_is_told_from_one_that_never_was),
        cmocka_unit_test(test_a_log_that_was_cut_short_gives_an_earlier_state),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
