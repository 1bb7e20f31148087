/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/http/server.h"

#include <assert.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/xalloc.h"
#include "common/program/log.h"
#include "gateway/http/detach.h"
#include "gateway/limits.h"

#define RELIEVE_MS 50             /* while connections are many */
#define BODY_READ_MAX (16U << 20) /* of a body that is too large, before the connection is cut */
/* Besides the request line and headers themselves: what is found in them, and the head of an
 * answer. All of a connection's memory is cleared after each request, so it is not as much as one
 * likes. */
#define PARSED_BYTES (8 * 1024)
#define BACKLOG 4096 /* connections that wait to be accepted */

/* ---- Routing ---- */

struct route {
    const char *path;
    enum MHD_Result (*answer)(struct request *request);
    bool api; /* counts against the rate limit */
    enum latency_fetch fetch;
};

static const struct route routes[] = {
    {"/api/tiles", api_tiles_list, true, FETCH_TILES},
    {"/api/tiles/stream", api_tiles_stream, true, FETCH_OTHER},
    {"/api/events", api_events_list, true, FETCH_EVENTS},
    {"/api/events/stream", api_events_stream, true, FETCH_OTHER},
    {"/api/ws", api_ws, true, FETCH_OTHER},
    {"/healthz", api_healthz, false, FETCH_OTHER},
    {"/readyz", api_readyz, false, FETCH_OTHER},
    {"/metrics", api_metrics, false, FETCH_OTHER},
};

static const char tile_prefix[] = "/api/tiles/";
static const char definition_prefix[] = "/api/definitions/";

static const struct route *find_route(const char *path)
{
    for (size_t i = 0; i < sizeof routes / sizeof *routes; i++) {
        if (strcmp(routes[i].path, path) == 0) {
            return &routes[i];
        }
    }
    return NULL;
}

/* A preflight asks what a page of another origin may do. */
static enum MHD_Result answer_options(struct request *request)
{
    static const char *const headers[] = {"Allow",
                                          "GET, HEAD, OPTIONS",
                                          "Access-Control-Allow-Methods",
                                          "GET, HEAD, OPTIONS",
                                          "Access-Control-Allow-Headers",
                                          "Last-Event-ID, If-None-Match, Cache-Control",
                                          "Access-Control-Max-Age",
                                          "600",
                                          NULL};
    return reply_body(request, MHD_HTTP_NO_CONTENT, NULL, STR(""), headers);
}

/* Within the limits of its address? If not: *result is what the handler returns. */
static bool admit(struct request *request, const struct route *route, enum MHD_Result *result)
{
    struct gateway *gateway = request->http->gateway;
    const bool api = route != NULL ? route->api : strncmp(request->path, "/api/", 5) == 0;
    unsigned retry_s = 1;
    request->admitted = true;
    request->http->counters.requests++;
    request->address = client_address(request);
    if (api && !clients_request(gateway->clients, &request->address, gateway->now, &retry_s)) {
        request->http->counters.refused_rate++;
        *result = reply_problem(request, MHD_HTTP_TOO_MANY_REQUESTS,
                                "Too many requests from this address; slow down, or open a stream "
                                "instead of polling.",
                                retry_s);
        return false;
    }
    return true;
}

static enum MHD_Result answer_get(struct request *request, const struct route *route)
{
    if (request->nul) {
        /* Decoded it would end the path or a parameter early, and mean another one. */
        return reply_problem(request, MHD_HTTP_BAD_REQUEST,
                             "Neither a path nor a parameter holds a NUL (%00).", 0);
    }
    if (route != NULL) {
        request->fetch = route->fetch;
        return route->answer(request);
    }
    if (strncmp(request->path, tile_prefix, sizeof tile_prefix - 1) == 0) {
        request->fetch = FETCH_TILE;
        const bool raw = strncmp(request->raw, tile_prefix, sizeof tile_prefix - 1) == 0;
        return api_tiles_get(request, request->path + sizeof tile_prefix - 1,
                             raw ? request->raw + sizeof tile_prefix - 1 : "");
    }
    if (strncmp(request->path, definition_prefix, sizeof definition_prefix - 1) == 0) {
        return api_definitions_get(request, request->path + sizeof definition_prefix - 1);
    }
    return asset_get(request);
}

/* Called again, with the same, for a request that has waited. */
static enum MHD_Result answer(struct request *request, const char *method)
{
    const struct route *route = find_route(request->path);
    enum MHD_Result result;
    if (!request->admitted && !admit(request, route, &result)) {
        return result;
    }
    if (request->header_too_large) {
        request->http->counters.header_too_large++;
        return reply_problem(request, MHD_HTTP_REQUEST_HEADER_FIELDS_TOO_LARGE,
                             "The headers are too large; are there many cookies?", 0);
    }
    if (request->too_large) {
        request->http->counters.too_large++;
        return reply_problem(request, MHD_HTTP_CONTENT_TOO_LARGE,
                             "The body is too large; GET needs none.", 0);
    }
    if (strcmp(method, "OPTIONS") == 0) {
        return answer_options(request);
    }
    if (!request->head && strcmp(method, "GET") != 0) {
        return reply_problem(request, MHD_HTTP_METHOD_NOT_ALLOWED,
                             "Everything here is read with GET.", 0);
    }
    return answer_get(request, route);
}

/* ---- libmicrohttpd's callbacks ---- */

static struct connection *connection_of(const struct request *request)
{
    return MHD_get_connection_info(request->connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT)
        ->socket_context;
}

void request_phase(struct request *request, enum connection_phase phase)
{
    connections_enter(request->http->connections, connection_of(request), phase,
                      request->http->gateway->now);
}

bool request_has_followers(const struct request *request)
{
    const int64_t read = detach_bytes_read(request->connection);
    return read >= 0 && (uint64_t)read != connection_of(request)->taken + request->header_bytes +
                                              request->body_bytes;
}

static void on_connection(void *arg, struct MHD_Connection *connection, void **context,
                          enum MHD_ConnectionNotificationCode code)
{
    struct http *http = arg;
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        const int fd =
            MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
        *context = connections_add(http->connections, fd, http->gateway->now);
    } else {
        struct connection *ours = *context;
        connections_remove(http->connections, &ours);
    }
}

/* Called with the request line: a key in a path may hold escapes that decoding would take away. */
static void *on_uri(void *arg, const char *uri, struct MHD_Connection *connection)
{
    struct request *request = x_calloc(1, sizeof *request);
    request->http = arg;
    request->connection = connection;
    request->raw = x_strndup(uri, strcspn(uri, "?"));
    request->nul = strstr(uri, "%00") != NULL;
    request_phase(request, CONNECTION_READING);
    return request;
}

/* Answers only: refusals would make it look faster than it is. */
static void measure(struct http *http, const struct request *request)
{
    if (request->fetch != FETCH_OTHER && request->status != 0 && request->status < 400) {
        histogram_add(&http->gateway->latency.fetches[request->fetch],
                      clock_mono().us - request->asked_at.us);
    }
}

static void on_completed(void *arg, struct MHD_Connection *connection, void **state,
                         enum MHD_RequestTerminationCode code)
{
    struct http *http = arg;
    struct request *request = *state;
    (void)connection;
    if (request != NULL) {
        assert(!request->waiter.waits);
        if (code == MHD_REQUEST_TERMINATED_COMPLETED_OK) {
            measure(http, request);
        }
        request_phase(request, CONNECTION_IDLE);
        connection_of(request)->taken += request->header_bytes + request->body_bytes;
        free(request->raw);
        free(request);
        *state = NULL;
    }
}

static const char *allowed_origin(const struct request *request)
{
    const struct config_gateway *config = &request->http->gateway->config->gateway;
    const char *origin = header(request, "Origin");
    if (origin == NULL || config->cors_any) {
        return config->cors_any ? "*" : NULL;
    }
    for (size_t i = 0; i < config->cors_origin_count; i++) {
        if (strcmp(config->cors_origins[i], origin) == 0) {
            return config->cors_origins[i];
        }
    }
    return NULL;
}

static size_t header_bytes(struct MHD_Connection *connection)
{
    return MHD_get_connection_info(connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE)
        ->header_size;
}

/* It sends without end; libmicrohttpd could not answer before the end. */
static enum MHD_Result cut(struct request *request)
{
    request->http->counters.requests++;
    request->http->counters.too_large++;
    return MHD_NO;
}

/* An answer queued on the first call would close the connection, so nothing is answered on it. */
static enum MHD_Result on_request(void *arg, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *data,
                                  size_t *data_size, void **state)
{
    (void)data;
    struct http *http = arg;
    const struct gateway_limits *limits = &http->gateway->config->gateway.limits;
    struct request *request = *state;
    if (!request->begun) {
        request->begun = true;
        request->asked_at = clock_mono();
        request->path = url;
        request->head = strcmp(method, "HEAD") == 0;
        request->origin = allowed_origin(request);
        request->http_1_0 = strcmp(version, MHD_HTTP_VERSION_1_0) == 0;
        request->header_bytes = header_bytes(connection);
        request->header_too_large = request->header_bytes > limits->header_bytes;
        return MHD_YES;
    }
    if (*data_size != 0) {
        request->body_bytes += *data_size;
        request->too_large = request->body_bytes > limits->body_bytes;
        *data_size = 0;
        return request->body_bytes > BODY_READ_MAX ? cut(request) : MHD_YES;
    }
    request->path = url;
    request_phase(request, CONNECTION_ANSWERING);
    return answer(request, method);
}

/* ---- Streams ---- */

static void set_int(int fd, int level, int option, int value)
{
    (void)setsockopt(fd, level, option, &value, sizeof value);
}

/* Small messages at once; only what is new waits in the kernel; a client that vanished is noticed.
 */
static void tune(int fd, int64_t stalled_ms)
{
    set_int(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    set_int(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, 16384);
    set_int(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, (int)stalled_ms);
    set_int(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
    set_int(fd, IPPROTO_TCP, TCP_KEEPIDLE, 30);
    set_int(fd, IPPROTO_TCP, TCP_KEEPINTVL, 10);
    set_int(fd, IPPROTO_TCP, TCP_KEEPCNT, 3);
}

static void put_head(const struct request *request, struct buf *out)
{
    buf_append_text(out, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
                         "Cache-Control: no-cache\r\nX-Accel-Buffering: no\r\n"
                         "X-Content-Type-Options: nosniff\r\nConnection: close\r\n");
    if (request->origin != NULL) {
        buf_printf(out, "Access-Control-Allow-Origin: %s\r\nVary: Origin\r\n", request->origin);
    }
    /* Not rand(): unseeded, it would spread the clients of all gateways alike. */
    buf_printf(out, "\r\nretry: %u\n\n", 1000 + arc4random_uniform(2000));
}

/* counter: of the reason. */
static enum MHD_Result refuse_stream(struct request *request, struct stream_request *stream,
                                     uint64_t *counter, unsigned status, const char *detail,
                                     unsigned retry_s)
{
    request->http->counters.refused_streams++;
    (*counter)++;
    selection_free(&stream->selection);
    return reply_problem(request, status, detail, retry_s);
}

enum MHD_Result open_stream(struct request *request, struct stream_request *stream)
{
    struct gateway *gateway = request->http->gateway;
    struct http_counters *counters = &request->http->counters;
    unsigned retry_s = 1;
    stream->address = request->address;
    if (request->head) {
        static const char *const headers[] = {"Cache-Control", "no-cache", "X-Accel-Buffering",
                                              "no", NULL};
        selection_free(&stream->selection);
        return reply_body(request, MHD_HTTP_OK, "text/event-stream", STR(""), headers);
    }
    if (!streams_has_room(gateway->streams, stream)) {
        return refuse_stream(
            request, stream, &counters->streams_no_room, MHD_HTTP_SERVICE_UNAVAILABLE,
            "This gateway has as many streams as it may; try again, or poll.", retry_later());
    }
    switch (clients_stream(gateway->clients, &stream->address, gateway->now, &retry_s)) {
    case STREAM_ADMITTED:
        break;
    case STREAM_TOO_MANY:
        return refuse_stream(request, stream, &counters->streams_too_many,
                             MHD_HTTP_TOO_MANY_REQUESTS,
                             "This address has as many streams as it may; close some, or share "
                             "one between pages.",
                             retry_later());
    case STREAM_TOO_FAST:
        return refuse_stream(
            request, stream, &counters->streams_too_fast, MHD_HTTP_TOO_MANY_REQUESTS,
            "This address opens streams too fast; wait before trying again.", retry_s);
    }
    const int fd = detach_socket(request->connection);
    if (fd < 0) {
        clients_stream_closed(gateway->clients, &stream->address);
        return refuse_stream(
            request, stream, &counters->streams_no_room, MHD_HTTP_SERVICE_UNAVAILABLE,
            "This gateway is out of descriptors; try again, or poll.", retry_later());
    }
    struct buf head = {0};
    tune(fd, gateway->config->gateway.stalled_ms);
    if (stream->kind == CHANNEL_WS_IDLE) {
        put_ws_head(request, &head);
    } else {
        put_head(request, &head);
    }
    if (streams_attach(gateway->streams, fd, stream, buf_str(&head), gateway->now) == STATUS_FULL) {
        clients_stream_closed(gateway->clients, &stream->address);
    }
    buf_free(&head);
    return MHD_NO; /* MHD lets go of the connection; the duplicate lives on */
}

/* ---- The daemon ---- */

static int bind_to(const struct listen_address *address, struct error *err)
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
    set_int(fd, SOL_SOCKET, SO_REUSEPORT, 1);
    if (ipv6) {
        set_int(fd, IPPROTO_IPV6, IPV6_V6ONLY, !address->any);
    }
    const struct sockaddr *name =
        ipv6 ? (const struct sockaddr *)&six : (const struct sockaddr *)&four;
    if (bind(fd, name, ipv6 ? sizeof six : sizeof four) != 0) {
        error_set(err, STATUS_IO, "cannot listen on %s: %s%s", address->text, strerror(errno),
                  errno == EADDRINUSE ? "; another program (no gateway) uses it: stop that, or "
                                        "choose another with --listen"
                                      : "");
        close(fd);
        return -1;
    }
    return fd;
}

int http_create(struct gateway *gateway, struct http **out, struct error *err)
{
    const int fd = bind_to(&gateway->listen, err);
    if (fd < 0) {
        return STATUS_IO;
    }
    struct http *http = x_calloc(1, sizeof *http);
    http->gateway = gateway;
    http->listening = fd;
    const struct connections_config connections = gateway_connections(gateway);
    http->connections = connections_create(&connections);
    *out = http;
    return STATUS_OK;
}

int http_start(struct http *http, struct error *err)
{
    const struct gateway_limits *limits = &http->gateway->config->gateway.limits;
    const int64_t stalled_ms = http->gateway->config->gateway.stalled_ms;
    /* Only for answers of which nothing is taken: connections.h has an eye on the rest. */
    const int64_t inactive_ms =
        stalled_ms > limits->idle_timeout_ms ? stalled_ms : limits->idle_timeout_ms;
    const size_t memory = limits->header_bytes + PARSED_BYTES;
    if (listen(http->listening, BACKLOG) != 0) {
        return error_set(err, STATUS_IO, "cannot listen on %s: %s", http->gateway->listen.text,
                         strerror(errno));
    }
    http->daemon = MHD_start_daemon(
        DETACH_MHD_FLAGS, 0, NULL, NULL, on_request, http, MHD_OPTION_EXTERNAL_LOGGER,
        detach_logger, NULL, MHD_OPTION_LISTEN_SOCKET, http->listening,
        MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)(inactive_ms / 1000 + 2),
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, memory, MHD_OPTION_CONNECTION_LIMIT,
        (unsigned)http->gateway->descriptors.connections, MHD_OPTION_STRICT_FOR_CLIENT, 1,
        MHD_OPTION_NOTIFY_CONNECTION, on_connection, http, MHD_OPTION_URI_LOG_CALLBACK, on_uri,
        http, MHD_OPTION_NOTIFY_COMPLETED, on_completed, http, MHD_OPTION_END);
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
        (void)waiting_drain(http->gateway->waiting, SIZE_MAX);
        MHD_stop_daemon(http->daemon);
    }
    if (http->listening >= 0) {
        close(http->listening);
    }
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
    connections_sweep(http->connections, http->gateway->now);
}

/* Connections that the kernel has made but nobody has accepted yet: closing the socket would reset
 * them. */
static void accept_rest(struct http *http, int listening)
{
    struct sockaddr_storage name;
    for (;;) {
        socklen_t len = sizeof name;
        const int fd =
            accept4(listening, (struct sockaddr *)&name, &len, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd >= 0) {
            (void)MHD_add_connection(http->daemon, fd, (struct sockaddr *)&name, len);
        } else if (errno != EINTR && errno != ECONNABORTED) {
            return;
        }
    }
}

void http_stop_listening(struct http *http)
{
    const MHD_socket fd =
        http->daemon != NULL ? MHD_quiesce_daemon(http->daemon) : MHD_INVALID_SOCKET;
    if (fd != MHD_INVALID_SOCKET) {
        accept_rest(http, fd);
        close(fd); /* at once: what comes in between is reset, but for tcp_migrate_req */
    }
}
