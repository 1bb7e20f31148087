/* SPDX-License-Identifier: Apache-2.0 */
/* The other side of a connection of libzmq's, by hand: it does what libzmq would not do. It speaks
 * ZMTP 3.0 (https://rfc.zeromq.org/spec/23/) without security, on 127.0.0.1. */
#ifndef TESTS_COMMON_NET_RAW_PEER_H
#define TESTS_COMMON_NET_RAW_PEER_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit.h"

#define RAW_GREETING 64
#define RAW_PATIENCE_MS 20000 /* nothing here takes nearly as long */

struct raw_listener {
    int fd;
    char address[64]; /* for zmq_connect */
};

static inline void raw_listen(struct raw_listener *listener)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    listener->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(listener->fd >= 0);
    assert_int_equal(bind(listener->fd, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(listener->fd, 16), 0);
    assert_int_equal(getsockname(listener->fd, (struct sockaddr *)&address, &size), 0);
    snprintf(listener->address, sizeof listener->address, "tcp://127.0.0.1:%d",
             (int)ntohs(address.sin_port));
}

/* True when there is something to read, or to accept, within so many ms. */
static inline bool raw_wait(int fd, int ms)
{
    struct pollfd item = {.fd = fd, .events = POLLIN};
    return poll(&item, 1, ms) == 1;
}

static inline void raw_read(int fd, void *out, size_t len)
{
    for (char *p = out; len > 0;) {
        assert_true(raw_wait(fd, RAW_PATIENCE_MS));
        const ssize_t count = read(fd, p, len);
        assert_true(count > 0);
        p += count;
        len -= (size_t)count;
    }
}

static inline void raw_write(int fd, const void *bytes, size_t len)
{
    assert_int_equal(send(fd, bytes, len, MSG_NOSIGNAL), len);
}

/* Greets as a socket of that type, of three letters, and returns when the other side has done so.
 */
static inline void raw_greet(int fd, const char *type)
{
    char greeting[RAW_GREETING] = {(char)0xff, 0,    0, 0, 0,   0,   0,   0,
                                   0,          0x7f, 3, 0, 'N', 'U', 'L', 'L'};
    raw_write(fd, greeting, sizeof greeting);
    raw_read(fd, greeting, sizeof greeting);
    unsigned char ready[256] = "\x04\x19\x05READY\x0bSocket-Type\0\0\0\x03";
    memcpy(ready + 24, type, 3);
    raw_write(fd, ready, 27);
    raw_read(fd, ready, 2); /* a short command */
    assert_int_equal(ready[0], 4);
    raw_read(fd, ready + 2, ready[1]);
}

/* Accepts the next connection, which has to come, and greets. */
static inline int raw_accept(const struct raw_listener *listener, const char *type)
{
    assert_true(raw_wait(listener->fd, RAW_PATIENCE_MS));
    const int fd = accept(listener->fd, NULL, NULL);
    assert_true(fd >= 0);
    raw_greet(fd, type);
    return fd;
}

/* Connects to a socket that listens at that address, on 127.0.0.1, and greets. */
static inline int raw_connect(const char *endpoint, const char *type)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    address.sin_port = htons((uint16_t)atoi(strrchr(endpoint, ':') + 1));
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    raw_greet(fd, type);
    return fd;
}

/* Sends messages of one byte until no more is taken, because the other side does not read. Returns
 * how many of them went out whole. */
static inline size_t raw_flood(int fd)
{
    static char messages[3 * 10000];
    for (size_t i = 0; i < sizeof messages; i += 3) {
        memcpy(messages + i, "\0\1x", 3);
    }
    size_t bytes = 0;
    for (;;) {
        const size_t at = bytes % sizeof messages;
        const ssize_t count =
            send(fd, messages + at, sizeof messages - at, MSG_DONTWAIT | MSG_NOSIGNAL);
        struct pollfd item = {.fd = fd, .events = POLLOUT};
        if (count > 0) {
            bytes += (size_t)count;
        } else if (poll(&item, 1, 200) != 1) {
            return bytes / 3;
        }
    }
}

/* Ends the connection as a host does that has forgotten it: with a reset. */
static inline void raw_reset(int fd)
{
    const struct linger at_once = {1, 0};
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once), 0);
    close(fd);
}

#endif
