/* SPDX-License-Identifier: Apache-2.0 */
#include "common/net/listeners.h"

#include <fcntl.h>
#include <linux/filter.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <zmq.h>

#include "tests/common/net/raw_peer.h"
#include "tests/unit.h"

#define DESCRIPTORS 64
#define CROWD 200
#define WITHOUT_ANYBODY 16 /* what listeners.h holds back */

/* A server of libzmq's, and a process that connects to it more often than there are descriptors. */
struct crowded {
    void *context, *router;
    struct listeners *listeners;
    int fd; /* which libzmq listens on */
    pid_t crowd;
    int crowd_lives; /* closed, and it goes away */
};

static int listening_fd(void)
{
    for (int fd = 0; fd < DESCRIPTORS; fd++) {
        int listens = 0;
        socklen_t size = sizeof listens;
        if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) == 0 && listens != 0) {
            return fd;
        }
    }
    fail_msg("%s", "libzmq listens on nothing");
    return -1;
}

/* Connects without waiting to be let in, says so by a byte, and goes when nobody holds `until`. */
static void stand_in_line(const struct sockaddr_in *address, int until, int ready)
{
    const struct rlimit enough = {2 * CROWD, 2 * CROWD};
    char byte = 0;
    (void)setrlimit(RLIMIT_NOFILE, &enough);
    for (int i = 0; i < CROWD; i++) {
        const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        (void)connect(fd, (const struct sockaddr *)address, sizeof *address);
    }
    (void)!write(ready, &byte, 1);
    (void)!read(until, &byte, 1);
    _exit(0);
}

static void send_crowd(struct crowded *c)
{
    struct sockaddr_in address;
    socklen_t size = sizeof address;
    int until[2];
    int ready[2];
    char byte;
    assert_int_equal(getsockname(c->fd, (struct sockaddr *)&address, &size), 0);
    assert_int_equal(pipe2(until, O_CLOEXEC), 0);
    assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
    c->crowd = fork();
    if (c->crowd == 0) {
        close(until[1]);
        stand_in_line(&address, until[0], ready[1]);
    }
    close(until[0]);
    close(ready[1]);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    c->crowd_lives = until[1];
}

static void set_up(struct crowded *c)
{
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = DESCRIPTORS;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    c->context = zmq_ctx_new();
    c->router = zmq_socket(c->context, ZMQ_ROUTER);
    assert_int_equal(zmq_bind(c->router, "tcp://127.0.0.1:*"), 0);
    c->fd = listening_fd();
    c->listeners = listeners_create();
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    assert_int_equal(limit.rlim_cur, limit.rlim_max); /* the program has as many as it may */
    limit.rlim_cur = DESCRIPTORS;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    listeners_add(c->listeners, c->router);
}

static void tear_down(struct crowded *c)
{
    listeners_destroy(&c->listeners);
    zmq_close(c->router);
    zmq_ctx_term(c->context);
}

static void disperse(struct crowded *c)
{
    close(c->crowd_lives);
    assert_int_equal(waitpid(c->crowd, NULL, 0), c->crowd);
}

static void await(struct crowded *c, bool listens)
{
    for (int i = 0; listeners_listen(c->listeners) != listens; i++) {
        assert_true(i < RAW_PATIENCE_MS / 10);
        poll(NULL, 0, 10);
        listeners_check(c->listeners);
    }
}

/* How many more descriptors this process can have. */
static int left(void)
{
    int fds[DESCRIPTORS];
    int count = 0;
    while ((fds[count] = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0) {
        count++;
    }
    for (int i = 0; i < count; i++) {
        close(fds[i]);
    }
    return count;
}

/* Nobody who came before the door was closed is left to wake libzmq, and none of the reserve went
 * to them. */
static void test_nobody_waits_at_a_closed_door(void **state)
{
    (void)state;
    for (int i = 0; i < 5; i++) {
        struct crowded c = {0};
        set_up(&c);
        assert_true(listeners_listen(c.listeners));
        send_crowd(&c);
        await(&c, false);
        assert_int_equal(left(), WITHOUT_ANYBODY);
        assert_false(raw_wait(c.fd, 0));
        assert_int_equal(listeners_pauses(c.listeners), 1);
        disperse(&c);
        await(&c, true);
        tear_down(&c);
    }
}

/* Whom the kernel lets in all the same is sent away at the next look. */
static void test_who_comes_while_it_is_closed_is_sent_away(void **state)
{
    (void)state;
    struct crowded c = {0};
    set_up(&c);
    send_crowd(&c);
    await(&c, false);
    const int unused = 0;
    struct sock_filter nothing = {BPF_RET | BPF_K, 0, 0, 0};
    const struct sock_fprog closed = {1, &nothing};
    int others[DESCRIPTORS];
    int count = 0;
    while ((others[count] = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0) {
        count++; /* now there is none left for libzmq */
    }
    assert_int_equal(setsockopt(c.fd, SOL_SOCKET, SO_DETACH_FILTER, &unused, sizeof unused), 0);
    assert_true(raw_wait(c.fd, RAW_PATIENCE_MS)); /* one of the crowd tries again */
    assert_int_equal(setsockopt(c.fd, SOL_SOCKET, SO_ATTACH_FILTER, &closed, sizeof closed), 0);
    listeners_check(c.listeners);
    assert_false(raw_wait(c.fd, 0));
    assert_int_equal(listeners_pauses(c.listeners), 1);
    for (int i = 0; i < count; i++) {
        close(others[i]);
    }
    disperse(&c);
    await(&c, true);
    tear_down(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nobody_waits_at_a_closed_door),
        cmocka_unit_test(test_who_comes_while_it_is_closed_is_sent_away),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
