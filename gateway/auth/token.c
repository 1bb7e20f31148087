/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/auth/token.h"

#include <math.h>
#include <string.h>
#include <strings.h>

#include "common/jose/base64url.h"

/* Seconds since 1970 that fit into a wall_time; it is about the year 280000. */
#define SECONDS_MAX 9e12

/* The three parts, between two dots, and the text that is signed. */
struct compact {
    struct str header;
    struct str payload;
    struct str signature;
    struct str signed_text;
};

static bool split(struct str text, struct compact *out)
{
    const char *first = memchr(text.p, '.', text.len);
    if (first == NULL) {
        return false;
    }
    const size_t header = (size_t)(first - text.p);
    const char *second = memchr(first + 1, '.', text.len - header - 1);
    if (second == NULL) {
        return false;
    }
    const size_t both = (size_t)(second - text.p);
    *out = (struct compact){.header = {text.p, header},
                            .payload = {first + 1, both - header - 1},
                            .signature = {second + 1, text.len - both - 1},
                            .signed_text = {text.p, both}};
    return memchr(out->signature.p, '.', out->signature.len) == NULL;
}

/* Reads a part, which has to be a JSON object; the caller frees it. */
static bool read_json(struct str part, struct json_value **out)
{
    struct buf text = {0};
    *out = NULL;
    const bool read = base64url_read(&text, part) &&
                      json_parse_strict(buf_str(&text), TOKEN_MAX, out) == STATUS_OK;
    buf_free(&text);
    if (read && !json_is_map(*out)) {
        json_free(*out);
        *out = NULL;
    }
    return *out != NULL;
}

/* ---- What the header says ---- */

/* Other kinds of token (logout tokens, say) are signed with the same keys, and mean other things;
 * those that explicitly are of another kind are refused (RFC 8725, 3.11). */
static bool is_our_type(const struct json_value *header)
{
    static const char *const types[] = {"JWT", "at+jwt", "application/jwt", "application/at+jwt"};
    const struct json_value *typ = json_member(header, STR("typ"));
    struct str text;
    if (typ == NULL) {
        return true;
    }
    for (size_t i = 0; i < sizeof types / sizeof *types && json_as_str(typ, &text); i++) {
        if (text.len == strlen(types[i]) && strncasecmp(text.p, types[i], text.len) == 0) {
            return true;
        }
    }
    return false;
}

static int check_header(const struct json_value *header, enum jose_alg *alg, struct str *kid,
                        struct error *err)
{
    struct str name;
    if (!json_as_str(json_member(header, STR("alg")), &name) || !jose_alg_parse(name, alg)) {
        return error_set(err, STATUS_INVALID, "its algorithm is none of EdDSA, ES256 and RS256");
    }
    if (json_member(header, STR("crit")) != NULL) {
        return error_set(err, STATUS_INVALID, "it asks for extensions (crit), and there are none");
    }
    if (!is_our_type(header)) {
        return error_set(err, STATUS_INVALID, "its type (typ) is that of something else");
    }
    if (!json_as_str(json_member(header, STR("kid")), kid)) {
        return error_set(err, STATUS_INVALID, "it does not name its key (kid)");
    }
    return STATUS_OK;
}

/* ---- Who signed it ---- */

static int check_signature(const struct compact *parts, const struct json_value *header,
                           const struct keyring *keyring, struct token *token, struct error *err)
{
    enum jose_alg alg = JOSE_EDDSA;
    struct str kid = STR_NULL;
    struct str name = STR_NULL;
    struct buf signature = {0};
    int status = check_header(header, &alg, &kid, err);
    if (status != STATUS_OK) {
        return status;
    }
    (void)json_as_str(json_member(token->claims, STR("iss")), &name);
    const struct issuer *issuer = keyring_issuer(keyring, name);
    if (issuer == NULL) {
        return error_set(err, STATUS_INVALID, "its issuer (iss) is none that is accepted here");
    }
    const struct jwk *key = keyring_issuer_key(issuer, kid);
    if (key == NULL) {
        return error_set(err, STATUS_INVALID, "its issuer has no such key (kid)");
    }
    token->issuer = keyring_issuer_config(issuer);
    if (jwk_alg(key) != alg) {
        status = error_set(err, STATUS_INVALID, "its algorithm is not that of its key");
    } else if (!base64url_read(&signature, parts->signature) ||
               !jwk_verify(key, parts->signed_text, buf_str(&signature))) {
        status = error_set(err, STATUS_INVALID, "its signature is wrong");
    }
    buf_free(&signature);
    return status;
}

/* ---- What it says ---- */

/* Reads a time in seconds (NumericDate), which may have a fraction. */
static bool read_time(const struct json_value *value, wall_time *out)
{
    double seconds;
    if (!json_as_number(value, &seconds) || !(seconds >= 0) || !(seconds < SECONDS_MAX)) {
        return false;
    }
    out->us = (int64_t)(seconds * (double)US_PER_S);
    return true;
}

struct audience {
    const char *wanted;
    bool found;
};

static bool match_audience(void *arg, const struct json_value *item)
{
    struct audience *audience = arg;
    struct str text;
    audience->found = json_as_str(item, &text) && str_is(text, audience->wanted);
    return !audience->found;
}

static bool is_for_us(const struct json_value *aud, const char *wanted)
{
    struct audience audience = {.wanted = wanted};
    if (json_is_list(aud)) {
        json_each_item(aud, match_audience, &audience);
    } else {
        (void)match_audience(&audience, aud);
    }
    return audience.found;
}

static int check_times(struct token *token, wall_time now, int64_t leeway_us, struct error *err)
{
    const struct json_value *nbf = json_member(token->claims, STR("nbf"));
    wall_time not_before = {0};
    if (!read_time(json_member(token->claims, STR("exp")), &token->expires)) {
        return error_set(err, STATUS_INVALID, "it does not say until when it is good (exp)");
    }
    if (now.us >= token->expires.us + leeway_us) {
        return error_set(err, STATUS_INVALID, "it has expired (exp)");
    }
    if (nbf != NULL && !read_time(nbf, &not_before)) {
        return error_set(err, STATUS_INVALID, "its beginning (nbf) is no time");
    }
    if (now.us < not_before.us - leeway_us) {
        return error_set(err, STATUS_INVALID, "it is not good yet (nbf)");
    }
    return STATUS_OK;
}

static int check_claims(struct token *token, wall_time now, int64_t leeway_us, struct error *err)
{
    const struct json_value *claims = token->claims;
    const struct json_value *sub = json_member(claims, STR("sub"));
    if (!is_for_us(json_member(claims, STR("aud")), token->issuer->audience)) {
        return error_set(err, STATUS_INVALID, "it is for somebody else (aud)");
    }
    token->subject = STR("");
    if (sub != NULL &&
        (!json_as_str(sub, &token->subject) || token->subject.len > TOKEN_SUBJECT_MAX)) {
        return error_set(err, STATUS_INVALID,
                         "who it is about (sub) is no text of at most %d bytes", TOKEN_SUBJECT_MAX);
    }
    token->view = json_member(claims, STR("tilewire"));
    token->groups = json_member(claims, str_of(token->issuer->groups_claim));
    return check_times(token, now, leeway_us, err);
}

int token_check(struct str text, const struct keyring *keyring, wall_time now, int64_t leeway_us,
                struct token *out, struct error *err)
{
    struct compact parts;
    struct json_value *header = NULL;
    *out = (struct token){0};
    if (text.p == NULL || text.len > TOKEN_MAX) {
        return error_set(err, STATUS_INVALID, "it has more than %zu bytes", TOKEN_MAX);
    }
    if (!split(text, &parts) || !read_json(parts.header, &header) ||
        !read_json(parts.payload, &out->claims)) {
        json_free(header);
        return error_set(err, STATUS_INVALID, "it is no token (JWT)");
    }
    int status = check_signature(&parts, header, keyring, out, err);
    if (status == STATUS_OK) {
        status = check_claims(out, now, leeway_us, err);
    }
    json_free(header);
    if (status != STATUS_OK) {
        json_free(out->claims);
        *out = (struct token){0};
    }
    return status;
}
