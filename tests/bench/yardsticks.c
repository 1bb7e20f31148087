/* SPDX-License-Identifier: Apache-2.0 */
/* Programs that do the least that can be done: what Tilewire is measured against. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "tests/bench/load.h"

#define COALESCED_MAX 512 /* messages of one send() */

/* ---- A server of streams ---- */

static int listening(int type, unsigned port)
{
    const struct sockaddr_in address = loopback(1, port);
    const int on = 1;
    const int buffer = 4 * 1024 * 1024; /* of datagrams, while a pass runs */
    const int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
    if (fd < 0 || bind(fd, (const struct sockaddr *)&address, sizeof address) != 0 ||
        (type == SOCK_STREAM && listen(fd, 4096) != 0)) {
        fail("port %u: %s", port, strerror(errno));
    }
    return fd;
}

static int accept_stream(int listener)
{
    static const char head[] = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n";
    const int on = 1;
    char request[1024];
    const int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    if (fd < 0 || recv(fd, request, sizeof request, 0) <= 0 ||
        !send_all(fd, head, sizeof head - 1)) {
        fail("a stream: %s", strerror(errno));
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    fcntl(fd, F_SETFL, O_NONBLOCK);
    return fd;
}

/* Waits for a datagram if it must. False: there is none (any more). */
static bool next_message(int source, char *message, size_t bytes, int flags)
{
    char text[256];
    const ssize_t got = recv(source, text, sizeof text, flags);
    if (got < 0) {
        return false;
    }
    memset(message, 'x', bytes);
    memcpy(message, "data: ", 6);
    memcpy(message + 6, text, (size_t)got < bytes - 8 ? (size_t)got : bytes - 8);
    memcpy(message + bytes - 2, "\n\n", 2);
    return true;
}

int run_bare(unsigned port, size_t streams, size_t bytes, bool coalesce)
{
    allow_descriptors(streams);
    int *fds = calloc(streams, sizeof *fds);
    char *batch = malloc(COALESCED_MAX * bytes);
    const int listener = listening(SOCK_STREAM, port);
    const int source = listening(SOCK_DGRAM, port);
    if (fds == NULL || batch == NULL || bytes < 32) {
        fail("no memory, or messages of less than 32 bytes");
    }
    puts("{}");
    fflush(stdout);
    for (size_t i = 0; i < streams; i++) {
        fds[i] = accept_stream(listener);
    }
    for (;;) {
        size_t len = next_message(source, batch, bytes, 0) ? bytes : 0;
        while (coalesce && len < COALESCED_MAX * bytes &&
               next_message(source, batch + len, bytes, MSG_DONTWAIT)) {
            len += bytes;
        }
        for (size_t i = 0; i < streams; i++) {
            /* What a socket does not take is lost: the load generator counts it. */
            (void)!send(fds[i], batch, len, MSG_NOSIGNAL);
        }
    }
}

/* ---- Reading a table ---- */

int run_scan(const char *path)
{
    static const char sql[] = "SELECT id, timestamp, event_type, actor_id, target_id, summary, "
                              "payload FROM events ORDER BY id";
    sqlite3 *db;
    sqlite3_stmt *statement;
    if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL) != SQLITE_OK ||
        sqlite3_prepare_v2(db, sql, -1, &statement, NULL) != SQLITE_OK) {
        fail("%s: %s", path, sqlite3_errmsg(db));
    }
    uint64_t rows = 0;
    uint64_t bytes = 0;
    const uint64_t begun = now_us();
    while (sqlite3_step(statement) == SQLITE_ROW) {
        rows++;
        (void)sqlite3_column_int64(statement, 0);
        for (int i = 1; i < 7; i++) {
            if (sqlite3_column_text(statement, i) != NULL) {
                bytes += (uint64_t)sqlite3_column_bytes(statement, i);
            }
        }
    }
    printf("{\"rows\": %llu, \"bytes\": %llu, \"seconds\": %.3f}\n", (unsigned long long)rows,
           (unsigned long long)bytes, (double)(now_us() - begun) / 1e6);
    sqlite3_finalize(statement);
    sqlite3_close(db);
    return EXIT_SUCCESS;
}
