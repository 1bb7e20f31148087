/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/peer/web.h"

#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>

#include "common/base/xalloc.h"
#include "common/codec/json.h"

/* No gateway answers with more: tiles are bounded in bytes, and so is their number. */
#define BODY_MAX ((size_t)512 * 1024 * 1024)

static const char unix_prefix[] = "unix:";

struct web {
    CURL *curl;
    struct curl_slist *headers;
    char *base; /* what paths are put behind */
    char *name; /* as the user wrote it */
    struct buf *body;
    bool too_large;
    char fault[CURL_ERROR_SIZE];
};

/* ---- Whom to ask ---- */

/* True when what is sent there does not leave this machine. */
static bool stays_here(const char *host)
{
    return strcmp(host, "localhost") == 0 || strncmp(host, "127.", 4) == 0 ||
           strcmp(host, "[::1]") == 0;
}

static int check_url(const struct web_config *config, struct error *err)
{
    CURLU *url = curl_url();
    char *scheme = NULL;
    char *host = NULL;
    char *query = NULL;
    int status = STATUS_OK;
    if (url == NULL || curl_url_set(url, CURLUPART_URL, config->url, 0) != CURLUE_OK ||
        curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK ||
        curl_url_get(url, CURLUPART_HOST, &host, 0) != CURLUE_OK ||
        curl_url_get(url, CURLUPART_QUERY, &query, 0) == CURLUE_OK ||
        (strcmp(scheme, "http") != 0 && strcmp(scheme, "https") != 0)) {
        status = error_set(err, STATUS_INVALID,
                           "--http is a gateway's address, such as https://tiles.example.org or "
                           "unix:/run/tilewire/gateway.sock, not '%.200s'",
                           config->url);
    } else if (config->token.p != NULL && strcmp(scheme, "http") == 0 && !stays_here(host) &&
               !config->insecure) {
        status = error_set(err, STATUS_INVALID,
                           "the token could be read on its way to %.200s: ask with https://, or on "
                           "the gateway's machine; --insecure sends it all the same",
                           config->url);
    }
    curl_free(scheme);
    curl_free(host);
    curl_free(query);
    curl_url_cleanup(url);
    return status;
}

/* Without the slashes at its end. */
static char *base_of(const char *url)
{
    size_t len = strlen(url);
    while (len > 0 && url[len - 1] == '/') {
        len--;
    }
    return x_strndup(url, len);
}

/* ---- Asking ---- */

static size_t take(char *bytes, size_t size, size_t count, void *arg)
{
    struct web *web = arg;
    (void)size; /* is 1 */
    web->too_large = web->too_large || count > BODY_MAX - web->body->len;
    if (web->too_large) {
        return 0;
    }
    buf_append(web->body, bytes, count);
    return count;
}

static bool set_up(struct web *web, const struct web_config *config, const char *socket_path)
{
    CURL *curl = web->curl;
    bool ok = curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L) == CURLE_OK;
    ok = ok && curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, web->fault) == CURLE_OK;
    ok = ok && curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take) == CURLE_OK;
    ok = ok && curl_easy_setopt(curl, CURLOPT_WRITEDATA, web) == CURLE_OK;
    ok = ok && curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)config->timeout_ms) == CURLE_OK;
    ok = ok && curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK;
    ok = ok && curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK;
    ok = ok && curl_easy_setopt(curl, CURLOPT_PROXY, "") == CURLE_OK;
    ok = ok && curl_easy_setopt(curl, CURLOPT_ACCEPT_ENCODING, "gzip") == CURLE_OK;
    ok = ok && curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 1L) == CURLE_OK;
    ok = ok && curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 2L) == CURLE_OK;
    ok = ok && (config->ca_file == NULL ||
                curl_easy_setopt(curl, CURLOPT_CAINFO, config->ca_file) == CURLE_OK);
    ok = ok && (socket_path == NULL ||
                curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, socket_path) == CURLE_OK);
    if (config->token.p != NULL) {
        char *line =
            x_asprintf("Authorization: Bearer %.*s", (int)config->token.len, config->token.p);
        web->headers = curl_slist_append(NULL, line);
        free(line);
        ok = ok && web->headers != NULL &&
             curl_easy_setopt(curl, CURLOPT_HTTPHEADER, web->headers) == CURLE_OK;
    }
    return ok;
}

int web_create(const struct web_config *config, struct web **out, struct error *err)
{
    const bool socket = strncmp(config->url, unix_prefix, sizeof unix_prefix - 1) == 0;
    *out = NULL;
    if (!socket && check_url(config, err) != STATUS_OK) {
        return STATUS_INVALID;
    }
    struct web *web = x_calloc(1, sizeof *web);
    web->name = x_strdup(config->url);
    web->base = socket ? x_strdup("http://localhost") : base_of(config->url);
    web->curl = curl_easy_init();
    if (web->curl == NULL ||
        !set_up(web, config, socket ? config->url + sizeof unix_prefix - 1 : NULL)) {
        web_destroy(&web);
        return error_set(err, STATUS_INVALID, "libcurl cannot ask %.200s", config->url);
    }
    *out = web;
    return STATUS_OK;
}

void web_destroy(struct web **web_p)
{
    struct web *web = *web_p;
    if (web == NULL) {
        return;
    }
    if (web->curl != NULL) {
        curl_easy_cleanup(web->curl);
    }
    curl_slist_free_all(web->headers);
    free(web->base);
    free(web->name);
    free(web);
    *web_p = NULL;
}

/* What a problem (RFC 9457) says is wrong; "" when the answer is none. The caller frees it. */
static char *detail_of(const struct buf *body)
{
    struct json_value *problem = NULL;
    struct str detail = STR("");
    if (json_parse(buf_str(body), body->len, &problem) == STATUS_OK) {
        (void)json_as_str(json_member(problem, STR("detail")), &detail);
    }
    char *text = x_asprintf("%s%.*s", detail.len != 0 ? ": " : "", (int)detail.len, detail.p);
    json_free(problem);
    return text;
}

static int refused(const struct web *web, long code, struct error *err)
{
    const bool later = code == 429 || code == 502 || code == 503 || code == 504;
    const int status = code == 403 ? STATUS_DENIED : later ? STATUS_AGAIN : STATUS_INVALID;
    char *detail = detail_of(web->body);
    if (code == 401) {
        (void)error_set(err, status, "%.200s asks who this is%.500s (--token-file)", web->name,
                        detail);
    } else if (code >= 300 && code < 400) {
        (void)error_set(err, status,
                        "%.200s leads elsewhere (%ld), perhaps to where people sign in: give the "
                        "gateway's own address, or one that takes tokens",
                        web->name, code);
    } else {
        (void)error_set(err, status, "%.200s answers %ld%.500s", web->name, code, detail);
    }
    free(detail);
    return status;
}

int web_get(struct web *web, const char *path, struct buf *body, struct error *err)
{
    char *url = x_asprintf("%s%s", web->base, path);
    long code = 0;
    buf_clear(body);
    web->body = body;
    web->too_large = false;
    web->fault[0] = '\0';
    CURLcode result = curl_easy_setopt(web->curl, CURLOPT_URL, url);
    free(url);
    if (result == CURLE_OK) {
        result = curl_easy_perform(web->curl);
    }
    if (web->too_large) {
        return error_set(err, STATUS_FULL, "%.200s answers with more than %zu MiB", web->name,
                         BODY_MAX >> 20);
    }
    if (result != CURLE_OK) {
        const bool later = result == CURLE_COULDNT_CONNECT || result == CURLE_OPERATION_TIMEDOUT ||
                           result == CURLE_RECV_ERROR || result == CURLE_SEND_ERROR ||
                           result == CURLE_GOT_NOTHING;
        return error_set(err, later ? STATUS_AGAIN : STATUS_INVALID, "%.200s: %s%s", web->name,
                         web->fault[0] != '\0' ? web->fault : curl_easy_strerror(result),
                         result == CURLE_PEER_FAILED_VERIFICATION
                             ? "; --ca-file names whose certificates are trusted"
                             : "");
    }
    (void)curl_easy_getinfo(web->curl, CURLINFO_RESPONSE_CODE, &code);
    return code == 200 ? STATUS_OK : refused(web, code, err);
}
