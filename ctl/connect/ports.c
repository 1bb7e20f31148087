/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/connect/ports.h"

#include <errno.h>
#include <netdb.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define HOST_SIZE 256
#define PORT_SIZE 8

/* Takes the address apart. False when it is none. */
static bool split(struct str address, char host[HOST_SIZE], char port[PORT_SIZE])
{
    const char *colon = memrchr(address.p, ':', address.len);
    if (colon == NULL) {
        return false;
    }
    size_t host_len = (size_t)(colon - address.p);
    const size_t port_len = address.len - host_len - 1;
    const char *from = address.p;
    if (host_len >= 2 && from[0] == '[' && from[host_len - 1] == ']') {
        from++;
        host_len -= 2;
    }
    if (host_len >= HOST_SIZE || port_len == 0 || port_len >= PORT_SIZE) {
        return false;
    }
    memcpy(host, from, host_len);
    host[host_len] = '\0';
    memcpy(port, colon + 1, port_len);
    port[port_len] = '\0';
    return true;
}

static enum port_state try_one(const struct addrinfo *address)
{
    const int on = 1;
    enum port_state state = PORT_FREE;
    const int fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return PORT_ELSEWHERE;
    }
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, address->ai_addr, address->ai_addrlen) != 0 || listen(fd, 1) != 0) {
        state = errno == EADDRINUSE ? PORT_USED : errno == EACCES ? PORT_DENIED : PORT_ELSEWHERE;
    }
    close(fd);
    return state;
}

enum port_state port_try(struct str address)
{
    const struct addrinfo hints = {.ai_flags = AI_PASSIVE | AI_NUMERICHOST | AI_NUMERICSERV,
                                   .ai_socktype = SOCK_STREAM};
    char host[HOST_SIZE];
    char port[PORT_SIZE];
    struct addrinfo *list = NULL;
    if (!split(address, host, port) ||
        getaddrinfo(strcmp(host, "*") != 0 ? host : NULL, port, &hints, &list) != 0) {
        return PORT_ELSEWHERE;
    }
    const enum port_state state = try_one(list);
    freeaddrinfo(list);
    return state;
}
