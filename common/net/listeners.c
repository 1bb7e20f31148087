/* SPDX-License-Identifier: Apache-2.0 */
#include "common/net/listeners.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zmq.h>

#include "common/base/xalloc.h"
#include "common/program/log.h"

#define RESERVE 16 /* for the state, its log, a lock file, a connection to the database */
#define ROOM 8     /* how many connections there must be room for, to listen again */
#define ADDRESS_SIZE 1024

struct listeners {
    int fds[LISTENERS_MAX]; /* libzmq's, that it listens on */
    size_t count;
    int reserve[RESERVE + ROOM]; /* RESERVE of them are open while it listens, else none */
    bool paused;
    uint64_t pauses;
};

/* A descriptor that stands for nothing; -1 when there is none left. */
static int take_one(void)
{
    return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

/* Takes so many descriptors, or none. */
static bool take(struct listeners *l, size_t count)
{
    size_t taken = 0;
    while (taken < count && (l->reserve[taken] = take_one()) >= 0) {
        taken++;
    }
    for (size_t i = 0; taken < count && i < taken; i++) {
        close(l->reserve[i]);
    }
    return taken == count;
}

static void give_back(struct listeners *l, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++) {
        close(l->reserve[i]);
    }
}

struct listeners *listeners_create(void)
{
    struct listeners *l = x_calloc(1, sizeof *l);
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
    l->paused = !take(l, RESERVE);
    return l;
}

void listeners_destroy(struct listeners **listeners)
{
    struct listeners *l = *listeners;
    if (l != NULL) {
        give_back(l, 0, l->paused ? 0 : RESERVE);
        free(l);
        *listeners = NULL;
    }
}

/* The port of tcp://ADDRESS:PORT; 0 when it is no such address. */
static unsigned port_of(void *socket)
{
    char address[ADDRESS_SIZE];
    size_t size = sizeof address;
    if (zmq_getsockopt(socket, ZMQ_LAST_ENDPOINT, address, &size) != 0 ||
        strncmp(address, "tcp://", 6) != 0) {
        return 0;
    }
    return (unsigned)strtoul(strrchr(address, ':') + 1, NULL, 10);
}

static bool listens_on(int fd, unsigned port)
{
    int listens = 0;
    union {
        struct sockaddr any;
        struct sockaddr_in four;
        struct sockaddr_in6 six;
    } name = {.any = {0}};
    socklen_t size = sizeof listens;
    socklen_t name_size = sizeof name;
    if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) != 0 || listens == 0 ||
        getsockname(fd, &name.any, &name_size) != 0) {
        return false;
    }
    return (name.any.sa_family == AF_INET && ntohs(name.four.sin_port) == port) ||
           (name.any.sa_family == AF_INET6 && ntohs(name.six.sin6_port) == port);
}

/* Libzmq does not say which descriptor it listens on, so it is looked for among all of them. */
void listeners_add(struct listeners *l, void *socket)
{
    const unsigned port = port_of(socket);
    DIR *all = port != 0 ? opendir("/proc/self/fd") : NULL;
    const struct dirent *entry;
    assert(l->count < LISTENERS_MAX);
    while (all != NULL && (entry = readdir(all)) != NULL) {
        const int fd = (int)strtol(entry->d_name, NULL, 10);
        if (listens_on(fd, port)) {
            l->fds[l->count++] = fd;
            break;
        }
    }
    if (all != NULL) {
        closedir(all);
    }
}

/* Lets the kernel drop what asks for a connection, so that whoever asks tries again. */
static void close_door(int fd)
{
    struct sock_filter nothing = {BPF_RET | BPF_K, 0, 0, 0};
    const struct sock_fprog program = {1, &nothing};
    (void)setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program);
}

static void open_door(int fd)
{
    const int unused = 0;
    (void)setsockopt(fd, SOL_SOCKET, SO_DETACH_FILTER, &unused, sizeof unused);
}

/* Takes all who wait at one, and lets them go; never waits. */
static void send_away(int fd)
{
    const int flags = fcntl(fd, F_GETFL);
    int peer = 0;
    (void)fcntl(fd, F_SETFL, flags | O_NONBLOCK);
    while (peer >= 0 || errno == ECONNABORTED || errno == EINTR) {
        peer = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
        if (peer >= 0) {
            close(peer);
        }
    }
}

/*
 * Those who wait already would wake libzmq all the time. Whoever takes them needs a descriptor, and
 * each one that is let go for that may be libzmq's before it is ours; so a child does it, whose
 * table of descriptors is its own, and which needs none of the first three. It may only call what
 * a signal handler may, for the other threads' locks are as they were.
 */
static void send_all_away(const struct listeners *l)
{
    const pid_t child = fork();
    if (child == 0) {
        for (int fd = 0; fd <= STDERR_FILENO; fd++) {
            close(fd);
        }
        for (size_t i = 0; i < l->count; i++) {
            send_away(l->fds[i]);
        }
        _exit(EXIT_SUCCESS);
    }
    while (child > 0 && waitpid(child, NULL, 0) < 0 && errno == EINTR) {
    }
}

/* Whether somebody waits to be let in, who came before the door was closed. */
static bool somebody_waits(const struct listeners *l)
{
    struct pollfd all[LISTENERS_MAX];
    for (size_t i = 0; i < l->count; i++) {
        all[i] = (struct pollfd){.fd = l->fds[i], .events = POLLIN};
    }
    return poll(all, l->count, 0) > 0;
}

static void pause_all(struct listeners *l)
{
    struct rlimit limit = {0};
    (void)getrlimit(RLIMIT_NOFILE, &limit);
    for (size_t i = 0; i < l->count; i++) {
        close_door(l->fds[i]);
    }
    send_all_away(l);
    give_back(l, 0, RESERVE);
    l->paused = true;
    l->pauses++;
    log_error("all %llu file descriptors are taken: no further connections are let in until some "
              "are free. Find out who has so many connections, or raise the limit (ulimit -Hn, "
              "LimitNOFILE=)",
              (unsigned long long)limit.rlim_cur);
}

void listeners_check(struct listeners *l)
{
    if (!l->paused) {
        const int one = take_one();
        if (one >= 0) {
            close(one);
        } else if (errno == EMFILE || errno == ENFILE) {
            pause_all(l);
        }
        return;
    }
    if (!take(l, RESERVE + ROOM)) {
        if (somebody_waits(l)) {
            send_all_away(l);
        }
        return;
    }
    give_back(l, RESERVE, RESERVE + ROOM);
    for (size_t i = 0; i < l->count; i++) {
        open_door(l->fds[i]);
    }
    l->paused = false;
    log_info("there are free file descriptors: connections are let in again");
}

uint64_t listeners_pauses(const struct listeners *l)
{
    return l->pauses;
}

bool listeners_listen(const struct listeners *l)
{
    return !l->paused;
}
