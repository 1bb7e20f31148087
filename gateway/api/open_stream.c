/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/api/open_stream.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "gateway/api/api.h"
#include "gateway/api/who.h"
#include "gateway/http/detach.h"
#include "gateway/http/reply.h"

/* A proxy that compresses would hold events back until it has enough of them; most leave alone what
 * is not to be transformed. */
#define STREAM_CACHING "no-cache, no-transform"

static void set_int(int fd, int level, int option, int value)
{
    (void)setsockopt(fd, level, option, &value, sizeof value);
}

/* The same for a socket that is a file, of which the kernel knows no less. */
#define LOCAL_BUFFER_BYTES 32768

/* Small messages leave at once; the kernel keeps little that is not sent, so that what waits is
 * new; and a client that vanished is noticed. */
static void tune(int fd, int64_t stalled_ms)
{
    int domain = 0;
    socklen_t len = sizeof domain;
    if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) == 0 && domain == AF_UNIX) {
        set_int(fd, SOL_SOCKET, SO_SNDBUF, LOCAL_BUFFER_BYTES);
        return;
    }
    set_int(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    set_int(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, 16384);
    set_int(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, (int)stalled_ms);
    set_int(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
    set_int(fd, IPPROTO_TCP, TCP_KEEPIDLE, 30);
    set_int(fd, IPPROTO_TCP, TCP_KEEPINTVL, 10);
    set_int(fd, IPPROTO_TCP, TCP_KEEPCNT, 3);
}

static void put_header(void *out, const char *name, const char *value)
{
    buf_printf(out, "%s: %s\r\n", name, value);
}

/* True when what is sent depends on which coding the client accepts. */
static bool varies(const struct request *request)
{
    return api_of(request)->config->gateway.compress_streams;
}

static void put_sse_head(const struct request *request, const struct stream_request *stream,
                         struct buf *out)
{
    char cache[REPLY_CACHE_SIZE];
    buf_append_text(out, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
                         "X-Accel-Buffering: no\r\nX-Content-Type-Options: nosniff\r\n"
                         "Connection: close\r\n");
    put_header(out, "Date", reply_date(request));
    put_header(out, "Cache-Control", reply_cache_control(request, STREAM_CACHING, cache));
    reply_each_common(request, put_header, out);
    if (varies(request)) {
        put_header(out, "Vary", "Accept-Encoding");
    }
    if (stream->coding != CODING_NONE) {
        put_header(out, "Transfer-Encoding", "chunked");
    }
    if (stream->coding == CODING_GZIP) {
        put_header(out, "Content-Encoding", "gzip");
    }
    buf_append_text(out, "\r\n");
}

/* counter: of those refused for the same reason. */
static enum MHD_Result refuse_stream(struct request *request, struct stream_request *stream,
                                     uint64_t *counter, unsigned status, const char *detail,
                                     unsigned retry_s)
{
    api_of(request)->counters.refused_streams++;
    (*counter)++;
    selection_free(&stream->selection);
    return reply_problem(request, status, detail, retry_s);
}

/* What HEAD is answered: all that the head of a stream says but how its body is cut. */
static enum MHD_Result reply_head(struct request *request, struct stream_request *stream)
{
    const char *headers[9] = {"Cache-Control", STREAM_CACHING, "X-Accel-Buffering", "no"};
    size_t count = 4;
    if (varies(request)) {
        headers[count++] = "Vary";
        headers[count++] = "Accept-Encoding";
    }
    if (stream->coding == CODING_GZIP) {
        headers[count++] = "Content-Encoding";
        headers[count++] = "gzip";
    }
    selection_free(&stream->selection);
    return reply_endless(request, MHD_HTTP_OK, "text/event-stream", headers);
}

enum MHD_Result open_stream(struct request *request, struct stream_request *stream,
                            void (*put_head)(const struct request *request,
                                             const struct stream_request *stream, struct buf *out))
{
    struct api *api = api_of(request);
    struct api_counters *counters = &api->counters;
    unsigned retry_s = 1;
    stream->address = request->client;
    stream->view = request->view;
    stream->expires = who_ends(request);
    if (request->head) {
        return reply_head(request, stream);
    }
    switch (streams_room(api->streams, stream)) {
    case STREAMS_ROOM:
        break;
    case STREAMS_FULL:
        return refuse_stream(
            request, stream, &counters->streams_no_room, MHD_HTTP_SERVICE_UNAVAILABLE,
            "This gateway has as many streams as it may; try again, or poll.", reply_retry_s());
    case STREAMS_SHARE_USED:
        return refuse_stream(
            request, stream, &counters->streams_share, MHD_HTTP_TOO_MANY_REQUESTS,
            "This address has its share of the different selections that this gateway may have "
            "(`limits.channels`); select what other streams select, or everything.",
            reply_retry_s());
    }
    switch (clients_stream(api->clients, &stream->address, api->turn->now, &retry_s)) {
    case CLIENTS_ADMITTED:
        break;
    case CLIENTS_TOO_MANY:
        return refuse_stream(request, stream, &counters->streams_too_many,
                             MHD_HTTP_TOO_MANY_REQUESTS,
                             "This address has as many streams as it may; close some, or share "
                             "one between pages.",
                             reply_retry_s());
    case CLIENTS_TOO_FAST:
        return refuse_stream(
            request, stream, &counters->streams_too_fast, MHD_HTTP_TOO_MANY_REQUESTS,
            "This address opens streams too fast; wait before trying again.", retry_s);
    }
    const int fd = detach_socket(request->connection);
    if (fd < 0) {
        clients_stream_closed(api->clients, &stream->address);
        return refuse_stream(
            request, stream, &counters->streams_no_room, MHD_HTTP_SERVICE_UNAVAILABLE,
            "This gateway is out of descriptors; try again, or poll.", reply_retry_s());
    }
    struct buf head = {0};
    tune(fd, api->config->gateway.stalled_ms);
    put_head(request, stream, &head);
    if (streams_attach(api->streams, fd, stream, buf_str(&head), api->turn->now) == STATUS_FULL) {
        clients_stream_closed(api->clients, &stream->address);
    }
    buf_free(&head);
    return MHD_NO; /* libmicrohttpd lets go of the connection; the duplicate lives on */
}

/* HTTP/1.0 knows no chunks, and what such a client is sent ends with its connection. */
static enum coding coding_for(const struct request *request)
{
    if (request->http_1_0) {
        return CODING_NONE;
    }
    return varies(request) && request_accepts_gzip(request) ? CODING_GZIP : CODING_CHUNKED;
}

enum MHD_Result open_stream_sse(struct request *request, struct stream_request *stream)
{
    /* The first event ends the block: many libraries take one that has no data for an event without
     * any. rand() would not do: unseeded, it spreads the clients of all gateways alike. */
    char retry[32];
    const int len = snprintf(retry, sizeof retry, "retry: %u\n", 1000 + arc4random_uniform(2000));
    stream->coding = coding_for(request);
    stream->preface = (struct str){retry, (size_t)len};
    return open_stream(request, stream, put_sse_head);
}
