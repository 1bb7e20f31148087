#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/xalloc.h"
#include "ingestor/checkpoint.h"
#include "tests/unit.h"

struct fixture {
    char folder[64];
    char path[96];
    struct config config;
    struct checkpoint *checkpoint;
};

static void setup(struct fixture *f)
{
    *f = (struct fixture){0};
    snprintf(f->folder, sizeof f->folder, "/tmp/tilewire-unit-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    snprintf(f->path, sizeof f->path, "%s/checkpoint", f->folder);
    f->config.ingestor.checkpoint_path = f->path;
    assert_int_equal(checkpoint_file.open(&f->config, &f->checkpoint, NULL), STATUS_OK);
    assert_int_equal(checkpoint_file.acquire(f->checkpoint, NULL), STATUS_OK);
}

static void reopen(struct fixture *f)
{
    checkpoint_file.close(f->checkpoint);
    assert_int_equal(checkpoint_file.open(&f->config, &f->checkpoint, NULL), STATUS_OK);
    assert_int_equal(checkpoint_file.acquire(f->checkpoint, NULL), STATUS_OK);
}

static void teardown(struct fixture *f)
{
    checkpoint_file.close(f->checkpoint);
    static const char *const suffixes[] = {"", ".lock", ".journal", ".new"};
    for (size_t i = 0; i < 4; i++) {
        char path[128];
        snprintf(path, sizeof path, "%s%s", f->path, suffixes[i]);
        unlink(path);
    }
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

static void test_only_one_has_the_lease(void **state)
{
    (void)state;
    struct fixture f;
    struct checkpoint *other;
    struct error err = {{0}};
    setup(&f);
    assert_int_equal(checkpoint_file.open(&f.config, &other, NULL), STATUS_OK);
    assert_int_equal(checkpoint_file.acquire(other, &err), STATUS_AGAIN);
    assert_non_null(strstr(err.text, ".lock"));
    assert_int_equal(checkpoint_file.save(other, STR("not mine"), 0, &err), STATUS_DENIED);
    /* Whoever removes the lock file lets others in: the holder must notice. */
    char lock[128];
    snprintf(lock, sizeof lock, "%s.lock", f.path);
    unlink(lock);
    assert_int_equal(checkpoint_file.acquire(other, NULL), STATUS_OK);
    assert_int_equal(checkpoint_file.confirm(f.checkpoint, &err), STATUS_DENIED);
    assert_int_equal(checkpoint_file.save(f.checkpoint, STR("too late"), 0, &err), STATUS_DENIED);
    assert_int_equal(checkpoint_file.append(f.checkpoint, 1, STR("too late"), &err), STATUS_DENIED);
    checkpoint_file.close(other);
    teardown(&f);
}

static void assert_journal(struct fixture *f, const char *expected)
{
    struct buf out = {0};
    assert_int_equal(checkpoint_file.journal(f->checkpoint, &out, NULL), STATUS_OK);
    assert_str(buf_str(&out), expected);
    buf_free(&out);
}

static void test_the_journal_survives_what_crashes_do_to_it(void **state)
{
    (void)state;
    struct fixture f;
    char path[128];
    struct stat two;
    setup(&f);
    snprintf(path, sizeof path, "%s.journal", f.path);
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
    assert_int_equal(checkpoint_file.save(f.checkpoint, STR("x"), JOURNAL_ALL, NULL), STATUS_OK);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_was_saved_comes_back),
        cmocka_unit_test(test_each_damage_is_noticed),
        cmocka_unit_test(test_only_one_has_the_lease),
        cmocka_unit_test(test_the_journal_survives_what_crashes_do_to_it),
        cmocka_unit_test(test_a_long_journal_is_shortened),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
