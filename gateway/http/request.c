/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/http/request.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include <netinet/in.h>

#include <utlist.h>

#include "common/base/buf.h"
#include "common/base/xalloc.h"
#include "gateway/http/detach.h"
#include "gateway/http/encoding.h"
#include "gateway/http/forwarded.h"
#include "gateway/http/http_state.h"
#include "gateway/http/judge.h"

/* ---- From its first line to its end ---- */

static struct connection *connection_of(const struct request *request)
{
    return MHD_get_connection_info(request->connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT)
        ->socket_context;
}

void request_enter_phase(struct request *request, enum connection_phase phase)
{
    connections_enter(request->http->connections, connection_of(request), phase,
                      request->http->config.turn->now);
}

/* The path of a target, which may be a whole URI: "http://host/path" (RFC 9112, 3.2.2). */
static const char *behind_host(const char *target)
{
    struct str host;
    const char *path = target + host_of_target(target, &host);
    return path != target && path[0] == '\0' ? "/" : path;
}

/* The path behind the base path, if it begins with that; "" for the base path itself. */
static const char *behind_base(const struct request *request, const char *path)
{
    const char *base = request->http->config.base_path;
    const size_t len = base != NULL ? strlen(base) : 0;
    const bool begins = len != 0 && strncmp(path, base, len) == 0;
    return begins && (path[len] == '/' || path[len] == '\0') ? path + len : path;
}

struct request *request_create(struct http *http, struct MHD_Connection *connection,
                               const char *uri)
{
    struct request *request = x_calloc(1, sizeof *request);
    request->http = http;
    request->connection = connection;
    request->target = framing_target(uri);
    request->raw = x_strndup(uri, strcspn(uri, "?"));
    request->raw_path = behind_base(request, behind_host(request->raw));
    request->nul = strstr(uri, "%00") != NULL;
    DL_PREPEND(http->arriving, request);
    request_enter_phase(request, CONNECTION_READING);
    return request;
}

static const char *allowed_origin(const struct request *request)
{
    const struct http_config *config = &request->http->config;
    const char *origin = request_header(request, "Origin");
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

struct lines {
    const char *name;
    void (*each)(void *arg, const char *value);
    void *arg;
};

static enum MHD_Result take_line(void *arg, enum MHD_ValueKind kind, const char *name,
                                 const char *value)
{
    (void)kind;
    const struct lines *lines = arg;
    if (value != NULL && strcasecmp(name, lines->name) == 0) {
        lines->each(lines->arg, value);
    }
    return MHD_YES;
}

/* A list may be spread over several lines of the same name; proxies add lines of their own. */
void request_each_header(const struct request *request, const char *name,
                         void (*each)(void *arg, const char *value), void *arg)
{
    struct lines lines = {name, each, arg};
    MHD_get_connection_values(request->connection, MHD_HEADER_KIND, take_line, &lines);
}

struct host_lines {
    const char *first; /* NULL: there is none */
    bool more;
};

static void take_host(void *arg, const char *value)
{
    struct host_lines *lines = arg;
    lines->more = lines->first != NULL;
    lines->first = lines->first != NULL ? lines->first : value;
}

static const struct framing_fault bad_host = {
    MHD_HTTP_BAD_REQUEST, "A request names one host: a name or an address, and maybe a port."};

/* What a target names counts, whatever Host says; both have to be well-formed: NULL then. A request
 * without any comes from no browser, but from a health check in HTTP/1.0, say. */
static const struct framing_fault *read_host(struct request *request)
{
    struct host_lines lines = {0};
    request_each_header(request, "Host", take_host, &lines);
    request->host = str_trim(str_of(lines.first));
    bool good = !lines.more && host_valid(request->host);
    if (host_of_target(request->raw, &request->host) != 0) {
        /* Escapes would make the decoded target another one. */
        good = good && request->host.len != 0 && host_valid(request->host) &&
               memchr(request->host.p, '%', request->host.len) == NULL;
    }
    request->host_foreign =
        request->host.p != NULL && !hosts_have(&request->http->config.hosts, request->host);
    return good ? NULL : &bad_host;
}

void request_set_path(struct request *request, const char *target)
{
    request->path = behind_base(request, behind_host(target));
}

const struct framing_fault *request_begin(struct request *request, const char *target,
                                          const char *method, const char *version)
{
    request->begun = true;
    DL_DELETE(request->http->arriving, request);
    request->asked_at = clock_mono();
    request_set_path(request, target);
    const struct framing_fault *host_fault = read_host(request);
    request->head = strcmp(method, "HEAD") == 0;
    request->origin = allowed_origin(request);
    request->http_1_0 = strcmp(version, MHD_HTTP_VERSION_1_0) == 0;
    request->header_bytes =
        MHD_get_connection_info(request->connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE)
            ->header_size;
    request->header_too_large = request->header_bytes > request->http->config.limits->header_bytes;
    bool chunked;
    const struct framing_fault *fault =
        judge_framing(request->connection, request->target, method, version, &chunked);
    fault = fault != NULL ? fault : host_fault;
    /* What is lenient about chunks shows no more: nothing that stands behind them is a request. */
    request->last = chunked || fault != NULL;
    return fault;
}

void request_destroy(struct request **request_p)
{
    struct request *request = *request_p;
    assert(!request->waiting.waits);
    request_enter_phase(request, CONNECTION_IDLE);
    connection_of(request)->taken += request->header_bytes + request->body_bytes;
    request->http->answering_bytes -= request->answer_bytes;
    if (!request->begun) {
        DL_DELETE(request->http->arriving, request);
    }
    request->http->bodies_bytes -= request->body.len;
    buf_free(&request->body);
    if (request->kept != NULL) {
        request->free_kept(request->kept);
    }
    free(request->raw);
    free(request->problem);
    view_release(&request->view);
    identity_release(&request->identity);
    free(request);
    *request_p = NULL;
}

void request_cut(struct request *request, const struct framing_fault *fault)
{
    struct buf body = {0};
    struct buf answer = {0};
    const char *title = MHD_get_reason_phrase_for(fault->status);
    buf_printf(&body,
               "{\"type\":\"about:blank\",\"title\":\"%s\",\"status\":%u,\"detail\":\"%s\"}\n",
               title, fault->status, fault->detail);
    buf_printf(&answer,
               "HTTP/1.1 %u %s\r\nContent-Type: application/problem+json\r\n"
               "Connection: close\r\nContent-Length: %zu\r\n\r\n%s",
               fault->status, title, body.len, buf_str(&body).p);
    connections_refuse(request->http->connections, connection_of(request), buf_str(&answer));
    buf_free(&answer);
    buf_free(&body);
}

void request_set_view(struct request *request, const struct view *view)
{
    const struct view *before = request->view;
    request->view = view_retain(view); /* which may be the same, and have no other owner */
    view_release(&before);
}

void request_set_identity(struct request *request, struct identity *identity)
{
    struct identity *before = request->identity;
    request->identity = identity != NULL ? identity_retain(identity) : NULL;
    identity_release(&before); /* which may be the same, and have no other owner */
}

void request_suspend(struct request *request)
{
    request_enter_phase(request, CONNECTION_WAITING);
    MHD_suspend_connection(request->connection);
}

void request_resume(struct request *request)
{
    request->resumed = true;
    request->asked_at = clock_mono();
    MHD_resume_connection(request->connection);
}

int request_socket(const struct request *request)
{
    return MHD_get_connection_info(request->connection, MHD_CONNECTION_INFO_CONNECTION_FD)
        ->connect_fd;
}

bool request_has_followers(const struct request *request)
{
    const int64_t read = detach_bytes_read(request->connection);
    return read >= 0 && (uint64_t)read != connection_of(request)->taken + request->header_bytes +
                                              request->body_bytes;
}

/* ---- Parameters and headers ---- */

const char *request_parameter(const struct request *request, const char *name)
{
    return MHD_lookup_connection_value(request->connection, MHD_GET_ARGUMENT_KIND, name);
}

const char *request_header(const struct request *request, const char *name)
{
    return MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, name);
}

struct tag_search {
    const char *opaque; /* The tag without W/, with its quotes. */
    bool found;
};

/* True when the rest of a tag, behind what ours has between its quotes, is what a proxy appends
 * that compresses answers: Apache's mod_deflate makes "TAG-gzip" of "TAG", and hands clients' tags
 * on as they are. */
static bool is_coding(const char *rest, size_t len)
{
    static const char *const codings[] = {"-gzip", "-deflate", "-br", "-zstd", ";gzip"};
    for (size_t i = 0; i < sizeof codings / sizeof *codings; i++) {
        if (strlen(codings[i]) == len && memcmp(rest, codings[i], len) == 0) {
            return true;
        }
    }
    return len == 0;
}

/* Weak comparison (RFC 9110, 8.8.3.2): W/ does not count. */
static void search_tag(void *arg, const char *list)
{
    struct tag_search *search = arg;
    const size_t len = strlen(search->opaque) - 1; /* without the quote at its end */
    list += strspn(list, " \t");
    search->found = search->found || (list[0] == '*' && list[1 + strspn(list + 1, " \t")] == '\0');
    for (const char *p = list; !search->found && (p = strchr(p, '"')) != NULL;) {
        const char *close = strchr(p + 1, '"');
        if (close == NULL) {
            return;
        }
        const size_t given = (size_t)(close - p);
        search->found =
            given >= len && memcmp(p, search->opaque, len) == 0 && is_coding(p + len, given - len);
        p = close + 1;
    }
}

bool request_etag_matches(const struct request *request, const char *etag)
{
    struct tag_search search = {.opaque = strncmp(etag, "W/", 2) == 0 ? etag + 2 : etag};
    request_each_header(request, "If-None-Match", search_tag, &search);
    return search.found;
}

static void take_accepted(void *arg, const char *value)
{
    encoding_take_line(arg, str_of(value));
}

bool request_accepts_gzip(const struct request *request)
{
    struct encoding_weights weights = ENCODING_NOTHING;
    request_each_header(request, "Accept-Encoding", take_accepted, &weights);
    return encoding_wants_gzip(&weights);
}

/* ---- Whose it is ---- */

static struct ip peer_address(const struct request *request)
{
    struct ip ip = {.bytes = {[10] = 0xff, [11] = 0xff}};
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(request->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    if (info != NULL && info->client_addr->sa_family == AF_UNIX) {
        ip = forwarded_socket;
    } else if (info != NULL && info->client_addr->sa_family == AF_INET6) {
        const struct sockaddr_in6 *six = (const void *)info->client_addr;
        memcpy(ip.bytes, &six->sin6_addr, 16);
    } else if (info != NULL) {
        const struct sockaddr_in *four = (const void *)info->client_addr;
        memcpy(ip.bytes + 12, &four->sin_addr, 4);
    }
    return ip;
}

bool request_of_proxy(const struct request *request)
{
    const struct ip peer = peer_address(request);
    return forwarded_trusts(request->http->config.proxies, &peer);
}

static void join_line(void *arg, const char *value)
{
    struct buf *text = arg;
    buf_append_text(text, text->len != 0 ? "," : "");
    buf_append_text(text, value);
}

struct ip request_client_address(const struct request *request)
{
    const struct forwarded_proxies proxies = request->http->config.proxies;
    const struct ip peer = peer_address(request);
    if (!forwarded_trusts(proxies, &peer)) {
        return peer;
    }
    struct buf x_forwarded_for = {0};
    struct buf forwarded = {0};
    request_each_header(request, "X-Forwarded-For", join_line, &x_forwarded_for);
    request_each_header(request, "Forwarded", join_line, &forwarded);
    const struct ip ip =
        forwarded_client(peer, buf_str(&x_forwarded_for), buf_str(&forwarded), proxies);
    buf_free(&x_forwarded_for);
    buf_free(&forwarded);
    return ip;
}

void *request_api(const struct request *request)
{
    return request->http->api.arg;
}
