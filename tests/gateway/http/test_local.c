/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/http/local.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit.h"

static char folder[] = "/tmp/tilewire-local-XXXXXX";
static char path[64];
static char other[64];

static int set_up(void **state)
{
    (void)state;
    return mkdtemp(folder) != NULL && snprintf(path, sizeof path, "%s/gateway.sock", folder) > 0 &&
                   snprintf(other, sizeof other, "%s/other", folder) > 0
               ? 0
               : -1;
}

static int tear_down(void **state)
{
    (void)state;
    return rmdir(folder);
}

static bool is_there(const char *file)
{
    struct stat info;
    return lstat(file, &info) == 0;
}

static void fails_and_says(const char *where, const char *what)
{
    struct local_socket local;
    struct error err = {{0}};
    assert_int_equal(local_listen(where, 0660, &local, &err), -1);
    assert_non_null(strstr(err.text, what));
    local_remove(&local); /* removes nothing */
}

static void test_a_socket_has_its_mode_and_goes_at_the_end(void **state)
{
    (void)state;
    static const mode_t modes[] = {0600, 0660, 0666};
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        struct local_socket local;
        struct error err;
        struct stat info;
        const mode_t before = umask(077);
        const int fd = local_listen(path, modes[i], &local, &err);
        assert_int_equal(umask(before), 077);
        assert_true(fd >= 0);
        assert_int_equal(lstat(path, &info), 0);
        assert_int_equal(info.st_mode, S_IFSOCK | modes[i]);
        close(fd);
        local_remove(&local);
        local_remove(&local);
        assert_false(is_there(path));
    }
}

static void test_one_that_is_listened_on_stays(void **state)
{
    (void)state;
    struct local_socket local;
    struct error err;
    const int fd = local_listen(path, 0660, &local, &err);
    assert_true(fd >= 0);
    fails_and_says(path, "another program does");
    assert_true(is_there(path));
    close(fd); /* as when its process is killed */
    const struct local_socket gone = local;
    const int again = local_listen(path, 0660, &local, &err);
    assert_true(again >= 0);
    struct local_socket late = gone; /* what ends late removes nothing that is not its own */
    late.inode = gone.inode + 1;
    local_remove(&late);
    assert_true(is_there(path));
    close(again);
    local_remove(&local);
    assert_false(is_there(path));
}

static void test_what_is_no_socket_stays(void **state)
{
    (void)state;
    const int file = open(path, O_CREAT | O_WRONLY | O_EXCL | O_CLOEXEC, 0600);
    close(file);
    fails_and_says(path, "remove it");
    assert_true(is_there(path));
    unlink(path);
    /* A link, also to a socket that nobody listens on, and to nothing. */
    assert_int_equal(symlink(other, path), 0);
    fails_and_says(path, "there is a link");
    assert_false(is_there(other));
    struct local_socket local;
    struct error err;
    const int fd = local_listen(other, 0660, &local, &err);
    close(fd);
    fails_and_says(path, "there is a link");
    assert_true(is_there(other) && is_there(path));
    local_remove(&local);
    unlink(path);
}

static void test_folders_are_looked_at(void **state)
{
    (void)state;
    assert_int_equal(chmod(folder, 0777), 0);
    fails_and_says(path, "chmod o-w");
    assert_int_equal(chmod(folder, 0700), 0);
    fails_and_says("/no/such/folder/gateway.sock", "No such file");
    char longer[256];
    memset(longer, 'a', sizeof longer - 1);
    longer[0] = '/';
    longer[sizeof longer - 1] = '\0';
    fails_and_says(longer, "at most 107 bytes");
}

static void test_who_holds_the_folders_lock_stops_nobody(void **state)
{
    (void)state;
    struct local_socket local;
    struct error err;
    const int holder = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(flock(holder, LOCK_EX), 0);
    const int fd = local_listen(path, 0660, &local, &err);
    assert_true(fd >= 0);
    close(holder);
    close(fd);
    local_remove(&local);
}

#define RIVALS 16

/* Over what one has left behind that was killed: exactly one listens, and it is the one that can be
 * connected to. */
static void test_of_many_that_start_at_once_one_listens(void **state)
{
    (void)state;
    struct local_socket local;
    struct error err;
    close(local_listen(path, 0660, &local, &err));
    int start[2] = {-1, -1};
    int done[2] = {-1, -1};
    assert_true(pipe(start) == 0 && pipe(done) == 0);
    pid_t rivals[RIVALS];
    for (size_t i = 0; i < RIVALS; i++) {
        rivals[i] = fork();
        if (rivals[i] == 0) {
            char byte;
            close(start[1]);
            close(done[0]);
            const ssize_t begun = read(start[0], &byte, 1); /* until it is closed */
            const int fd = local_listen(path, 0660, &local, &err);
            const char verdict = fd >= 0 ? 'y' : 'n';
            if (begun == 0 && write(done[1], &verdict, 1) == 1) {
                (void)pause();
            }
            _exit(0);
        }
    }
    close(start[0]);
    close(start[1]);
    size_t listening = 0;
    for (size_t i = 0; i < RIVALS; i++) {
        char verdict = 0;
        assert_int_equal(read(done[0], &verdict, 1), 1);
        listening += verdict == 'y';
    }
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    memcpy(name.sun_path, path, strlen(path));
    const int client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int connected = connect(client, (struct sockaddr *)&name, sizeof name);
    for (size_t i = 0; i < RIVALS; i++) {
        kill(rivals[i], SIGKILL);
        waitpid(rivals[i], NULL, 0);
    }
    close(client);
    close(done[0]);
    close(done[1]);
    unlink(path);
    assert_int_equal(listening, 1);
    assert_int_equal(connected, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_socket_has_its_mode_and_goes_at_the_end),
        cmocka_unit_test(test_one_that_is_listened_on_stays),
        cmocka_unit_test(test_what_is_no_socket_stays),
        cmocka_unit_test(test_folders_are_looked_at),
        cmocka_unit_test(test_who_holds_the_folders_lock_stops_nobody),
        cmocka_unit_test(test_of_many_that_start_at_once_one_listens),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
