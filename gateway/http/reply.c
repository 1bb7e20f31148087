/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>

#include <netinet/in.h>

#include "common/codec/json.h"
#include "gateway/http/encoding.h"
#include "gateway/http/forwarded.h"
#include "gateway/http/server.h"

const char *parameter(const struct request *request, const char *name)
{
    return MHD_lookup_connection_value(request->connection, MHD_GET_ARGUMENT_KIND, name);
}

const char *header(const struct request *request, const char *name)
{
    return MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, name);
}

enum MHD_Result reply(struct request *request, unsigned status, struct MHD_Response *response)
{
    struct http_counters *counters = &request->http->counters;
    request->status = status;
    counters->not_modified += status == MHD_HTTP_NOT_MODIFIED;
    counters->client_errors += status >= 400 && status < 500;
    return MHD_queue_response(request->connection, status, response);
}

static const char *date_now(struct http *http)
{
    if (http->gateway->now.us >= http->date_until.us) {
        const wall_time wall = clock_wall();
        const time_t seconds = (time_t)(wall.us / US_PER_S);
        struct tm utc;
        gmtime_r(&seconds, &utc);
        strftime(http->date, sizeof http->date, "%a, %d %b %Y %H:%M:%S GMT", &utc);
        http->date_until = mono_add_us(http->gateway->now, US_PER_S - wall.us % US_PER_S);
    }
    return http->date;
}

enum MHD_Result reply_dated(struct request *request, unsigned status, struct MHD_Response *response)
{
    const char *date = date_now(request->http);
    const char *before = MHD_get_response_header(response, "Date");
    if (before == NULL || strcmp(before, date) != 0) {
        if (before != NULL) {
            char old[DATE_TEXT_SIZE];
            snprintf(old, sizeof old, "%s", before);
            MHD_del_response_header(response, "Date", old);
        }
        MHD_add_response_header(response, "Date", date);
    }
    return reply(request, status, response);
}

/* MHD copies what it must, and changes nothing. */
static void *unconst(const char *bytes)
{
    union {
        const char *in;
        void *out;
    } cast = {.in = bytes};
    return cast.out;
}

/* Takes the response over. */
static enum MHD_Result reply_made(struct request *request, unsigned status, const char *type,
                                  struct MHD_Response *response, const char *const *headers)
{
    if (type != NULL) {
        MHD_add_response_header(response, "Content-Type", type);
    }
    MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
    if (request->origin != NULL) {
        MHD_add_response_header(response, "Access-Control-Allow-Origin", request->origin);
        MHD_add_response_header(response, "Access-Control-Expose-Headers",
                                "ETag, Retry-After, Preference-Applied");
    }
    if (request->http->gateway->config->gateway.cors_origin_count != 0) {
        MHD_add_response_header(response, "Vary", "Origin"); /* also when this one is not named */
    }
    if (request->http->gateway->draining) {
        MHD_add_response_header(response, "Connection", "close"); /* the next gateway answers */
    }
    for (size_t i = 0; headers != NULL && headers[i] != NULL; i += 2) {
        MHD_add_response_header(response, headers[i], headers[i + 1]);
    }
    const enum MHD_Result result = reply(request, status, response);
    MHD_destroy_response(response);
    return result;
}

enum MHD_Result reply_body(struct request *request, unsigned status, const char *type,
                           struct str body, const char *const *headers)
{
    struct MHD_Response *response =
        MHD_create_response_from_buffer(body.len, unconst(body.p), MHD_RESPMEM_MUST_COPY);
    return reply_made(request, status, type, response, headers);
}

static void free_blob(void *arg)
{
    struct blob *blob = arg;
    blob_unref(&blob);
}

enum MHD_Result reply_blob(struct request *request, unsigned status, const char *type,
                           struct blob *body, const char *const *headers)
{
    struct MHD_Response *response = MHD_create_response_from_buffer_with_free_callback_cls(
        body->len, body->data, free_blob, blob_ref(body));
    return reply_made(request, status, type, response, headers);
}

enum MHD_Result reply_problem(struct request *request, unsigned status, const char *detail,
                              unsigned retry_s)
{
    static const char *const none[] = {NULL};
    return reply_problem_with(request, status, detail, retry_s, none);
}

enum MHD_Result reply_problem_with(struct request *request, unsigned status, const char *detail,
                                   unsigned retry_s, const char *const *more)
{
    char retry[16];
    const char *headers[7 + 2 * PROBLEM_HEADERS] = {"Cache-Control", "no-store"};
    size_t count = 2;
    if (retry_s != 0) {
        snprintf(retry, sizeof retry, "%u", retry_s);
        headers[count++] = "Retry-After";
        headers[count++] = retry;
    }
    if (status == MHD_HTTP_METHOD_NOT_ALLOWED) {
        headers[count++] = "Allow";
        headers[count++] = "GET, HEAD, OPTIONS";
    }
    for (; *more != NULL; more++) {
        headers[count++] = *more;
    }
    headers[count] = NULL;
    struct buf body = {0};
    buf_append_text(&body, "{\"type\":\"about:blank\",\"title\":");
    json_write_string(&body, str_of(MHD_get_reason_phrase_for(status)));
    buf_printf(&body, ",\"status\":%u,\"detail\":", status);
    /* Reasons from elsewhere are parts of a sentence: "deltas were missed". */
    struct buf sentence = {0};
    buf_append_text(&sentence, detail);
    if (detail[0] != '\0' && strchr(".?", detail[strlen(detail) - 1]) == NULL) {
        sentence.data[0] = (char)toupper((unsigned char)sentence.data[0]);
        buf_append_char(&sentence, '.');
    }
    json_write_string(&body, buf_str(&sentence));
    buf_free(&sentence);
    buf_append_text(&body, "}\n");
    const enum MHD_Result result =
        reply_body(request, status, "application/problem+json", buf_str(&body), headers);
    buf_free(&body);
    return result;
}

unsigned retry_later(void)
{
    return 3 + arc4random_uniform(6);
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
static void each_line(const struct request *request, const char *name,
                      void (*each)(void *arg, const char *value), void *arg)
{
    struct lines lines = {name, each, arg};
    MHD_get_connection_values(request->connection, MHD_HEADER_KIND, take_line, &lines);
}

struct tag_search {
    const char *opaque; /* with quotes */
    bool found;
};

/* Weak comparison (RFC 9110, 8.8.3.2): W/ does not count. */
static void search_tag(void *arg, const char *list)
{
    struct tag_search *search = arg;
    const size_t len = strlen(search->opaque);
    list += strspn(list, " \t");
    search->found = search->found || (list[0] == '*' && list[1 + strspn(list + 1, " \t")] == '\0');
    for (const char *p = list; !search->found && (p = strchr(p, '"')) != NULL;) {
        const char *close = strchr(p + 1, '"');
        if (close == NULL) {
            return;
        }
        search->found = (size_t)(close - p) + 1 == len && memcmp(p, search->opaque, len) == 0;
        p = close + 1;
    }
}

bool etag_matches(struct request *request, const char *etag)
{
    struct tag_search search = {.opaque = strncmp(etag, "W/", 2) == 0 ? etag + 2 : etag};
    each_line(request, "If-None-Match", search_tag, &search);
    return search.found;
}

static void take_accepted(void *arg, const char *value)
{
    accepted_line(arg, str_of(value));
}

bool accepts_gzip(const struct request *request)
{
    struct accepted accepted = ACCEPTED_NOTHING;
    each_line(request, "Accept-Encoding", take_accepted, &accepted);
    return accepted_gzip(&accepted);
}

static struct ip peer_address(const struct request *request)
{
    struct ip ip = {.bytes = {[10] = 0xff, [11] = 0xff}};
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(request->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    if (info != NULL && info->client_addr->sa_family == AF_INET6) {
        const struct sockaddr_in6 *six = (const void *)info->client_addr;
        memcpy(ip.bytes, &six->sin6_addr, 16);
    } else if (info != NULL) {
        const struct sockaddr_in *four = (const void *)info->client_addr;
        memcpy(ip.bytes + 12, &four->sin_addr, 4);
    }
    return ip;
}

static void join_line(void *arg, const char *value)
{
    struct buf *text = arg;
    buf_append_text(text, text->len != 0 ? "," : "");
    buf_append_text(text, value);
}

struct ip client_address(const struct request *request)
{
    const struct config_gateway *config = &request->http->gateway->config->gateway;
    const struct ip peer = peer_address(request);
    if (config->trusted_proxy_count == 0) {
        return peer;
    }
    struct buf x_forwarded_for = {0};
    struct buf forwarded = {0};
    each_line(request, "X-Forwarded-For", join_line, &x_forwarded_for);
    each_line(request, "Forwarded", join_line, &forwarded);
    const struct ip ip =
        forwarded_client(peer, buf_str(&x_forwarded_for), buf_str(&forwarded),
                         (struct ip_ranges){config->trusted_proxies, config->trusted_proxy_count});
    buf_free(&x_forwarded_for);
    buf_free(&forwarded);
    return ip;
}
