/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens: nobody who lacks the key can make one that is accepted, not even of one that is; and what
 * its issuer has signed becomes an identity, or gets a sentence. Input: lines of Authorization and
 * Cookie, and of a token's header and claims, which are signed here. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/base/error.h"
#include "common/jose/base64url.h"
#include "common/jose/jwk.h"
#include "gateway/auth/auth.h"
#include "gateway/auth/credentials.h"
#include "tests/fuzz/fuzz.h"

static const wall_time now = {500 * US_PER_S};

/* One issuer, whose key is made at the start, and is called "k". */
static char keys_file[] = "/tmp/tilewire-fuzz-XXXXXX";
static struct config_issuer issuer = {"https://a", "tilewire", keys_file, "groups"};
static struct jwk *key;
static struct auth *auth;

static void start(void)
{
    static const struct config_gateway config = {.auth = CONFIG_AUTH_JWT,
                                                 .jwt = {&issuer, 1, 1000}};
    struct buf own = {0};
    FUZZ_CHECK(jwk_generate(JOSE_EDDSA, &key, NULL) == STATUS_OK);
    jwk_write(key, false, &own);
    const char *kid = strstr(buf_cstr(&own), "\"kid\":\"") + strlen("\"kid\":\"");
    FILE *file = fdopen(mkstemp(keys_file), "w");
    FUZZ_CHECK(file != NULL);
    fprintf(file, "{\"keys\":[%.*sk%s]}", (int)(kid - own.data), own.data, strchr(kid, '"'));
    FUZZ_CHECK(fclose(file) == 0 && auth_create(&config, &auth, NULL) == STATUS_OK);
    (void)unlink(keys_file);
    buf_free(&own);
}

static struct identity *identity_of(struct str token)
{
    struct auth_claim claim = {.token = token, .user = STR_NULL, .groups = STR_NULL};
    struct error err = {{0}};
    struct identity *identity = auth_find(auth, &claim, now);
    if (identity == NULL && auth_check(auth, &claim, now, &identity, &err) != STATUS_OK) {
        FUZZ_CHECK(err.text[0] != '\0');
        return NULL;
    }
    FUZZ_CHECK(identity != NULL && identity->view != NULL);
    FUZZ_CHECK(identity->valid_until.us > now.us && identity->expires.us > now.us - US_PER_S);
    return identity;
}

static void check_forged(struct str authorization, struct str cookie)
{
    struct str token;
    if (credentials_bearer(authorization, &token)) {
        FUZZ_CHECK(identity_of(token) == NULL);
    }
    if (credentials_cookie(cookie, &token) != 0) {
        FUZZ_CHECK(identity_of(token) == NULL);
    }
}

static void sign(struct str header, struct str claims, struct buf *token)
{
    struct buf signature = {0};
    base64url_append(token, header);
    buf_append_char(token, '.');
    base64url_append(token, claims);
    FUZZ_CHECK(jwk_sign(key, buf_str(token), &signature, NULL) == STATUS_OK);
    buf_append_char(token, '.');
    base64url_append(token, buf_str(&signature));
    buf_free(&signature);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct str input = fuzz_text(data, len);
    struct buf token = {0};
    if (key == NULL) {
        start();
    }
    const struct str authorization = fuzz_take_line(&input);
    check_forged(authorization, fuzz_take_line(&input));
    const struct str header = fuzz_take_line(&input);
    sign(header, input, &token);
    if (identity_of(buf_str(&token)) != NULL) {
        fuzz_took();
        token.data[len % token.len] ^= (char)(1 << len % 7); /* another letter, or none */
        FUZZ_CHECK(identity_of(buf_str(&token)) == NULL);
    }
    buf_free(&token);
    return 0;
}
