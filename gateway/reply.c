#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include <netinet/in.h>

#include "common/json.h"
#include "gateway/forwarded.h"
#include "gateway/http.h"

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
    counters->not_modified += status == MHD_HTTP_NOT_MODIFIED;
    counters->client_errors += status >= 400 && status < 500;
    return MHD_queue_response(request->connection, status, response);
}

static struct MHD_Response *response_of(struct str body)
{
    union {
        const char *in;
        void *out;
    } cast = {.in = body.p}; /* MHD copies and changes nothing */
    return MHD_create_response_from_buffer(body.len, cast.out, MHD_RESPMEM_MUST_COPY);
}

enum MHD_Result reply_body(struct request *request, unsigned status, const char *type,
                           struct str body, const char *const *headers)
{
    struct MHD_Response *response = response_of(body);
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

enum MHD_Result reply_problem(struct request *request, unsigned status, const char *detail,
                              unsigned retry_s)
{
    char retry[16];
    const char *headers[8] = {"Cache-Control", "no-store"};
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

/* Weak comparison (RFC 9110, 8.8.3.2): W/ does not count. */
bool etag_matches(struct request *request, const char *etag)
{
    const char *list = header(request, "If-None-Match");
    if (list == NULL) {
        return false;
    }
    if (strcmp(list, "*") == 0) {
        return true;
    }
    const char *opaque = strncmp(etag, "W/", 2) == 0 ? etag + 2 : etag;
    const size_t len = strlen(opaque);
    for (const char *p = list; (p = strchr(p, '"')) != NULL;) {
        const char *close = strchr(p + 1, '"');
        if (close == NULL) {
            return false;
        }
        if ((size_t)(close - p) + 1 == len && memcmp(p, opaque, len) == 0) {
            return true;
        }
        p = close + 1;
    }
    return false;
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

struct header_lines {
    const char *name;
    struct buf text; /* all lines, joined by commas */
};

static enum MHD_Result add_line(void *arg, enum MHD_ValueKind kind, const char *name,
                                const char *value)
{
    (void)kind;
    struct header_lines *lines = arg;
    if (strcasecmp(name, lines->name) == 0 && value != NULL) {
        buf_append_text(&lines->text, lines->text.len != 0 ? "," : "");
        buf_append_text(&lines->text, value);
    }
    return MHD_YES;
}

struct ip client_address(const struct request *request)
{
    const struct config_gateway *config = &request->http->gateway->config->gateway;
    const struct ip peer = peer_address(request);
    if (config->trusted_proxy_count == 0) {
        return peer;
    }
    struct header_lines x_forwarded_for = {.name = "X-Forwarded-For"};
    struct header_lines forwarded = {.name = "Forwarded"};
    /* All lines: some proxies add one of their own below that of the client. */
    MHD_get_connection_values(request->connection, MHD_HEADER_KIND, add_line, &x_forwarded_for);
    MHD_get_connection_values(request->connection, MHD_HEADER_KIND, add_line, &forwarded);
    const struct ip ip =
        forwarded_client(peer, buf_str(&x_forwarded_for.text), buf_str(&forwarded.text),
                         (struct ip_ranges){config->trusted_proxies, config->trusted_proxy_count});
    buf_free(&x_forwarded_for.text);
    buf_free(&forwarded.text);
    return ip;
}
