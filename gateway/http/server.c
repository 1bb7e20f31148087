/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/http/server.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/xalloc.h"
#include "gateway/http/detach.h"
#include "gateway/http/http_state.h"
#include "gateway/http/judge.h"
#include "gateway/http/lengths.h"
#include "gateway/http/listen.h"
#include "gateway/http/reply.h"
#include "gateway/http/request.h"

#define RELIEVE_MS 50             /* How often http_relieve is due while it is tight. */
#define BODY_READ_MAX (16U << 20) /* Bytes of a body after which the connection is cut. */
/* A connection's memory holds, besides the request line and headers, what is found in them, and the
 * head of an answer. All of it is cleared after each request, so it is no larger than needed. */
#define PARSED_BYTES ((size_t)8 * 1024)

/* ---- Libmicrohttpd's callbacks, in the order in which they are called ---- */

static void on_connection(void *arg, struct MHD_Connection *connection, void **context,
                          enum MHD_ConnectionNotificationCode code)
{
    struct http *http = arg;
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        const int fd =
            MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
        *context = connections_add(http->connections, fd, http->config.turn->now);
    } else {
        struct connection *ours = *context;
        connections_remove(http->connections, &ours);
    }
}

/* Libmicrohttpd calls this with the request line as it came: a key in a path may hold escapes that
 * decoding would take away. */
static void *on_uri(void *arg, const char *uri, struct MHD_Connection *connection)
{
    return request_create(arg, connection, uri);
}

/* The client sends without end, and libmicrohttpd could not answer before the end. */
static enum MHD_Result cut(struct http *http)
{
    http->counters.requests++;
    http->counters.too_large++;
    return MHD_NO;
}

static enum MHD_Result answer(struct request *request, const char *method)
{
    struct http *http = request->http;
    request_enter_phase(request, CONNECTION_ANSWERING);
    if (!request->resumed) {
        http->counters.requests++;
        request->address = request_client_address(request);
        request->client = request->address;
    }
    return http->api.answer(http->api.arg, request, method);
}

/* What follows such a request is perhaps none, so that none of it is read. */
static enum MHD_Result refuse(struct request *request, const struct framing_fault *fault)
{
    request_enter_phase(request, CONNECTION_ANSWERING);
    request->http->counters.requests++;
    request->http->counters.malformed++;
    return reply_problem(request, fault->status, fault->detail, 0);
}

/* What is too large is not kept, but read to its end, so that it can be answered. */
static void take_body(struct http *http, struct request *request, const char *data, size_t len)
{
    const size_t max = request->body_max != 0 ? request->body_max : http->config.limits->body_bytes;
    request->body_bytes += len;
    request->too_large = request->body_bytes > max;
    request->body_no_room = request->body_no_room || http->bodies_bytes + len > HTTP_BODIES_MAX;
    if (request->body_max != 0 && !request->too_large && !request->body_no_room) {
        buf_append(&request->body, data, len);
        http->bodies_bytes += len;
    }
}

/* Libmicrohttpd calls this with the headers, with each part of a body, at the end, and again when a
 * request that was suspended is resumed. An answer queued on the first call closes the connection,
 * so only what is malformed is answered on it. */
static enum MHD_Result on_request(void *arg, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *data,
                                  size_t *data_size, void **state)
{
    (void)connection;
    struct http *http = arg;
    struct request *request = *state;
    if (!request->begun) {
        const struct framing_fault *fault = request_begin(request, url, method, version);
        request->body_max =
            http->api.body_max != NULL ? http->api.body_max(http->api.arg, request, method) : 0;
        return fault != NULL ? refuse(request, fault) : MHD_YES;
    }
    if (*data_size != 0) {
        take_body(http, request, data, *data_size);
        *data_size = 0;
        return request->body_bytes > BODY_READ_MAX ? cut(http) : MHD_YES;
    }
    request_set_path(request, url);
    return answer(request, method);
}

/* Refusals are left out: they would make the answers look faster than they are. */
static void measure(const struct request *request)
{
    if (request->durations != NULL && request->status != 0 && request->status < 400) {
        histogram_add(request->durations, clock_mono().us - request->asked_at.us);
    }
}

static void on_completed(void *arg, struct MHD_Connection *connection, void **state,
                         enum MHD_RequestTerminationCode code)
{
    struct request *request = *state;
    (void)arg;
    (void)connection;
    if (request != NULL) {
        if (code == MHD_REQUEST_TERMINATED_COMPLETED_OK) {
            measure(request);
        }
        request_destroy(&request);
        *state = NULL;
    }
}

/* Requests that libmicrohttpd refuses by itself are seen in its log only. */
static void on_log(void *arg, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));
static void on_log(void *arg, const char *format, va_list args)
{
    static const char refused[] = "Error processing request";
    struct http *http = arg;
    http->counters.malformed += strncmp(format, refused, sizeof refused - 1) == 0;
    if (strstr(format, "Content-Length") != NULL) {
        lengths_refuse(http);
    }
    detach_logger(NULL, format, args);
}

/* ---- The daemon ---- */

int http_create(const struct http_config *config, const struct http_api *api, struct http **out,
                struct error *err)
{
    struct local_socket local = {0};
    const int fd = config->listen.path != NULL
                       ? local_listen(config->listen.path, config->socket_mode, &local, err)
                       : listen_bind(&config->listen, config->alone, err);
    if (fd < 0) {
        return STATUS_IO;
    }
    struct http *http = x_calloc(1, sizeof *http);
    http->config = *config;
    http->api = *api;
    http->listening = fd;
    http->local = local;
    http->connections = connections_create(&config->connections);
    *out = http;
    return STATUS_OK;
}

int http_start(struct http *http, struct error *err)
{
    const struct http_config *config = &http->config;
    /* This timeout is for answers of which nothing is taken; connections.h sees to all else. */
    const int64_t inactive_ms = config->stalled_ms > config->limits->idle_timeout_ms
                                    ? config->stalled_ms
                                    : config->limits->idle_timeout_ms;
    const size_t memory = config->limits->header_bytes + PARSED_BYTES;
    if (listen_begin(http->listening, &config->listen, err) != STATUS_OK) {
        return STATUS_IO;
    }
    /* Strictness is framing.h's business: libmicrohttpd would begin its own answers twice. */
    http->daemon = MHD_start_daemon(
        DETACH_MHD_FLAGS, 0, NULL, NULL, on_request, http, MHD_OPTION_EXTERNAL_LOGGER, on_log, http,
        MHD_OPTION_LISTEN_SOCKET, http->listening, MHD_OPTION_CONNECTION_TIMEOUT,
        (unsigned)(inactive_ms / 1000 + 2), MHD_OPTION_CONNECTION_MEMORY_LIMIT, memory,
        MHD_OPTION_CONNECTION_LIMIT, (unsigned)config->connections.max,
        MHD_OPTION_STRICT_FOR_CLIENT, JUDGE_MHD_IS_STRICT, MHD_OPTION_NOTIFY_CONNECTION,
        on_connection, http, MHD_OPTION_URI_LOG_CALLBACK, on_uri, http, MHD_OPTION_NOTIFY_COMPLETED,
        on_completed, http, MHD_OPTION_END);
    if (http->daemon == NULL) {
        return error_set(err, STATUS_IO, "libmicrohttpd could not be started");
    }
    http->listening = -1;
    return STATUS_OK;
}

void http_destroy(struct http **http_p)
{
    struct http *http = *http_p;
    if (http == NULL) {
        return;
    }
    if (http->daemon != NULL) {
        MHD_stop_daemon(http->daemon);
    }
    if (http->listening >= 0) {
        close(http->listening);
    }
    local_remove(&http->local);
    connections_destroy(&http->connections);
    free(http);
    *http_p = NULL;
}

int http_epoll_fd(const struct http *http)
{
    return MHD_get_daemon_info(http->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
}

void http_run(struct http *http)
{
    MHD_run(http->daemon);
}

int http_wait_ms(const struct http *http, int max_ms)
{
    MHD_UNSIGNED_LONG_LONG timeout;
    if (connections_tight(http->connections) && max_ms > RELIEVE_MS) {
        max_ms = RELIEVE_MS;
    }
    if (MHD_get_timeout(http->daemon, &timeout) == MHD_YES && timeout < (unsigned)max_ms) {
        return (int)timeout;
    }
    return max_ms;
}

void http_sweep(struct http *http)
{
    connections_sweep(http->connections, http->config.turn->now);
}

void http_relieve(struct http *http)
{
    connections_relieve(http->connections, http->config.turn->now);
}

void http_end_idle(struct http *http, int64_t idle_ms)
{
    connections_end_idle(http->connections, http->config.turn->now, idle_ms);
}

void http_configure(struct http *http, const struct connections_config *connections)
{
    connections_configure(http->connections, connections);
}

void http_stop_listening(struct http *http)
{
    const MHD_socket fd =
        http->daemon != NULL ? MHD_quiesce_daemon(http->daemon) : MHD_INVALID_SOCKET;
    local_remove(&http->local); /* So nobody else connects, and the next gateway can have it. */
    if (fd != MHD_INVALID_SOCKET) {
        listen_accept_rest(fd, http->daemon);
        /* The socket is closed at once, because the kernel resets connections that arrive before
         * the close, unless tcp_migrate_req is set. */
        close(fd);
    }
}

/* ---- What it has to tell ---- */

size_t http_connection_count(const struct http *http)
{
    return connections_count(http->connections);
}

const struct http_counters *http_counters(const struct http *http)
{
    return &http->counters;
}

const struct connections_counters *http_connection_counters(const struct http *http)
{
    return connections_counters(http->connections);
}
