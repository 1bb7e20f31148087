/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/api/push.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/base/xalloc.h"
#include "common/net/asker.h"
#include "common/push/push_body.h"
#include "common/replica/answer.h"
#include "common/replica/query_request.h"
#include "gateway/api/api.h"
#include "gateway/api/origin.h"
#include "gateway/http/reply.h"

#define BODY_BYTES_A_STEP 32 /* Bytes of a body that are read and handed on in a step. */
#define EVENT_STEPS 20       /* The work that an event is, besides its bytes. */
#define NOT_STORED "Nothing was stored: push again after a while."
#define UNKNOWN                                                                                    \
    "No answer came from the ingestor in time, so nobody knows whether the events were stored. "   \
    "Push them again with the same Idempotency-Key, and they count once."

/* ---- What may come at all ---- */

/* What a request pushes, besides its body. */
struct pushing {
    enum push_format format;
    struct str key; /* Idempotency-Key; STR_NULL: it has none */
};

static struct str media_type(const struct request *request)
{
    const char *header = request_header(request, "Content-Type");
    const size_t len = header != NULL ? strcspn(header, ";") : 0;
    return header != NULL ? str_trim((struct str){header, len}) : STR_NULL;
}

static bool is_type(struct str type, const char *name)
{
    return type.len == strlen(name) && strncasecmp(type.p, name, type.len) == 0;
}

/* `curl -d` calls everything a form. A form of a page cannot be JSON, because it is escaped; and a
 * script says which page it is of. */
static const struct {
    const char *type;
    enum push_format format;
} types[] = {
    {"application/json", PUSH_JSON},
    {"application/x-www-form-urlencoded", PUSH_JSON},
    {"application/x-ndjson", PUSH_LINES},
    {"application/ndjson", PUSH_LINES},
    {"application/jsonl", PUSH_LINES},
    {"application/cloudevents+json", PUSH_CLOUDEVENT},
    {"application/cloudevents-batch+json", PUSH_CLOUDEVENTS},
};

static bool find_format(const struct request *request, enum push_format *out)
{
    const struct str type = media_type(request);
    const bool binary = request_header(request, "ce-specversion") != NULL;
    if (type.p == NULL) {
        *out = binary ? PUSH_BINARY_EVENT : PUSH_JSON;
        return true;
    }
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        if (is_type(type, types[i].type)) {
            *out = binary && types[i].format == PUSH_JSON ? PUSH_BINARY_EVENT : types[i].format;
            return true;
        }
    }
    return false;
}

/* A page of another origin may make its user's browser send requests, with the user's cookies; and
 * a page of ours may not be let do it by one of cors_origins, which may read alone. */
static bool is_foreign_page(const struct request *request)
{
    const char *origin = request_header(request, "Origin");
    const char *site = request_header(request, "Sec-Fetch-Site");
    return (origin != NULL && !origin_is_own(request, origin)) ||
           (site != NULL && strcmp(site, "same-origin") != 0 && strcmp(site, "none") != 0);
}

struct keys {
    struct str first;
    size_t count;
};

static void take_key(void *arg, const char *value)
{
    struct keys *keys = arg;
    keys->first = str_trim(str_of(value));
    keys->count++;
}

static bool read_key(const struct request *request, struct str *out)
{
    struct keys keys = {STR_NULL, 0};
    request_each_header(request, "Idempotency-Key", take_key, &keys);
    *out = keys.first;
    return keys.count == 0 ||
           (keys.count == 1 && keys.first.len != 0 && keys.first.len <= PUSH_KEY_MAX);
}

/* True when the request may be read; else *result is what the handler returns. */
static bool admit(struct request *request, struct pushing *out, enum MHD_Result *result)
{
    const char *encoding = request_header(request, "Content-Encoding");
    unsigned status = 0;
    const char *detail = NULL;
    if (is_foreign_page(request)) {
        api_of(request)->counters.push_origin_refused++;
        status = MHD_HTTP_FORBIDDEN;
        detail = "A page of another origin may not push events; let its server do it.";
    } else if (encoding != NULL && strcasecmp(encoding, "identity") != 0) {
        status = MHD_HTTP_UNSUPPORTED_MEDIA_TYPE;
        detail = "A body is read as it is: leave Content-Encoding out, and do not compress it.";
    } else if (!find_format(request, &out->format)) {
        status = MHD_HTTP_UNSUPPORTED_MEDIA_TYPE;
        detail = "Send events as application/json, application/x-ndjson, "
                 "application/cloudevents+json or application/cloudevents-batch+json.";
    } else if (!read_key(request, &out->key)) {
        status = MHD_HTTP_BAD_REQUEST;
        detail = "There is one Idempotency-Key, of 1 to 256 bytes.";
    } else if (request->body_no_room) {
        *result = reply_problem(request, MHD_HTTP_SERVICE_UNAVAILABLE,
                                "As many bodies are read here just now as may. " NOT_STORED,
                                reply_retry_s());
        return false;
    } else {
        return true;
    }
    *result = reply_problem(request, status, detail, 0);
    return false;
}

/* ---- The events ---- */

static struct str attribute_of(void *arg, const char *name)
{
    char header[64];
    snprintf(header, sizeof header, "ce-%s", name);
    return str_of(request_header(arg, header));
}

/* Whoever reaches the gateway may push, unless it asks who they are. */
static bool may_push(void *arg, struct str type)
{
    const struct request *request = arg;
    return api_of(request)->auth == NULL ||
           (request->identity != NULL && identity_may_push(request->identity, type));
}

/* Two who choose the same key do not mean the same push. */
static void put_key(const struct request *request, struct str key, struct buf *out)
{
    const struct identity *identity = request->identity;
    if (identity != NULL) {
        buf_append_text(out, identity->issuer);
        buf_append_char(out, '\n');
        buf_append_text(out, identity->subject);
        buf_append_char(out, '\n');
    }
    buf_append_str(out, key);
}

/* Appends the request for the ingestor. False: *result is what the handler returns. */
static bool make_request(struct request *request, const struct pushing *pushing, struct buf *out,
                         enum MHD_Result *result)
{
    struct push_events events = {.may = may_push, .arg = request};
    struct query_request query;
    struct error err = {{0}};
    const int status = push_body_read(buf_str(&request->body), pushing->format, attribute_of,
                                      request, &events, &err);
    request->steps += request->body.len / BODY_BYTES_A_STEP + events.count * EVENT_STEPS;
    if (status != STATUS_OK) {
        struct buf detail = {0};
        buf_printf(&detail, "Nothing was stored: %s.", err.text);
        *result = reply_problem(request,
                                status == STATUS_FULL     ? MHD_HTTP_CONTENT_TOO_LARGE
                                : status == STATUS_DENIED ? MHD_HTTP_FORBIDDEN
                                                          : MHD_HTTP_BAD_REQUEST,
                                buf_cstr(&detail), 0);
        buf_free(&detail);
    } else {
        query_request_begin(&query, QUERY_OP_PUSH);
        if (pushing->key.p != NULL) {
            struct buf key = {0};
            put_key(request, pushing->key, &key);
            query_request_text(&query, QUERY_ARG_KEY, buf_str(&key));
            buf_free(&key);
        }
        struct buf *list = query_request_member(&query, QUERY_ARG_EVENTS);
        mp_put_array(list, events.count);
        buf_append_str(list, buf_str(&events.maps));
        query_request_finish(&query, out);
    }
    push_events_free(&events);
    return status == STATUS_OK;
}

/* ---- The answer ---- */

/* What the ingestor said, kept from one call of the handler to the next. */
struct outcome {
    enum asker_end end;
    struct buf reply;
};

static void free_outcome(void *kept)
{
    struct outcome *outcome = kept;
    buf_free(&outcome->reply);
    free(outcome);
}

static void on_done(void *arg, enum asker_end end, struct str reply)
{
    struct request *request = arg;
    struct outcome *outcome = x_calloc(1, sizeof *outcome);
    outcome->end = end;
    buf_append_str(&outcome->reply, reply);
    request->kept = outcome;
    request->free_kept = free_outcome;
    api_of(request)->resumed = true;
    request_resume(request);
}

static enum MHD_Result answer_pushed(struct request *request, const struct answer_pushed *pushed)
{
    static const char *const headers[] = {"Cache-Control", "no-store", NULL};
    struct buf body = {0};
    buf_append_text(&body, "{\"ids\":[");
    for (uint64_t i = 0; i < pushed->count; i++) {
        buf_append_text(&body, i != 0 ? "," : "");
        answer_pushed_json(&body, pushed, pushed->first + (int64_t)i);
    }
    buf_printf(&body, "],\"repeated\":%s}\n", pushed->repeated ? "true" : "false");
    api_of(request)->counters.pushed_events += pushed->repeated ? 0 : pushed->count;
    const enum MHD_Result result =
        reply_body(request, pushed->repeated ? MHD_HTTP_OK : MHD_HTTP_CREATED, "application/json",
                   buf_str(&body), headers);
    buf_free(&body);
    return result;
}

static enum MHD_Result answer_error(struct request *request, const struct answer_error *error)
{
    static const struct {
        const char *code;
        unsigned status;
        bool again; /* It may go well later. */
    } codes[] = {
        {ANSWER_BAD_REQUEST, MHD_HTTP_BAD_REQUEST, false},
        {ANSWER_UNKNOWN_OP, MHD_HTTP_SERVICE_UNAVAILABLE, true},
        {ANSWER_CONFLICT, MHD_HTTP_UNPROCESSABLE_CONTENT, false},
        {ANSWER_FULL, MHD_HTTP_INSUFFICIENT_STORAGE, true},
    };
    unsigned status = MHD_HTTP_SERVICE_UNAVAILABLE;
    bool again = true;
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        if (str_is(error->code, codes[i].code)) {
            status = codes[i].status;
            again = codes[i].again;
        }
    }
    struct buf detail = {0};
    buf_append_text(&detail, "Nothing was stored: ");
    buf_append_str(&detail, error->message.p != NULL ? error->message : STR("no reason was given"));
    const enum MHD_Result result =
        reply_problem(request, status, buf_cstr(&detail), again ? reply_retry_s() : 0);
    buf_free(&detail);
    return result;
}

static enum MHD_Result nobody_there(struct request *request)
{
    api_of(request)->counters.pushes_away++;
    return reply_problem(request, MHD_HTTP_SERVICE_UNAVAILABLE,
                         "No ingestor of gateway.push can be reached. " NOT_STORED,
                         reply_retry_s());
}

static enum MHD_Result answer(struct request *request, const struct outcome *outcome)
{
    if (outcome->end == ASKER_UNSENT) {
        return nobody_there(request);
    }
    struct answer_pushed pushed;
    struct answer_error error;
    struct mp_doc doc;
    enum MHD_Result result;
    mp_doc_init(&doc);
    const bool read = outcome->end == ASKER_ANSWERED &&
                      mp_parse(&doc, outcome->reply.data, outcome->reply.len) == STATUS_OK;
    if (read && answer_read_error(&doc.root, &error)) {
        result = answer_error(request, &error);
    } else if (read && answer_read_pushed(&doc.root, &pushed) && pushed.count <= PUSH_EVENTS_MAX) {
        result = answer_pushed(request, &pushed);
    } else {
        api_of(request)->counters.pushes_unknown++;
        result = reply_problem(request, MHD_HTTP_SERVICE_UNAVAILABLE, UNKNOWN, reply_retry_s());
    }
    mp_doc_free(&doc);
    return result;
}

/* ---- The handler ---- */

enum MHD_Result api_push(struct request *request)
{
    struct api *api = api_of(request);
    struct pushing pushing;
    struct buf query = {0};
    enum MHD_Result result = MHD_NO;
    if (request->kept != NULL) {
        return answer(request, request->kept);
    }
    if (!admit(request, &pushing, &result) || !make_request(request, &pushing, &query, &result)) {
        api->counters.pushes_refused++;
        return result;
    }
    if (asker_ask(api->asker, buf_str(&query), api->turn->now, on_done, request)) {
        request_suspend(request);
        result = MHD_YES;
    } else {
        result = nobody_there(request);
    }
    buf_free(&query);
    return result;
}

size_t api_push_body_max(void *arg, const struct request *request, const char *method)
{
    const struct api *api = arg;
    return api->asker != NULL && strcmp(method, "POST") == 0 &&
                   strcmp(request->path, API_PUSH_PATH) == 0
               ? api->config->gateway.limits.push_bytes
               : 0;
}
