/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/xalloc.h"
#include "ingestor/checkpoint/checkpoint_file.h"
#include "ingestor/checkpoint/checkpoint_frame.h"
#include "ingestor/lease/lease_file.h"
#include "tests/unit.h"

struct fixture {
    char folder[64];
    char path[96];
    struct config config;
    struct lease_store *lease;
    struct lease_grant grant;
    struct checkpoint *checkpoint;
};

static void take_lease(struct fixture *f)
{
    assert_int_equal(lease_file.open(&f->config, &f->lease, NULL), STATUS_OK);
    assert_int_equal(lease_file.acquire(f->lease, (boot_time){0}, &f->grant, NULL), STATUS_OK);
    assert_int_equal(checkpoint_file.open(&f->config, &f->grant, &f->checkpoint, NULL), STATUS_OK);
}

static void setup(struct fixture *f)
{
    *f = (struct fixture){0};
    snprintf(f->folder, sizeof f->folder, "/tmp/tilewire-unit-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    snprintf(f->path, sizeof f->path, "%s/checkpoint", f->folder);
    f->config.ingestor.checkpoint_path = f->path;
    take_lease(f);
}

static void reopen(struct fixture *f)
{
    checkpoint_file.close(f->checkpoint);
    lease_file.close(f->lease);
    take_lease(f);
}

static void teardown(struct fixture *f)
{
    checkpoint_file.close(f->checkpoint);
    lease_file.close(f->lease);
    DIR *dir = opendir(f->folder);
    const struct dirent *entry;
    while ((entry = readdir(dir)) != NULL) {
        (void)unlinkat(dirfd(dir), entry->d_name, 0);
    }
    closedir(dir);
    assert_int_equal(rmdir(f->folder), 0);
}

static void test_what_was_saved_comes_back(void **state)
{
    (void)state;
    struct fixture f;
    struct buf out = {0};
    setup(&f);
    assert_int_equal(checkpoint_file.load(f.checkpoint, &out, NULL), STATUS_NOT_FOUND);
    assert_int_equal(checkpoint_file.save(f.checkpoint, STR("one"), 0, NULL), STATUS_OK);
    assert_int_equal(checkpoint_file.save(f.checkpoint, STR("two"), 0, NULL), STATUS_OK);
    reopen(&f);
    assert_int_equal(checkpoint_file.load(f.checkpoint, &out, NULL), STATUS_OK);
    assert_str(buf_str(&out), "two");
    buf_free(&out);
    teardown(&f);
}

static void test_each_damage_is_noticed(void **state)
{
    (void)state;
    struct fixture f;
    struct stat whole;
    setup(&f);
    assert_int_equal(checkpoint_file.save(f.checkpoint, STR("some state"), 0, NULL), STATUS_OK);
    assert_int_equal(stat(f.path, &whole), 0);
    for (off_t at = 0; at < whole.st_size; at++) {
        struct buf out = {0};
        struct error err = {{0}};
        char byte;
        const int fd = open(f.path, O_RDWR);
        assert_int_equal(pread(fd, &byte, 1, at), 1);
        byte ^= 1;
        assert_int_equal(pwrite(fd, &byte, 1, at), 1);
        assert_int_equal(checkpoint_file.load(f.checkpoint, &out, &err), STATUS_INVALID);
        assert_non_null(strstr(err.text, "cannot be used"));
        byte ^= 1;
        assert_int_equal(pwrite(fd, &byte, 1, at), 1);
        close(fd);
        buf_free(&out);
    }
    for (off_t len = whole.st_size - 1; len >= 0; len--) {
        struct buf out = {0};
        assert_int_equal(truncate(f.path, len), 0);
        assert_int_equal(checkpoint_file.load(f.checkpoint, &out, NULL), STATUS_INVALID);
        buf_free(&out);
    }
    teardown(&f);
}

/* The holder before was stopped, lost its lease meanwhile, and goes on. */
static void assert_journal(struct fixture *f, const char *expected)
{
    struct buf out = {0};
    assert_int_equal(checkpoint_file.journal(f->checkpoint, &out, NULL), STATUS_OK);
    assert_str(buf_str(&out), expected);
    buf_free(&out);
}

/* Sets the format of the frame at that place of a file. */
static void set_format(const char *path, off_t frame, char format)
{
    const int fd = open(path, O_RDWR);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, &format, 1, frame + 8), 1);
    close(fd);
}

/* Takes the lease anew, which has to find something of a newer version, and to leave all of it. */
static void assert_refused(struct fixture *f)
{
    char command[512];
    struct error err;
    snprintf(command, sizeof command, "cd %s && cat checkpoint checkpoint.journal > before",
             f->folder);
    checkpoint_file.close(f->checkpoint);
    lease_file.close(f->lease);
    assert_int_equal(system(command), 0);
    assert_int_equal(lease_file.open(&f->config, &f->lease, NULL), STATUS_OK);
    assert_int_equal(lease_file.acquire(f->lease, (boot_time){0}, &f->grant, NULL), STATUS_OK);
    assert_int_equal(checkpoint_file.open(&f->config, &f->grant, &f->checkpoint, &err),
                     STATUS_NEWER);
    assert_non_null(strstr(err.text, "this version reads format 1"));
    snprintf(command, sizeof command, "cd %s && cat checkpoint checkpoint.journal | cmp - before",
             f->folder);
    assert_int_equal(system(command), 0);
    lease_file.close(f->lease);
}

static void test_what_a_newer_version_wrote_is_refused_and_left_as_it_is(void **state)
{
    (void)state;
    struct fixture f;
    char journal[128];
    setup(&f);
    snprintf(journal, sizeof journal, "%s.journal", f.path);
    assert_int_equal(checkpoint_file.save(f.checkpoint, STR("one"), 0, NULL), STATUS_OK);
    assert_int_equal(checkpoint_file.append(f.checkpoint, 1, STR("record"), NULL), STATUS_OK);
    set_format(f.path, 0, 2);
    assert_refused(&f);
    set_format(f.path, 0, 1);
    take_lease(&f);
    set_format(journal, CHECKPOINT_HEADER_BYTES + 8, 2); /* the first record, behind the seal */
    assert_refused(&f);
    set_format(journal, CHECKPOINT_HEADER_BYTES + 8, 1);
    take_lease(&f);
    assert_journal(&f, "record");
    teardown(&f);
}

static void test_who_lost_the_lease_changes_nothing(void **state)
{
    (void)state;
    struct fixture f;
    struct buf out = {0};
    struct error err = {{0}};
    setup(&f);
    struct fixture old = f;
    assert_int_equal(checkpoint_file.save(old.checkpoint, STR("before"), 0, NULL), STATUS_OK);
    assert_int_equal(checkpoint_file.append(old.checkpoint, 1, STR("a"), NULL), STATUS_OK);
    lease_file.close(old.lease); /* as if it were dead, which is quicker than to wait */
    take_lease(&f);
    assert_journal(&f, "a");
    assert_true(f.grant.number > old.grant.number && f.grant.epoch > old.grant.epoch);
    assert_int_equal(checkpoint_file.save(old.checkpoint, STR("late"), 0, &err), STATUS_DENIED);
    assert_non_null(strstr(err.text, "lease is lost"));
    assert_int_equal(checkpoint_file.append(old.checkpoint, 2, STR("late"), &err), STATUS_DENIED);
    assert_int_equal(checkpoint_file.append(f.checkpoint, 2, STR("b"), NULL), STATUS_OK);
    reopen(&f);
    assert_int_equal(checkpoint_file.load(f.checkpoint, &out, NULL), STATUS_OK);
    assert_str(buf_str(&out), "before");
    buf_clear(&out);
    assert_int_equal(checkpoint_file.journal(f.checkpoint, &out, NULL), STATUS_OK);
    assert_str(buf_str(&out), "ab");
    buf_free(&out);
    checkpoint_file.close(old.checkpoint);
    teardown(&f);
}

/* It was stopped between its last look at the lease and the rename. */
static void test_a_rename_that_comes_too_late_fails(void **state)
{
    (void)state;
    struct fixture f;
    char made[160];
    char journal[160];
    setup(&f);
    snprintf(made, sizeof made, "%s.new.%d", f.path, (int)f.grant.number);
    snprintf(journal, sizeof journal, "%s.journal.new.%d", f.path, (int)f.grant.number);
    close(open(made, O_CREAT | O_WRONLY, 0600));
    close(open(journal, O_CREAT | O_WRONLY, 0600));
    reopen(&f);
    assert_int_equal(rename(made, f.path), -1);
    assert_int_equal(rename(journal, f.path), -1);
    teardown(&f);
}

static void test_the_journal_survives_what_crashes_do_to_it(void **state)
{
    (void)state;
    struct fixture f;
    char path[128];
    struct stat two;
    setup(&f);
    snprintf(path, sizeof path, "%s.journal", f.path);
    assert_int_equal(checkpoint_file.save(f.checkpoint, STR("x"), 0, NULL), STATUS_OK);
    assert_journal(&f, "");
    assert_int_equal(checkpoint_file.append(f.checkpoint, 1, STR("a"), NULL), STATUS_OK);
    assert_int_equal(checkpoint_file.append(f.checkpoint, 2, STR("b"), NULL), STATUS_OK);
    assert_int_equal(stat(path, &two), 0);
    assert_int_equal(checkpoint_file.append(f.checkpoint, 3, STR("c"), NULL), STATUS_OK);
    assert_journal(&f, "abc");
    assert_int_equal(truncate(path, two.st_size + 5), 0); /* the third was cut off */
    reopen(&f);
    assert_journal(&f, "ab");
    assert_int_equal(checkpoint_file.append(f.checkpoint, 4, STR("d"), NULL), STATUS_OK);
    assert_journal(&f, "abd"); /* not hidden behind the rest of the third */
    assert_int_equal(checkpoint_file.save(f.checkpoint, STR("x"), CHECKPOINT_JOURNAL_ALL, NULL),
                     STATUS_OK);
    assert_journal(&f, "");
    teardown(&f);
}

static void test_a_long_journal_is_shortened(void **state)
{
    (void)state;
    struct fixture f;
    char *long_record = x_calloc(1, 50001);
    memset(long_record, 'x', 50000);
    setup(&f);
    assert_int_equal(checkpoint_file.save(f.checkpoint, STR("state"), 0, NULL), STATUS_OK);
    assert_int_equal(checkpoint_file.append(f.checkpoint, 1, str_of(long_record), NULL), 0);
    assert_int_equal(checkpoint_file.append(f.checkpoint, 2, str_of(long_record), NULL), 0);
    assert_int_equal(checkpoint_file.append(f.checkpoint, 3, STR("young"), NULL), 0);
    assert_int_equal(checkpoint_file.save(f.checkpoint, STR("state"), 2, NULL), STATUS_OK);
    assert_journal(&f, "young");
    assert_int_equal(checkpoint_file.append(f.checkpoint, 4, STR("er"), NULL), 0);
    reopen(&f);
    assert_journal(&f, "younger");
    free(long_record);
    teardown(&f);
}

static void assert_journal_unusable(struct fixture *f)
{
    struct buf out = {0};
    struct error err;
    assert_int_equal(checkpoint_file.journal(f->checkpoint, &out, &err), STATUS_INVALID);
    assert_non_null(strstr(err.text, "journal"));
    buf_free(&out);
}

static void test_a_damaged_journal_is_unusable_until_a_checkpoint_holds_its_records(void **state)
{
    (void)state;
    struct fixture f;
    char path[128];
    setup(&f);
    snprintf(path, sizeof path, "%s.journal", f.path);
    assert_int_equal(checkpoint_file.save(f.checkpoint, STR("x"), 0, NULL), STATUS_OK);
    assert_int_equal(checkpoint_file.append(f.checkpoint, 1, STR("abcdef"), NULL), STATUS_OK);
    assert_int_equal(checkpoint_file.append(f.checkpoint, 2, STR("ghijkl"), NULL), STATUS_OK);
    const int fd = open(path, O_WRONLY);
    assert_int_equal(pwrite(fd, "?", 1, 82), 1); /* in the first record */
    close(fd);
    assert_journal_unusable(&f);
    reopen(&f);
    assert_journal_unusable(&f);
    assert_int_equal(checkpoint_file.append(f.checkpoint, 3, STR("c"), NULL), STATUS_IO);
    assert_int_equal(checkpoint_file.save(f.checkpoint, STR("x"), 2, NULL), STATUS_OK);
    assert_journal_unusable(&f);
    reopen(&f);
    assert_journal_unusable(&f);
    assert_int_equal(checkpoint_file.save(f.checkpoint, STR("x"), 3, NULL), STATUS_OK);
    assert_journal(&f, "");
    assert_int_equal(checkpoint_file.append(f.checkpoint, 4, STR("d"), NULL), STATUS_OK);
    reopen(&f);
    assert_journal(&f, "d");
    assert_int_equal(unlink(path), 0);
    assert_journal_unusable(&f);
    reopen(&f);
    assert_journal_unusable(&f);
    teardown(&f);
}

static void test_a_record_that_cannot_be_written_hides_no_other(void **state)
{
    (void)state;
    struct fixture f;
    struct rlimit limit;
    setup(&f);
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    assert_int_equal(checkpoint_file.save(f.checkpoint, STR("x"), 0, NULL), STATUS_OK);
    assert_int_equal(checkpoint_file.append(f.checkpoint, 1, STR("a"), NULL), STATUS_OK);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &(struct rlimit){100, limit.rlim_max}), 0);
    assert_int_equal(checkpoint_file.append(f.checkpoint, 2, STR("bcd"), NULL), STATUS_IO);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    assert_journal(&f, "a");
    assert_int_equal(checkpoint_file.append(f.checkpoint, 3, STR("c"), NULL), STATUS_OK);
    reopen(&f);
    assert_journal(&f, "ac"); /* their numbers tell that one is missing */
    teardown(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_was_saved_comes_back),
        cmocka_unit_test(test_each_damage_is_noticed),
        cmocka_unit_test(test_what_a_newer_version_wrote_is_refused_and_left_as_it_is),
        cmocka_unit_test(test_who_lost_the_lease_changes_nothing),
        cmocka_unit_test(test_a_rename_that_comes_too_late_fails),
        cmocka_unit_test(test_the_journal_survives_what_crashes_do_to_it),
        cmocka_unit_test(test_a_long_journal_is_shortened),
        cmocka_unit_test(test_a_damaged_journal_is_unusable_until_a_checkpoint_holds_its_records),
        cmocka_unit_test(test_a_record_that_cannot_be_written_hides_no_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
