/* SPDX-License-Identifier: Apache-2.0 */
/* Sockets of the load generator. */
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/bench/load.h"

#define SOURCE_ADDRESSES 8

void allow_descriptors(size_t wanted)
{
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_cur < wanted + 50) {
        fail("%zu open files are needed, %llu allowed", wanted + 50,
             (unsigned long long)limit.rlim_cur);
    }
}

struct sockaddr_in loopback(unsigned last_byte, unsigned port)
{
    struct sockaddr_in address;
    memset(&address, 0, sizeof address);
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(0x7f000000u + last_byte);
    address.sin_port = htons((uint16_t)port);
    return address;
}

/* Dozens of load generators on one port have to have addresses of their own. */
static unsigned first_address(void)
{
    const char *text = getenv("LOAD_ADDRESS");
    return text != NULL ? (unsigned)strtoul(text, NULL, 10) : 1;
}

int dial(size_t number, unsigned port)
{
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int on = 1;
    const struct sockaddr_in from =
        loopback(first_address() + (unsigned)(number % SOURCE_ADDRESSES), 0);
    const struct sockaddr_in to = loopback(1, port);
    if (fd < 0) {
        fail("socket: %s", strerror(errno));
    }
    setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (bind(fd, (const struct sockaddr *)&from, sizeof from) != 0) {
        fail("bind: %s", strerror(errno));
    }
    if (connect(fd, (const struct sockaddr *)&to, sizeof to) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

bool send_all(int fd, const char *data, size_t len)
{
    return send(fd, data, len, MSG_NOSIGNAL) == (ssize_t)len;
}

void watch(int epoll, int fd, uint64_t number)
{
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = number};
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0) {
        fail("epoll_ctl: %s", strerror(errno));
    }
}
