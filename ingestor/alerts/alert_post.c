/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/alerts/alert_post.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/printable.h"
#include "common/base/xalloc.h"

#define SECRET_SIZE 4097 /* of a token and of an address, with its NUL */
#define QUOTED_MAX 200   /* bytes of an answer that an error quotes */

struct alert_post {
    struct alert_job *job;       /* borrowed */
    CURL *curl;                  /* owned */
    struct curl_slist *headers;  /* of the request; owned */
    struct curl_slist *to;       /* whom a mail is for; owned */
    struct buf answer;           /* the beginning of the answer */
    size_t answered;             /* bytes of the answer, those that were not kept included */
    size_t sent;                 /* bytes of a mail that libcurl has taken */
    char fault[CURL_ERROR_SIZE]; /* what libcurl says is wrong */
};

static size_t take_answer(char *bytes, size_t size, size_t count, void *arg)
{
    struct alert_post *post = arg;
    (void)size; /* is 1 */
    post->answered += count;
    if (post->answered > ALERT_ANSWER_MAX) {
        return 0;
    }
    const size_t room = QUOTED_MAX - post->answer.len;
    buf_append(&post->answer, bytes, count < room ? count : room);
    return count;
}

static size_t give_mail(char *out, size_t size, size_t count, void *arg)
{
    struct alert_post *post = arg;
    const struct buf *body = &post->job->body;
    const size_t left = body->len - post->sent;
    const size_t len = left < size * count ? left : size * count;
    memcpy(out, body->data + post->sent, len);
    post->sent += len;
    return len;
}

static bool set_common(struct alert_post *post)
{
    CURL *curl = post->curl;
    const struct config_alert *rule = post->job->rule;
    bool ok = curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L) == CURLE_OK;
    ok = ok && curl_easy_setopt(curl, CURLOPT_PRIVATE, post) == CURLE_OK;
    ok = ok && curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, post->fault) == CURLE_OK;
    ok = ok && curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_answer) == CURLE_OK;
    ok = ok && curl_easy_setopt(curl, CURLOPT_WRITEDATA, post) == CURLE_OK;
    ok = ok && curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)rule->timeout_ms) == CURLE_OK;
    ok = ok && curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK;
    /* An end does not wait for a name server that does not answer. */
    ok = ok && curl_easy_setopt(curl, CURLOPT_QUICK_EXIT, 1L) == CURLE_OK;
    return ok && (rule->ca_file == NULL ||
                  curl_easy_setopt(curl, CURLOPT_CAINFO, rule->ca_file) == CURLE_OK);
}

static bool add_header(struct alert_post *post, const char *line)
{
    struct curl_slist *longer = curl_slist_append(post->headers, line);
    post->headers = longer != NULL ? longer : post->headers;
    return longer != NULL;
}

/* The address of a webhook, which may be a secret. */
static int read_url(const struct config_alert *rule, char url[SECRET_SIZE], struct error *err)
{
    if (rule->webhook != NULL) {
        strncpy(url, rule->webhook, SECRET_SIZE - 1);
        url[SECRET_SIZE - 1] = '\0';
        return STATUS_OK;
    }
    const int status = config_read_secret(rule->webhook_file, url, SECRET_SIZE, err);
    if (status == STATUS_OK && strncmp(url, "https://", 8) != 0 &&
        strncmp(url, "http://", 7) != 0) {
        return error_set(err, STATUS_INVALID,
                         "%.200s: expected an address that begins with https:// or http://",
                         rule->webhook_file);
    }
    return status;
}

static int set_token(struct alert_post *post, bool *ok, struct error *err)
{
    char token[SECRET_SIZE];
    const struct config_alert *rule = post->job->rule;
    if (rule->token_file == NULL) {
        return STATUS_OK;
    }
    const int status = config_read_secret(rule->token_file, token, sizeof token, err);
    if (status == STATUS_OK) {
        char *line = x_asprintf("Authorization: Bearer %s", token);
        *ok = *ok && add_header(post, line);
        explicit_bzero(line, strlen(line));
        free(line);
    }
    explicit_bzero(token, sizeof token);
    return status;
}

static int set_webhook(struct alert_post *post, struct error *err)
{
    CURL *curl = post->curl;
    char url[SECRET_SIZE] = "";
    int status = read_url(post->job->rule, url, err);
    bool ok = curl_easy_setopt(curl, CURLOPT_URL, url) == CURLE_OK;
    explicit_bzero(url, sizeof url);
    ok = ok && curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK;
    ok = ok && curl_easy_setopt(curl, CURLOPT_POSTFIELDS, buf_cstr(&post->job->body)) == CURLE_OK;
    ok = ok && curl_easy_setopt(curl, CURLOPT_USERAGENT, "tilewire/" TILEWIRE_VERSION) == CURLE_OK;
    ok = ok && add_header(post, "Content-Type: application/json");
    if (status == STATUS_OK) {
        status = set_token(post, &ok, err);
    }
    ok = ok && curl_easy_setopt(curl, CURLOPT_HTTPHEADER, post->headers) == CURLE_OK;
    return status != STATUS_OK || ok
               ? status
               : error_set(err, STATUS_IO, "libcurl does not take the message");
}

static int set_mail(struct alert_post *post, struct error *err)
{
    CURL *curl = post->curl;
    const struct config_alert *rule = post->job->rule;
    bool ok = curl_easy_setopt(curl, CURLOPT_URL, rule->mail_relay) == CURLE_OK;
    ok = ok && curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "smtp") == CURLE_OK;
    ok = ok && curl_easy_setopt(curl, CURLOPT_PROXY, "") == CURLE_OK;
    ok = ok && curl_easy_setopt(curl, CURLOPT_MAIL_FROM, rule->mail_from) == CURLE_OK;
    for (size_t i = 0; i < rule->mail_to_count; i++) {
        struct curl_slist *longer = curl_slist_append(post->to, rule->mail_to[i]);
        ok = ok && longer != NULL;
        post->to = longer != NULL ? longer : post->to;
    }
    ok = ok && curl_easy_setopt(curl, CURLOPT_MAIL_RCPT, post->to) == CURLE_OK;
    ok = ok && curl_easy_setopt(curl, CURLOPT_READFUNCTION, give_mail) == CURLE_OK;
    ok = ok && curl_easy_setopt(curl, CURLOPT_READDATA, post) == CURLE_OK;
    ok = ok && curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L) == CURLE_OK;
    return ok ? STATUS_OK : error_set(err, STATUS_IO, "libcurl does not take the mail");
}

int alert_post_create(struct alert_job *job, struct alert_post **out, struct error *err)
{
    struct alert_post *post = x_calloc(1, sizeof *post);
    post->job = job;
    post->curl = curl_easy_init();
    int status = post->curl != NULL && set_common(post)
                     ? STATUS_OK
                     : error_set(err, STATUS_IO, "libcurl cannot be used");
    if (status == STATUS_OK) {
        status = job->rule->mail_to != NULL ? set_mail(post, err) : set_webhook(post, err);
    }
    if (status != STATUS_OK) {
        alert_post_destroy(&post);
    }
    *out = post;
    return status;
}

void alert_post_destroy(struct alert_post **post_p)
{
    struct alert_post *post = *post_p;
    if (post == NULL) {
        return;
    }
    curl_easy_cleanup(post->curl);
    curl_slist_free_all(post->headers);
    curl_slist_free_all(post->to);
    buf_free(&post->answer);
    free(post);
    *post_p = NULL;
}

CURL *alert_post_handle(const struct alert_post *post)
{
    return post->curl;
}

struct alert_job *alert_post_job(const struct alert_post *post)
{
    return post->job;
}

/* What the receiver answered, in one line. */
static void note_refusal(struct alert_post *post, long code)
{
    struct buf text = {0};
    printable_append(&text, buf_str(&post->answer));
    error_set(&post->job->error, STATUS_IO, "it answers %ld%s%.*s%s", code,
              text.len != 0 ? ": " : "", (int)text.len, buf_cstr(&text),
              code >= 300 && code < 400 ? " (redirects are not followed: name the right address)"
                                        : "");
    buf_free(&text);
}

void alert_post_finish(struct alert_post *post, CURLcode result)
{
    struct alert_job *job = post->job;
    const bool mail = job->rule->mail_to != NULL;
    long code = 0;
    curl_off_t wait_s = 0;
    (void)curl_easy_getinfo(post->curl, CURLINFO_RESPONSE_CODE, &code);
    (void)curl_easy_getinfo(post->curl, CURLINFO_RETRY_AFTER, &wait_s);
    /* An answer without an end is an answer. */
    const bool answered =
        result == CURLE_OK || (result == CURLE_WRITE_ERROR && post->answered > ALERT_ANSWER_MAX);
    job->taken = answered && (mail || (code >= 200 && code < 300));
    job->retry_ms =
        wait_s > ALERT_RETRY_MAX_MS / 1000 ? ALERT_RETRY_MAX_MS : (int64_t)wait_s * 1000;
    if (!job->taken && answered) {
        note_refusal(post, code);
    } else if (!job->taken) {
        error_set(&job->error, STATUS_IO, "%s",
                  post->fault[0] != '\0' ? post->fault : curl_easy_strerror(result));
    }
}
