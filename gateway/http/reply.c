/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/http/reply.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/base/buf.h"
#include "common/base/xalloc.h"
#include "common/codec/json.h"
#include "gateway/http/http_state.h"

/* Answers of up to so many bytes are given in any case, problems among them. */
#define ALWAYS_BYTES 4096

/* True when the answer is so large that the clients have to take some of the others first. */
static bool is_too_much(const struct request *request, size_t bytes)
{
    const struct http *http = request->http;
    return bytes > ALWAYS_BYTES &&
           http->answering_bytes + bytes > http->config.limits->answers_bytes;
}

static enum MHD_Result refuse(struct request *request)
{
    request->http->counters.no_memory++;
    return reply_problem(request, MHD_HTTP_SERVICE_UNAVAILABLE,
                         "The answers that others have not taken yet are all that this gateway has "
                         "room for; ask again, or for less.",
                         reply_retry_s());
}

/* Queues and counts the response, which stays the caller's. */
static enum MHD_Result queue(struct request *request, unsigned status,
                             struct MHD_Response *response, size_t bytes)
{
    request->answer_bytes = bytes;
    request->http->answering_bytes += bytes;
    struct http_counters *counters = &request->http->counters;
    request->status = status;
    counters->not_modified += status == MHD_HTTP_NOT_MODIFIED;
    counters->client_errors += status >= 400 && status < 500;
    return MHD_queue_response(request->connection, status, response);
}

static const char *date_now(struct http *http)
{
    const mono_time now = http->config.turn->now;
    if (now.us >= http->date_until.us) {
        const wall_time wall = clock_wall();
        const time_t seconds = (time_t)(wall.us / US_PER_S);
        struct tm utc;
        gmtime_r(&seconds, &utc);
        strftime(http->date, sizeof http->date, "%a, %d %b %Y %H:%M:%S GMT", &utc);
        http->date_until = mono_add_us(now, US_PER_S - wall.us % US_PER_S);
    }
    return http->date;
}

enum MHD_Result reply_dated(struct request *request, unsigned status, struct MHD_Response *response,
                            size_t bytes)
{
    if (is_too_much(request, bytes)) {
        return refuse(request);
    }
    const char *date = date_now(request->http);
    const char *before = MHD_get_response_header(response, "Date");
    if (before == NULL || strcmp(before, date) != 0) {
        if (before != NULL) {
            char old[HTTP_DATE_SIZE];
            snprintf(old, sizeof old, "%s", before);
            MHD_del_response_header(response, "Date", old);
        }
        MHD_add_response_header(response, "Date", date);
    }
    return queue(request, status, response, bytes);
}

/* Libmicrohttpd asks for writable bytes, and changes none. */
static void *unconst(const char *bytes)
{
    union {
        const char *in;
        void *out;
    } cast = {.in = bytes};
    return cast.out;
}

void reply_each_common(const struct request *request,
                       void (*put)(void *arg, const char *name, const char *value), void *arg)
{
    if (request->origin != NULL) {
        put(arg, "Access-Control-Allow-Origin", request->origin);
        put(arg, "Access-Control-Expose-Headers", "ETag, Retry-After, Preference-Applied");
    }
    if (request->origin != NULL && request->vary != NULL && strcmp(request->origin, "*") != 0) {
        put(arg, "Access-Control-Allow-Credentials", "true");
    }
    if (request->http->config.cors_origin_count != 0) {
        put(arg, "Vary", "Origin"); /* An answer to a request without Origin varies as well. */
    }
    if (request->vary != NULL) {
        put(arg, "Vary", request->vary);
    }
}

const char *reply_cache_control(const struct request *request, const char *value,
                                char out[REPLY_CACHE_SIZE])
{
    if (request->vary == NULL || strcmp(value, "no-store") == 0) {
        return value;
    }
    snprintf(out, REPLY_CACHE_SIZE, "private, %s", value);
    return out;
}

bool reply_is_last(const struct request *request)
{
    return request->last || request->http->config.turn->draining;
}

static void put_header(void *response, const char *name, const char *value)
{
    MHD_add_response_header(response, name, value);
}

/* Queues the response, which it takes over, with the headers that every answer has. */
static enum MHD_Result reply_made(struct request *request, unsigned status, const char *type,
                                  struct MHD_Response *response, size_t bytes,
                                  const char *const *headers)
{
    if (type != NULL) {
        MHD_add_response_header(response, "Content-Type", type);
    }
    MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
    reply_each_common(request, put_header, response);
    if (reply_is_last(request)) {
        MHD_add_response_header(response, "Connection", "close");
    }
    for (size_t i = 0; headers != NULL && headers[i] != NULL; i += 2) {
        char cache[REPLY_CACHE_SIZE];
        const bool caching = strcmp(headers[i], "Cache-Control") == 0;
        const char *value = headers[i + 1];
        MHD_add_response_header(response, headers[i],
                                caching ? reply_cache_control(request, value, cache) : value);
    }
    const enum MHD_Result result = queue(request, status, response, bytes);
    MHD_destroy_response(response);
    return result;
}

enum MHD_Result reply_body(struct request *request, unsigned status, const char *type,
                           struct str body, const char *const *headers)
{
    if (is_too_much(request, body.len)) {
        return refuse(request);
    }
    struct MHD_Response *response =
        MHD_create_response_from_buffer(body.len, unconst(body.p), MHD_RESPMEM_MUST_COPY);
    return reply_made(request, status, type, response, body.len, headers);
}

/* Never asked: HEAD has no body. */
static ssize_t no_bytes(void *arg, uint64_t at, char *out, size_t max)
{
    (void)arg;
    (void)at;
    (void)out;
    (void)max;
    return MHD_CONTENT_READER_END_OF_STREAM;
}

enum MHD_Result reply_endless(struct request *request, unsigned status, const char *type,
                              const char *const *headers)
{
    struct MHD_Response *response =
        MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, 1, no_bytes, NULL, NULL);
    if (response != NULL) {
        MHD_set_response_options(response, MHD_RF_HTTP_1_0_COMPATIBLE_STRICT, MHD_RO_END);
    }
    return reply_made(request, status, type, response, 0, headers);
}

const char *reply_date(const struct request *request)
{
    return date_now(request->http);
}

static void free_blob(void *arg)
{
    struct blob *blob = arg;
    blob_unref(&blob);
}

enum MHD_Result reply_blob(struct request *request, unsigned status, const char *type,
                           struct blob *body, const char *const *headers)
{
    if (is_too_much(request, body->len)) {
        return refuse(request);
    }
    struct MHD_Response *response = MHD_create_response_from_buffer_with_free_callback_cls(
        body->len, body->data, free_blob, blob_ref(body));
    return reply_made(request, status, type, response, body->len, headers);
}

enum MHD_Result reply_problem(struct request *request, unsigned status, const char *detail,
                              unsigned retry_s)
{
    static const char *const none[] = {NULL};
    return reply_problem_with(request, status, detail, retry_s, none);
}

/* An EventSource ends for good at any answer but a stream, though the client is asked to come back:
 * so that is what it is told as a stream, which ends. Other programs that want a stream get the
 * status. Nothing that a browser sends names an EventSource. */
static bool is_event_source(const struct request *request)
{
    const char *accept = request_header(request, "Accept");
    const char *agent = request_header(request, "User-Agent");
    return accept != NULL && strcmp(accept, "text/event-stream") == 0 && agent != NULL &&
           strncmp(agent, "Mozilla/", strlen("Mozilla/")) == 0;
}

/* problem: JSON on one line. retry_s: when the browser comes back. All but the client takes it for
 * the refusal that it is. */
static enum MHD_Result reply_refused_stream(struct request *request, unsigned status,
                                            struct str problem, unsigned retry_s)
{
    static const char *const headers[] = {"Cache-Control", "no-store", NULL};
    struct buf body = {0};
    buf_printf(&body, "retry: %u\n", retry_s * 1000 + arc4random_uniform(1000));
    buf_append_text(&body, "event: refused\ndata: ");
    buf_append_str(&body, problem);
    buf_append_text(&body, "\n\n");
    const enum MHD_Result result =
        reply_body(request, MHD_HTTP_OK, "text/event-stream", buf_str(&body), headers);
    request->http->counters.client_errors += status < 500;
    request->status = status;
    buf_free(&body);
    return result;
}

enum MHD_Result reply_problem_with(struct request *request, unsigned status, const char *detail,
                                   unsigned retry_s, const char *const *more)
{
    char retry[16];
    const char *headers[7 + 2 * REPLY_PROBLEM_HEADERS] = {"Cache-Control", "no-store"};
    size_t count = 2;
    if (retry_s != 0) {
        snprintf(retry, sizeof retry, "%u", retry_s);
        headers[count++] = "Retry-After";
        headers[count++] = retry;
    }
    if (status == MHD_HTTP_METHOD_NOT_ALLOWED) {
        headers[count++] = "Allow";
        headers[count++] = request->allow != NULL ? request->allow : "GET, HEAD, OPTIONS";
    }
    for (; *more != NULL; more++) {
        headers[count++] = *more;
    }
    headers[count] = NULL;
    struct buf body = {0};
    buf_append_text(&body, "{\"type\":\"about:blank\",\"title\":");
    json_write_string(&body, str_of(MHD_get_reason_phrase_for(status)));
    buf_printf(&body, ",\"status\":%u,\"detail\":", status);
    /* The reasons that a replica gives are parts of a sentence: "deltas were missed". */
    struct buf sentence = {0};
    buf_append_text(&sentence, detail);
    if (detail[0] != '\0' && strchr(".?", detail[strlen(detail) - 1]) == NULL) {
        sentence.data[0] = (char)toupper((unsigned char)sentence.data[0]);
        buf_append_char(&sentence, '.');
    }
    json_write_string(&body, buf_str(&sentence));
    free(request->problem);
    request->problem = x_strndup(buf_str(&sentence).p, sentence.len);
    buf_free(&sentence);
    if ((status == MHD_HTTP_UNAUTHORIZED || status == MHD_HTTP_FORBIDDEN) &&
        request->http->config.sign_in_url != NULL) {
        buf_append_text(&body, ",\"sign_in_url\":");
        json_write_string(&body, str_of(request->http->config.sign_in_url));
    }
    buf_append_char(&body, '}');
    enum MHD_Result result;
    if (retry_s != 0 && is_event_source(request)) {
        result = reply_refused_stream(request, status, buf_str(&body), retry_s);
    } else {
        buf_append_char(&body, '\n');
        result = reply_body(request, status, "application/problem+json", buf_str(&body), headers);
    }
    buf_free(&body);
    return result;
}

unsigned reply_retry_s(void)
{
    return 3 + arc4random_uniform(6);
}

enum MHD_Result reply_too_large(struct request *request)
{
    struct http_counters *counters = &request->http->counters;
    if (request->header_too_large) {
        counters->header_too_large++;
        return reply_problem(request, MHD_HTTP_REQUEST_HEADER_FIELDS_TOO_LARGE,
                             "The headers are too large; are there many cookies?", 0);
    }
    counters->too_large++;
    return reply_problem(request, MHD_HTTP_CONTENT_TOO_LARGE,
                         request->body_max != 0
                             ? "The body is too large (gateway.limits.push): push the events in "
                               "several parts."
                             : "The body is too large; GET needs none.",
                         0);
}
