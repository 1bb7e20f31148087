/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/lease/lease.h"
#include "common/lease/lease_file.h"
#include "tests/unit.h"

#define SECOND(s) ((boot_time){(s)*US_PER_S})

struct fixture {
    char folder[64];
    char path[96];
    struct config config;
    struct lease_store *a;
    struct lease_store *b;
    struct lease_store *c;
};

static void setup(struct fixture *f)
{
    *f = (struct fixture){0};
    snprintf(f->folder, sizeof f->folder, "/tmp/tilewire-unit-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    snprintf(f->path, sizeof f->path, "%s/checkpoint", f->folder);
    f->config.ingestor.checkpoint_path = f->path;
    assert_int_equal(lease_file.open(&f->config, &f->a, NULL), STATUS_OK);
    assert_int_equal(lease_file.open(&f->config, &f->b, NULL), STATUS_OK);
    assert_int_equal(lease_file.open(&f->config, &f->c, NULL), STATUS_OK);
}

/* Ends all that are open, and says how many files they left. */
static size_t teardown(struct fixture *f)
{
    struct lease_store *const stores[] = {f->a, f->b, f->c};
    for (size_t i = 0; i < 3; i++) {
        if (stores[i] != NULL) {
            lease_file.close(stores[i]);
        }
    }
    size_t files = 0;
    DIR *dir = opendir(f->folder);
    const struct dirent *entry;
    while ((entry = readdir(dir)) != NULL) {
        files += unlinkat(dirfd(dir), entry->d_name, 0) == 0;
    }
    closedir(dir);
    assert_int_equal(rmdir(f->folder), 0);
    return files;
}

static struct lease_grant take(struct lease_store *lease, boot_time now)
{
    struct lease_grant grant = {0};
    assert_int_equal(lease_file.acquire(lease, now, &grant, NULL), STATUS_OK);
    assert_true(grant.number != 0 && grant.epoch != 0);
    return grant;
}

static void assert_refused(struct lease_store *lease, boot_time now)
{
    struct lease_grant grant;
    struct error err = {{0}};
    assert_int_equal(lease_file.acquire(lease, now, &grant, &err), STATUS_AGAIN);
    assert_true(err.text[0] != '\0');
}

/* Looks as a standby does from that second on, until the lease has expired. */
static boot_time watch_from(struct lease_store *lease, int64_t s)
{
    boot_time now = SECOND(s);
    const boot_time expired = boot_add_ms(now, LEASE_EXPIRE_MS);
    for (; now.us < expired.us; now = boot_add_ms(now, LEASE_POLL_MS)) {
        assert_refused(lease, now);
    }
    return now;
}

static void test_one_that_renews_keeps_it(void **state)
{
    (void)state;
    struct fixture f;
    setup(&f);
    take(f.a, SECOND(0));
    for (int s = 0; s < 20; s++) {
        assert_refused(f.b, SECOND(s));
        assert_int_equal(lease_file.renew(f.a, NULL), STATUS_OK);
    }
    assert_int_equal(teardown(&f), 1);
}

static void test_one_that_is_gone_is_followed_at_once(void **state)
{
    (void)state;
    struct fixture f;
    setup(&f);
    const struct lease_grant first = take(f.a, SECOND(0));
    assert_refused(f.b, SECOND(0));
    lease_file.close(f.a); /* the kernel does the same for one that is killed */
    f.a = NULL;
    const struct lease_grant second = take(f.b, SECOND(0));
    assert_int_equal(second.number, first.number + 1);
    assert_true(second.epoch > first.epoch);
    assert_refused(f.c, SECOND(0));
    assert_int_equal(teardown(&f), 1);
}

static void test_one_that_stands_still_is_overtaken_and_finds_out(void **state)
{
    (void)state;
    struct fixture f;
    struct error err = {{0}};
    setup(&f);
    const struct lease_grant first = take(f.a, SECOND(0));
    const struct lease_grant second = take(f.b, watch_from(f.b, 10));
    assert_int_equal(lease_file.renew(f.a, &err), STATUS_DENIED);
    assert_non_null(strstr(err.text, "lease is lost"));
    assert_int_equal(lease_file.confirm(&f.config, &first, NULL), STATUS_DENIED);
    assert_int_equal(lease_file.confirm(&f.config, &second, NULL), STATUS_OK);
    assert_int_equal(lease_file.renew(f.b, NULL), STATUS_OK);
    assert_int_equal(lease_file.renew(f.a, NULL), STATUS_DENIED); /* and never gets it back */
    assert_int_equal(teardown(&f), 1);
}

/* A was stopped so long that its follower has been followed, and no trace is left of either. */
static void test_one_that_was_overtaken_twice_finds_out(void **state)
{
    (void)state;
    struct fixture f;
    setup(&f);
    take(f.a, SECOND(0));
    take(f.b, watch_from(f.b, 0));
    take(f.c, watch_from(f.c, 10));
    assert_int_equal(lease_file.renew(f.a, NULL), STATUS_DENIED);
    assert_int_equal(lease_file.renew(f.b, NULL), STATUS_DENIED);
    assert_int_equal(lease_file.renew(f.c, NULL), STATUS_OK);
    assert_int_equal(teardown(&f), 1);
}

static void test_removed_files_are_noticed(void **state)
{
    (void)state;
    struct fixture f;
    char path[128];
    setup(&f);
    take(f.a, SECOND(0));
    snprintf(path, sizeof path, "%s.lock.1", f.path);
    assert_int_equal(unlink(path), 0);
    take(f.b, SECOND(0)); /* has the same number, and another file */
    assert_int_equal(lease_file.renew(f.a, NULL), STATUS_DENIED);
    assert_int_equal(lease_file.renew(f.b, NULL), STATUS_OK);
    assert_int_equal(teardown(&f), 1);
}

static void test_other_files_are_left_alone(void **state)
{
    (void)state;
    struct fixture f;
    static const char *const names[] = {"checkpoint",          "checkpoint.lock",
                                        "checkpoint.lock.x",   "checkpoint.lock.0",
                                        "checkpoint.lock.99x", "other.lock.7"};
    setup(&f);
    for (size_t i = 0; i < 6; i++) {
        char path[128];
        snprintf(path, sizeof path, "%s/%s", f.folder, names[i]);
        close(open(path, O_CREAT | O_WRONLY, 0600));
    }
    assert_int_equal(take(f.a, SECOND(0)).number, 1);
    assert_int_equal(teardown(&f), 7);
}

static void test_a_damaged_lock_file_only_costs_its_epoch(void **state)
{
    (void)state;
    struct fixture f;
    char path[128];
    setup(&f);
    snprintf(path, sizeof path, "%s.lock.41", f.path);
    close(open(path, O_CREAT | O_WRONLY, 0600));
    assert_int_equal(take(f.a, SECOND(0)).number, 42);
    assert_int_equal(teardown(&f), 1);
}

static mode_t mode_of(const char *path)
{
    struct stat info;
    assert_int_equal(stat(path, &info), 0);
    return info.st_mode & 0777;
}

static void test_others_cannot_read_or_replace_it(void **state)
{
    (void)state;
    struct fixture f;
    struct error err = {{0}};
    struct lease_grant grant;
    char path[128];
    setup(&f);
    assert_int_equal(take(f.a, SECOND(0)).number, 1);
    snprintf(path, sizeof path, "%s.lock.1", f.path);
    assert_int_equal(mode_of(path), 0600);
    assert_int_equal(chmod(f.folder, 0777), 0);
    assert_int_equal(lease_file.acquire(f.b, SECOND(1), &grant, &err), STATUS_IO);
    assert_non_null(strstr(err.text, "chmod o-w"));
    assert_int_equal(chmod(f.folder, 0700), 0);
    assert_int_equal(teardown(&f), 1);
}

/* Somebody has put a link, or a pipe that nobody writes to, where the next lock file would be. */
static void test_what_is_planted_is_neither_followed_nor_waited_for(void **state)
{
    (void)state;
    for (int pipe = 0; pipe < 2; pipe++) {
        struct fixture f;
        struct error err = {{0}};
        struct lease_grant grant;
        char path[128];
        setup(&f);
        snprintf(path, sizeof path, "%s.lock.7", f.path);
        assert_int_equal(pipe != 0 ? mkfifo(path, 0600) : symlink("/etc/passwd", path), 0);
        assert_int_equal(lease_file.acquire(f.a, SECOND(0), &grant, &err), STATUS_IO);
        assert_non_null(strstr(err.text, "remove it"));
        assert_int_equal(unlink(path), 0);
        assert_int_equal(take(f.a, SECOND(1)).number, 1);
        assert_int_equal(teardown(&f), 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_that_renews_keeps_it),
        cmocka_unit_test(test_one_that_is_gone_is_followed_at_once),
        cmocka_unit_test(test_one_that_stands_still_is_overtaken_and_finds_out),
        cmocka_unit_test(test_one_that_was_overtaken_twice_finds_out),
        cmocka_unit_test(test_removed_files_are_noticed),
        cmocka_unit_test(test_other_files_are_left_alone),
        cmocka_unit_test(test_others_cannot_read_or_replace_it),
        cmocka_unit_test(test_what_is_planted_is_neither_followed_nor_waited_for),
        cmocka_unit_test(test_a_damaged_lock_file_only_costs_its_epoch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
