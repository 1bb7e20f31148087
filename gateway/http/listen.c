/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/http/listen.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BACKLOG 4096 /* So many connections may wait to be accepted. */

static void set_int(int fd, int level, int option, int value)
{
    (void)setsockopt(fd, level, option, &value, sizeof value);
}

static const char *why_in_use(bool alone)
{
    return alone ? "; each gateway needs an address of its own for its figures: choose another "
                   "with --admin-listen"
                 : "; another program (no gateway) uses it: stop that, or choose another with "
                   "--listen";
}

int listen_bind(const struct config_listen_address *address, bool alone, struct error *err)
{
    struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = htons(address->port)};
    struct sockaddr_in four = {.sin_family = AF_INET, .sin_port = htons(address->port)};
    memcpy(&six.sin6_addr, address->ip.bytes, 16);
    memcpy(&four.sin_addr, address->ip.bytes + 12, 4);
    const bool ipv6 = address->ipv6 || address->any;
    const int fd = socket(ipv6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        return error_set(err, STATUS_IO, "no socket could be made: %s", strerror(errno)), -1;
    }
    set_int(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    set_int(fd, SOL_SOCKET, SO_REUSEPORT, !alone);
    if (ipv6) {
        set_int(fd, IPPROTO_IPV6, IPV6_V6ONLY, !address->any);
    }
    const struct sockaddr *name =
        ipv6 ? (const struct sockaddr *)&six : (const struct sockaddr *)&four;
    if (bind(fd, name, ipv6 ? sizeof six : sizeof four) != 0) {
        error_set(err, STATUS_IO, "cannot listen on %s: %s%s", address->text, strerror(errno),
                  errno == EADDRINUSE ? why_in_use(alone) : "");
        close(fd);
        return -1;
    }
    return fd;
}

int listen_begin(int fd, const struct config_listen_address *address, struct error *err)
{
    if (listen(fd, BACKLOG) != 0) {
        return error_set(err, STATUS_IO, "cannot listen on %s: %s", address->text, strerror(errno));
    }
    return STATUS_OK;
}

void listen_accept_rest(int fd, struct MHD_Daemon *daemon)
{
    struct sockaddr_storage name;
    for (;;) {
        socklen_t len = sizeof name;
        const int accepted =
            accept4(fd, (struct sockaddr *)&name, &len, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (accepted >= 0) {
            (void)MHD_add_connection(daemon, accepted, (struct sockaddr *)&name, len);
        } else if (errno != EINTR && errno != ECONNABORTED) {
            return;
        }
    }
}
