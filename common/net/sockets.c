/* SPDX-License-Identifier: Apache-2.0 */
#include "common/net/sockets.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <zmq.h>

#include "common/base/own_file.h"
#include "common/net/curve.h"

#define IPC "ipc://"

/* ZeroMQ wants one context a process. It is made with the first socket. */
static void *context;

static void *the_context(void)
{
    if (context == NULL) {
        context = zmq_ctx_new();
        zmq_ctx_set(context, ZMQ_MAX_SOCKETS, 1023);
    }
    return context;
}

void sockets_term(void)
{
    if (context != NULL) {
        zmq_ctx_term(context);
        context = NULL;
    }
}

static void set_int(void *socket, int option, int value)
{
    const int result = zmq_setsockopt(socket, option, &value, sizeof value);
    assert(result == 0);
    (void)result;
}

struct bounds {
    int send_hwm;
    int receive_hwm;
    int64_t largest; /* bytes of a frame that is taken in */
};

static struct bounds bounds_of(int type)
{
    switch (type) {
    case ZMQ_ROUTER:
        return (struct bounds){SOCKET_REPLY_HWM, SOCKET_REQUEST_HWM, SOCKET_REQUEST_MAX_BYTES};
    case ZMQ_PUB:
    case ZMQ_XPUB:
        /* Libzmq takes subscriptions in whenever it sends, and keeps them. No mark for those that
         * it has not taken in yet, so that it never stops to read: see the header. */
        return (struct bounds){SOCKET_PUBLISH_HWM, 0, SOCKET_SUBSCRIPTION_MAX_BYTES};
    case ZMQ_SUB:
        return (struct bounds){SOCKET_REQUEST_HWM, SOCKET_SUBSCRIBER_HWM, SOCKET_REPLY_MAX_BYTES};
    default:
        return (struct bounds){SOCKET_QUERY_HWM, SOCKET_QUERY_HWM, SOCKET_REPLY_MAX_BYTES};
    }
}

/* The kernel looks after the connections; ZMTP's heartbeats are off. See the header. */
static void find_the_dead(void *socket)
{
    set_int(socket, ZMQ_HEARTBEAT_IVL, 0);
    set_int(socket, ZMQ_TCP_KEEPALIVE, 1);
    set_int(socket, ZMQ_TCP_KEEPALIVE_IDLE, 1);
    set_int(socket, ZMQ_TCP_KEEPALIVE_INTVL, 1);
    set_int(socket, ZMQ_TCP_KEEPALIVE_CNT, SOCKET_DEAD_MS / 1000);
    set_int(socket, ZMQ_TCP_MAXRT, SOCKET_DEAD_MS);
    set_int(socket, ZMQ_CONNECT_TIMEOUT, 2000);
    set_int(socket, ZMQ_HANDSHAKE_IVL, SOCKET_DEAD_MS);
}

static void *make(int type, struct error *err)
{
    void *socket = zmq_socket(the_context(), type);
    if (socket == NULL) {
        error_set(err, STATUS_FULL, "no ZeroMQ socket could be made: %s",
                  zmq_strerror(zmq_errno()));
        return NULL;
    }
    const struct bounds bounds = bounds_of(type);
    set_int(socket, ZMQ_SNDHWM, bounds.send_hwm);
    set_int(socket, ZMQ_RCVHWM, bounds.receive_hwm);
    set_int(socket, ZMQ_LINGER, 0);
    set_int(socket, ZMQ_IPV6, 1);
    set_int(socket, ZMQ_RECONNECT_IVL, 50);
    set_int(socket, ZMQ_RECONNECT_IVL_MAX, 1000);
    find_the_dead(socket);
    zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &bounds.largest, sizeof bounds.largest);
    return socket;
}

/* Takes over a socket that is not bound yet, which may be NULL. */
static void *bind_made(void *socket, int type, const char *address, const struct config *config,
                       struct error *err)
{
    if (socket == NULL) {
        return NULL;
    }
    const bool ipc = strncmp(address, IPC, strlen(IPC)) == 0;
    const char *domain = type == ZMQ_ROUTER ? CURVE_DOMAIN_QUERY : CURVE_DOMAIN_PUBLISH;
    if (curve_serve(socket, domain, config, err) != STATUS_OK ||
        (ipc && own_folder_check(address + strlen(IPC), err) != STATUS_OK)) {
        socket_close(&socket);
        return NULL;
    }
    if (zmq_bind(socket, address) != 0) {
        error_set(err, STATUS_IO, "cannot listen on %s: %s%s", address, zmq_strerror(zmq_errno()),
                  zmq_errno() == EADDRINUSE
                      ? "; another program uses it: stop that, or configure another address"
                      : "");
        socket_close(&socket);
    }
    return socket;
}

void *socket_bind(int type, const char *address, const struct config *config, struct error *err)
{
    return bind_made(make(type, err), type, address, config, err);
}

void *socket_bind_server(const char *address, int64_t largest, const struct config *config,
                         struct error *err)
{
    void *socket = make(ZMQ_ROUTER, err);
    if (socket != NULL) {
        zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &largest, sizeof largest);
    }
    return bind_made(socket, ZMQ_ROUTER, address, config, err);
}

void *socket_bind_within(int type, const char *address, struct error *err)
{
    void *socket = make(type, err);
    if (socket != NULL && zmq_bind(socket, address) != 0) {
        error_set(err, STATUS_IO, "cannot bind %s: %s", address, zmq_strerror(zmq_errno()));
        socket_close(&socket);
    }
    return socket;
}

void *socket_open(int type, struct error *err)
{
    void *socket = make(type, err);
    if (socket != NULL && type == ZMQ_SUB) {
        zmq_setsockopt(socket, ZMQ_SUBSCRIBE, "", 0);
    }
    return socket;
}

int socket_connect(void *socket, const char *address, const struct config_server *server,
                   const struct config *config, struct error *err)
{
    const int status = curve_join(socket, address, server, config, err);
    if (status != STATUS_OK) {
        return status;
    }
    if (zmq_connect(socket, address) != 0) {
        return error_set(err, STATUS_INVALID, "cannot connect to %s: %s", address,
                         zmq_strerror(zmq_errno()));
    }
    return STATUS_OK;
}

void *socket_monitor(void *socket, int events)
{
    static atomic_uint serial; /* libzmq frees the name of a monitor some time after its end */
    char address[64];
    snprintf(address, sizeof address, "inproc://monitor-%u", atomic_fetch_add(&serial, 1));
    if (zmq_socket_monitor(socket, address, events) != 0) {
        return NULL;
    }
    void *monitor = zmq_socket(the_context(), ZMQ_PAIR);
    if (monitor != NULL) {
        set_int(monitor, ZMQ_RCVHWM, 0); /* libzmq's thread would wait for who does not read */
    }
    if (monitor == NULL || zmq_connect(monitor, address) != 0) {
        socket_monitor_close(socket, &monitor);
    }
    return monitor;
}

void socket_monitor_close(void *socket, void **monitor)
{
    (void)zmq_socket_monitor(socket, NULL, 0);
    socket_close(monitor);
}

void *socket_open_connected(int type, struct error *err)
{
    void *socket = make(type, err);
    if (socket != NULL) {
        set_int(socket, ZMQ_IMMEDIATE, 1);
        set_int(socket, ZMQ_SNDHWM, SOCKET_CONNECTED_HWM);
        set_int(socket, ZMQ_RCVHWM, SOCKET_CONNECTED_HWM);
    }
    return socket;
}

void socket_close(void **socket)
{
    if (*socket != NULL) {
        zmq_close(*socket);
        *socket = NULL;
    }
}

void socket_set_send_hwm(void *socket, int messages)
{
    set_int(socket, ZMQ_SNDHWM, messages);
}

int socket_fd(void *socket)
{
    int fd = -1;
    size_t size = sizeof fd;
    zmq_getsockopt(socket, ZMQ_FD, &fd, &size);
    return fd;
}

bool socket_readable(void *socket)
{
    int events = 0;
    size_t size = sizeof events;
    return zmq_getsockopt(socket, ZMQ_EVENTS, &events, &size) == 0 && (events & ZMQ_POLLIN) != 0;
}

bool socket_send(void *socket, const struct str *frames, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const int flags = ZMQ_DONTWAIT | (i + 1 < count ? ZMQ_SNDMORE : 0);
        if (zmq_send(socket, frames[i].p != NULL ? frames[i].p : "", frames[i].len, flags) < 0) {
            return false;
        }
    }
    return true;
}

static void note_user(zmq_msg_t *part, struct buf *user)
{
    const char *id = zmq_msg_gets(part, "User-Id");
    buf_clear(user);
    buf_append_text(user, id != NULL ? id : "");
}

int socket_receive_from(void *socket, struct buf *frames, size_t max, size_t max_bytes,
                        struct buf *user)
{
    size_t count = 0;
    size_t bytes = 0;
    bool fits = true;
    for (;;) {
        zmq_msg_t part;
        zmq_msg_init(&part);
        if (zmq_msg_recv(&part, socket, ZMQ_DONTWAIT) < 0) {
            zmq_msg_close(&part);
            return count == 0 && fits ? 0 : -1;
        }
        const bool more = zmq_msg_more(&part) != 0;
        bytes += zmq_msg_size(&part);
        fits = fits && count < max && bytes <= max_bytes;
        if (user != NULL) { /* the routing id that a ROUTER puts before a message has none */
            note_user(&part, user);
        }
        if (fits) {
            buf_clear(&frames[count]);
            buf_append(&frames[count], zmq_msg_data(&part), zmq_msg_size(&part));
            count++;
        }
        zmq_msg_close(&part);
        if (!more) {
            return fits ? (int)count : -1;
        }
    }
}

int socket_receive(void *socket, struct buf *frames, size_t max, size_t max_bytes)
{
    return socket_receive_from(socket, frames, max, max_bytes, NULL);
}
