/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/http/detach.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/tcp.h> /* glibc's struct tcp_info ends too early */
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/program/log.h"
#include "gateway/http/judge.h"

int detach_socket(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    return info != NULL ? fcntl(info->connect_fd, F_DUPFD_CLOEXEC, 3) : -1;
}

int64_t detach_bytes_read(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *connection_info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    struct tcp_info info = {0};
    socklen_t len = sizeof info;
    int unread = 0;
    if (connection_info == NULL ||
        getsockopt(connection_info->connect_fd, IPPROTO_TCP, TCP_INFO, &info, &len) != 0 ||
        len < offsetof(struct tcp_info, tcpi_bytes_received) + sizeof info.tcpi_bytes_received ||
        ioctl(connection_info->connect_fd, FIONREAD, &unread) != 0) {
        return -1;
    }
    return (int64_t)info.tcpi_bytes_received - unread;
}

void detach_logger(void *arg, const char *format, va_list args)
{
    (void)arg;
    char line[512];
    vsnprintf(line, sizeof line, format, args);
    if (strstr(line, "Application reported internal error") == NULL) {
        line[strcspn(line, "\n")] = '\0';
        log_debug("http: %s", line);
    }
}

struct self_test {
    int taken; /* the duplicate of the socket; -1: not yet */
    struct framing_target target;
    bool framed; /* the request was handed over as framing.h supposes */
};

static void *note_target(void *arg, const char *target, struct MHD_Connection *connection)
{
    struct self_test *test = arg;
    (void)connection;
    test->target = framing_target(target);
    return NULL;
}

static enum MHD_Result take(void *arg, struct MHD_Connection *connection, const char *url,
                            const char *method, const char *version, const char *data,
                            size_t *data_size, void **state)
{
    struct self_test *test = arg;
    bool chunked;
    (void)url;
    (void)data;
    (void)data_size;
    (void)state;
    test->framed = judge_framing(connection, test->target, method, version, &chunked) == NULL;
    test->taken = detach_socket(connection);
    return MHD_NO;
}

/* A socket bound to a free port of the loopback, and its address. */
static int listen_locally(struct sockaddr_in *address)
{
    socklen_t len = sizeof *address;
    *address = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd >= 0 && (bind(fd, (struct sockaddr *)address, len) != 0 || listen(fd, 1) != 0 ||
                    getsockname(fd, (struct sockaddr *)address, &len) != 0)) {
        close(fd);
        return -1;
    }
    return fd;
}

static void run_until_taken(struct MHD_Daemon *daemon, const int *taken)
{
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_EPOLL_FD);
    for (int i = 0; i < 50 && *taken < 0; i++) {
        struct pollfd poll_fd = {info->epoll_fd, POLLIN, 0};
        poll(&poll_fd, 1, 20);
        MHD_run(daemon);
    }
    /* The daemon frees the connection here, which is the step that could break the duplicate. */
    MHD_run(daemon);
}

/* True when what is written to the taken socket reaches the client, and nothing else does. */
static bool still_connected(int taken, int client)
{
    char got[8] = "";
    struct pollfd poll_fd = {client, POLLIN, 0};
    return taken >= 0 && send(taken, "alive", 5, MSG_NOSIGNAL) == 5 &&
           poll(&poll_fd, 1, 1000) == 1 && recv(client, got, sizeof got, MSG_DONTWAIT) == 5 &&
           memcmp(got, "alive", 5) == 0;
}

int detach_self_test(struct error *err)
{
    static const char request[] =
        "GET /%20?a=%20 HTTP/1.1\r\nHost: self\r\nA:\r\nB:b \r\nC: \t c\r\n\r\n";
    struct sockaddr_in address;
    struct self_test test = {.taken = -1};
    const int listening = listen_locally(&address);
    struct MHD_Daemon *daemon = MHD_start_daemon(
        DETACH_MHD_FLAGS, 0, NULL, NULL, take, &test, MHD_OPTION_EXTERNAL_LOGGER, detach_logger,
        NULL, MHD_OPTION_LISTEN_SOCKET, listening, MHD_OPTION_STRICT_FOR_CLIENT,
        JUDGE_MHD_IS_STRICT, MHD_OPTION_URI_LOG_CALLBACK, note_target, &test, MHD_OPTION_END);
    const int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool ok =
        daemon != NULL && client >= 0 &&
        connect(client, (struct sockaddr *)&address, sizeof address) == 0 &&
        send(client, request, sizeof request - 1, MSG_NOSIGNAL) == (ssize_t)sizeof request - 1;
    if (ok) {
        run_until_taken(daemon, &test.taken);
        ok = still_connected(test.taken, client) && test.framed;
    }
    if (daemon != NULL) {
        MHD_stop_daemon(daemon);
    } else if (listening >= 0) {
        close(listening);
    }
    if (client >= 0) {
        close(client);
    }
    if (test.taken >= 0) {
        close(test.taken);
    }
    return ok ? STATUS_OK
              : error_set(err, STATUS_IO,
                          "this libmicrohttpd (%s) does not let connections be taken over, which "
                          "streams need, or does not hand headers over as they came: use the "
                          "version of the distribution",
                          MHD_get_version());
}
