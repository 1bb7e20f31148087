/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/api/who.h"

#include "common/base/buf.h"
#include "gateway/api/api.h"
#include "gateway/auth/credentials.h"
#include "gateway/http/reply.h"

/* What the headers of a request hold. */
struct headers {
    struct auth_claim claim;
    struct buf groups; /* The lines of the groups' header, joined; the claim borrows them. */
    size_t tokens;     /* How many tokens there are; more than one is ambiguous. */
    bool bearer;       /* The token is one of Authorization. */
};

/* ---- Tokens ---- */

static void take_authorization(void *arg, const char *value)
{
    struct headers *headers = arg;
    struct str token;
    if (credentials_bearer(str_of(value), &token)) {
        headers->claim.token = token;
        headers->bearer = true;
        headers->tokens++;
    }
}

static void take_cookie(void *arg, const char *value)
{
    struct headers *headers = arg;
    headers->tokens += credentials_cookie(str_of(value), &headers->claim.token);
}

/* What a page says explicitly goes before the cookie, which its browser adds. */
static void read_token(const struct request *request, struct headers *headers)
{
    request_each_header(request, "Authorization", take_authorization, headers);
    if (headers->tokens == 0) {
        request_each_header(request, "Cookie", take_cookie, headers);
    }
}

/* ---- A proxy's word ---- */

struct one {
    struct str value;
    size_t count;
};

static void take_one(void *arg, const char *value)
{
    struct one *one = arg;
    one->value = str_of(value);
    one->count++;
}

/* The value of a header that is there once; STR_NULL otherwise, for a client may have added one. */
static struct str only(const struct request *request, const char *name)
{
    struct one one = {STR_NULL, 0};
    request_each_header(request, name, take_one, &one);
    return one.count == 1 ? str_trim(one.value) : STR_NULL;
}

static void join_groups(void *arg, const char *value)
{
    struct buf *groups = arg;
    buf_append_text(groups, groups->len != 0 ? "," : "");
    buf_append_text(groups, value);
}

/* Believes the headers only when a trusted proxy sends them and proves that it means it. */
static void read_word(const struct request *request, struct headers *headers)
{
    const struct api *api = api_of(request);
    const struct config_gateway_proxy *config = &api->config->gateway.proxy;
    if (!request_of_proxy(request) ||
        !auth_is_secret(api->auth, only(request, config->secret_header))) {
        return;
    }
    headers->claim.user = only(request, config->user_header);
    if (headers->claim.user.len == 0) {
        headers->claim.user = STR_NULL;
    }
    request_each_header(request, config->groups_header, join_groups, &headers->groups);
    headers->claim.groups = buf_str(&headers->groups);
}

/* ---- Finding and checking ---- */

static struct headers read_headers(const struct request *request)
{
    struct headers headers = {0};
    if (api_of(request)->config->gateway.auth == CONFIG_AUTH_JWT) {
        read_token(request, &headers);
    } else {
        read_word(request, &headers);
    }
    return headers;
}

static bool has_credentials(const struct headers *headers)
{
    return headers->claim.token.p != NULL || headers->claim.user.p != NULL;
}

/* From now on it is charged to its subject, wherever that comes from; who has none stays an
 * address. */
static void charge_subject(struct request *request)
{
    const struct identity *identity = request->identity;
    if (identity != NULL && identity->subject[0] != '\0') {
        request->client = clients_of_subject(str_of(identity->issuer), str_of(identity->subject));
    }
}

void who_find(struct request *request)
{
    struct api *api = api_of(request);
    request_set_identity(request, NULL);
    if (api->auth == NULL) {
        return;
    }
    struct headers headers = read_headers(request);
    if (has_credentials(&headers) && headers.tokens <= 1) {
        request_set_identity(request, auth_find(api->auth, &headers.claim, clock_wall()));
    }
    request->ambient = !headers.bearer;
    charge_subject(request);
    buf_free(&headers.groups);
}

/* Appends what may stand in an error_description (RFC 6750, 3): ASCII without quotation marks. */
static void append_description(struct buf *out, const char *text)
{
    for (const char *c = text; *c != '\0'; c++) {
        const bool ours = *c >= 0x20 && *c <= 0x7e && *c != '"' && *c != '\\';
        buf_append(out, ours ? c : "'", 1);
    }
}

/* A 401 as RFC 6750 (3) has it. error: NULL when the client brought nothing. */
static enum MHD_Result refuse(struct request *request, unsigned status, const char *error,
                              const char *detail)
{
    const bool jwt = api_of(request)->config->gateway.auth == CONFIG_AUTH_JWT;
    struct buf challenge = {0};
    buf_append_text(&challenge, jwt ? "Bearer realm=\"tilewire\"" : "Proxy realm=\"tilewire\"");
    if (jwt && error != NULL) {
        buf_printf(&challenge, ", error=\"%s\", error_description=\"", error);
        append_description(&challenge, detail);
        buf_append_char(&challenge, '"');
    }
    const char *const headers[] = {"WWW-Authenticate", buf_cstr(&challenge), NULL};
    const enum MHD_Result result = reply_problem_with(request, status, detail, 0, headers);
    buf_free(&challenge);
    return result;
}

static enum MHD_Result refuse_missing(struct request *request)
{
    struct api *api = api_of(request);
    auth_counters(api->auth)->missing++;
    return refuse(request, MHD_HTTP_UNAUTHORIZED, NULL,
                  api->config->gateway.auth == CONFIG_AUTH_JWT
                      ? "Say who you are: send a token as `Authorization: Bearer`, or in the "
                        "cookie " CREDENTIALS_COOKIE "."
                      : "The proxy in front of this gateway has to say who you are; come through "
                        "it.");
}

static enum MHD_Result refuse_wrong(struct request *request, const struct error *err)
{
    struct buf detail = {0};
    buf_printf(&detail, "These credentials are refused: %s; get new ones.", err->text);
    const enum MHD_Result result =
        refuse(request, MHD_HTTP_UNAUTHORIZED, "invalid_token", buf_cstr(&detail));
    buf_free(&detail);
    return result;
}

static bool check(struct request *request, struct headers *headers, enum MHD_Result *result)
{
    struct api *api = api_of(request);
    struct identity *identity = NULL;
    struct error err = {{0}};
    if (!has_credentials(headers)) {
        *result = refuse_missing(request);
        return false;
    }
    if (headers->tokens > 1) {
        auth_counters(api->auth)->refused++;
        *result = refuse(request, MHD_HTTP_BAD_REQUEST, "invalid_request",
                         "There is more than one token in this request; send one.");
        return false;
    }
    const wall_time now = clock_wall();
    identity = auth_find(api->auth, &headers->claim, now);
    if (identity == NULL &&
        auth_check(api->auth, &headers->claim, now, &identity, &err) != STATUS_OK) {
        *result = refuse_wrong(request, &err);
        return false;
    }
    request_set_identity(request, identity);
    charge_subject(request);
    return true;
}

bool who_check(struct request *request, enum MHD_Result *result)
{
    struct api *api = api_of(request);
    if (api->auth == NULL) {
        return true;
    }
    if (request_parameter(request, "access_token") != NULL) {
        /* It would be in the logs of proxies, and in what the browser remembers. */
        *result = refuse(request, MHD_HTTP_BAD_REQUEST, "invalid_request",
                         "A token does not belong into an address, which others keep; send it as "
                         "`Authorization: Bearer`.");
        return false;
    }
    if (request->identity != NULL) {
        return true;
    }
    struct headers headers = read_headers(request);
    const bool good = check(request, &headers, result);
    buf_free(&headers.groups);
    return good;
}

mono_time who_ends(const struct request *request)
{
    if (request->identity == NULL) {
        return MONO_NEVER;
    }
    const wall_time now = clock_wall();
    const wall_time ends = identity_ends(request->identity, now);
    if (ends.us == WALL_NEVER.us) {
        return MONO_NEVER;
    }
    return mono_add_us(clock_mono(), ends.us - now.us);
}
