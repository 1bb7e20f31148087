/* SPDX-License-Identifier: Apache-2.0 */
#include "common/net/disconnect.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <zmq.h>

#define ADDRESS_SIZE 1024
#define TCP "tcp://"
#define IPC "ipc://"

union name {
    struct sockaddr any;
    struct sockaddr_in four;
    struct sockaddr_in6 six;
    struct sockaddr_un un;
};

static unsigned port_of(const union name *name)
{
    return name->any.sa_family == AF_INET    ? ntohs(name->four.sin_port)
           : name->any.sa_family == AF_INET6 ? ntohs(name->six.sin6_port)
                                             : 0;
}

/* True when what is connected there was made to the address, at which libzmq listens. */
static bool is_connection_to(int fd, const char *address)
{
    int listens = 1;
    union name name = {.any = {0}};
    socklen_t size = sizeof listens;
    socklen_t name_size = sizeof name - 1; /* a path stays NUL-terminated */
    if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) != 0 || listens != 0 ||
        getsockname(fd, &name.any, &name_size) != 0) {
        return false;
    }
    if (strncmp(address, IPC, strlen(IPC)) == 0) {
        return name.any.sa_family == AF_UNIX &&
               strcmp(name.un.sun_path, address + strlen(IPC)) == 0;
    }
    const char *colon = strrchr(address, ':');
    return strncmp(address, TCP, strlen(TCP)) == 0 &&
           port_of(&name) == strtoul(colon + 1, NULL, 10);
}

/* Libzmq's thread may close the descriptor at any time, and another file take its number: what is
 * looked at and what is ended are one, for the copy is ours. False when there is no room for it. */
static bool end(int fd, const char *address)
{
    const int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (copy < 0) {
        return errno == EBADF; /* it is closed already */
    }
    if (is_connection_to(copy, address)) {
        (void)shutdown(copy, SHUT_RDWR);
    }
    close(copy);
    return true;
}

int disconnect_all(void *socket, struct error *err)
{
    char address[ADDRESS_SIZE] = "";
    size_t size = sizeof address;
    DIR *all = zmq_getsockopt(socket, ZMQ_LAST_ENDPOINT, address, &size) == 0
                   ? opendir("/proc/self/fd")
                   : NULL;
    bool whole = all != NULL;
    const struct dirent *entry;
    while (all != NULL && (entry = readdir(all)) != NULL) {
        const int fd = (int)strtol(entry->d_name, NULL, 10);
        whole = (fd <= STDERR_FILENO || end(fd, address)) && whole;
    }
    if (all != NULL) {
        closedir(all);
    }
    return whole ? STATUS_OK
                 : error_set(err, STATUS_FULL,
                             "not all connections to %s could be ended, for want of a file "
                             "descriptor",
                             address);
}
