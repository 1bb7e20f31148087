/* SPDX-License-Identifier: Apache-2.0 */
#include "common/net/progress.h"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <zmq.h>

#include "common/base/xalloc.h"
#include "common/net/sockets.h"

/* An event of the monitor: a frame with its kind and a value, and one with the address. */
#define EVENT_BYTES 6
#define EVENTS (ZMQ_EVENT_CONNECTED | ZMQ_EVENT_DISCONNECTED | HANDSHAKE_EVENTS)

struct progress {
    void *socket;    /* borrowed */
    void *monitor;   /* tells of connections that begin and end */
    int fd;          /* of the connection, libzmq's; -1: there is none */
    uint64_t cookie; /* the kernel's name for it, which no other one is given */
    uint64_t bytes;  /* that had come when progress was made last */
    unsigned failed; /* bits 1 << enum handshake, of those that were not told yet */
};

struct progress *progress_create(void *socket)
{
    void *monitor = socket_monitor(socket, EVENTS);
    if (monitor == NULL) {
        return NULL;
    }
    struct progress *p = x_calloc(1, sizeof *p);
    p->socket = socket;
    p->monitor = monitor;
    p->fd = -1;
    return p;
}

void progress_destroy(struct progress **progress)
{
    struct progress *p = *progress;
    if (p != NULL) {
        socket_monitor_close(p->socket, &p->monitor);
        free(p);
        *progress = NULL;
    }
}

static bool cookie_of(int fd, uint64_t *cookie)
{
    socklen_t size = sizeof *cookie;
    return getsockopt(fd, SOL_SOCKET, SO_COOKIE, cookie, &size) == 0;
}

/* False when it is no connection of TCP, or the kernel does not count. */
static bool bytes_of(int fd, uint64_t *bytes)
{
    struct tcp_info info;
    socklen_t size = sizeof info;
    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) != 0 ||
        size < offsetof(struct tcp_info, tcpi_bytes_received) + sizeof info.tcpi_bytes_received) {
        return false;
    }
    *bytes = info.tcpi_bytes_received;
    return true;
}

static void begin(struct progress *p, int fd)
{
    p->fd = cookie_of(fd, &p->cookie) && bytes_of(fd, &p->bytes) ? fd : -1;
}

/* Takes in what the monitor told; the last of it counts. */
static void follow(struct progress *p)
{
    for (;;) {
        zmq_msg_t part;
        zmq_msg_init(&part);
        if (zmq_msg_recv(&part, p->monitor, ZMQ_DONTWAIT) < 0) {
            zmq_msg_close(&part);
            return;
        }
        if (zmq_msg_more(&part) != 0 && zmq_msg_size(&part) == EVENT_BYTES) {
            const char *data = zmq_msg_data(&part);
            uint16_t event;
            int32_t fd;
            memcpy(&event, data, sizeof event);
            memcpy(&fd, data + sizeof event, sizeof fd);
            p->fd = -1;
            p->failed |= 1U << handshake_of(event);
            if (event == ZMQ_EVENT_CONNECTED) {
                begin(p, fd);
            }
        }
        zmq_msg_close(&part);
    }
}

bool progress_made(struct progress *p)
{
    uint64_t cookie;
    uint64_t bytes;
    if (p == NULL) {
        return false;
    }
    follow(p);
    if (p->fd < 0 || !cookie_of(p->fd, &cookie) || cookie != p->cookie ||
        !bytes_of(p->fd, &bytes) || bytes < p->bytes + PROGRESS_MIN_BYTES) {
        return false;
    }
    p->bytes = bytes;
    return true;
}

enum handshake progress_failure(struct progress *p)
{
    static const enum handshake kinds[] = {HANDSHAKE_REFUSED, HANDSHAKE_UNLIKE, HANDSHAKE_BROKEN};
    if (p == NULL) {
        return HANDSHAKE_NONE;
    }
    follow(p);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if ((p->failed >> kinds[i] & 1) != 0) {
            p->failed &= ~(1U << kinds[i]);
            return kinds[i];
        }
    }
    return HANDSHAKE_NONE;
}
