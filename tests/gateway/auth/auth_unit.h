/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of tokens share: issuers with keys of their own in files of a folder, and tokens
 * that these sign. */
#ifndef TESTS_GATEWAY_AUTH_AUTH_UNIT_H
#define TESTS_GATEWAY_AUTH_AUTH_UNIT_H

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/xalloc.h"
#include "common/jose/base64url.h"
#include "common/jose/jwk.h"
#include "gateway/auth/keyring.h"
#include "tests/unit.h"

#define ISSUERS 2

/* Issuer 0 is "https://a" with an EdDSA key, issuer 1 "https://b" with one of ES256; each is for
 * the audience "tilewire", and calls its key "k". */
struct scene {
    char folder[32];
    char paths[ISSUERS][64];
    struct config_issuer issuers[ISSUERS];
    struct config_gateway_jwt config;
    struct jwk *keys[ISSUERS];
};

static inline void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

/* The set that holds this key, under the kid; the caller frees it. */
static inline char *set_of(const struct jwk *key, const char *kid)
{
    struct buf own = {0};
    struct buf set = {0};
    jwk_write(key, false, &own);
    char *at = strstr(buf_cstr(&own), "\"kid\":\"") + strlen("\"kid\":\"");
    buf_printf(&set, "{\"keys\":[%.*s%s%s]}", (int)(at - own.data), own.data, kid, strchr(at, '"'));
    buf_free(&own);
    (void)buf_cstr(&set);
    return buf_take(&set);
}

static inline void scene_write_keys(struct scene *scene, size_t issuer, const struct jwk *key,
                                    const char *kid)
{
    char *set = set_of(key, kid);
    write_file(scene->paths[issuer], set);
    free(set);
}

static inline void scene_begin(struct scene *scene)
{
    static const char *const names[] = {"https://a", "https://b"};
    static const enum jose_alg algs[] = {JOSE_EDDSA, JOSE_ES256};
    *scene = (struct scene){.folder = "/tmp/tilewire-auth-XXXXXX"};
    assert_non_null(mkdtemp(scene->folder));
    for (size_t i = 0; i < ISSUERS; i++) {
        snprintf(scene->paths[i], sizeof scene->paths[i], "%s/%zu.jwks", scene->folder, i);
        scene->issuers[i] = (struct config_issuer){names[i], "tilewire", scene->paths[i], "groups"};
        assert_int_equal(jwk_generate(algs[i], &scene->keys[i], NULL), STATUS_OK);
        scene_write_keys(scene, i, scene->keys[i], "k");
    }
    scene->config = (struct config_gateway_jwt){scene->issuers, ISSUERS, 0};
}

static inline void scene_end(struct scene *scene)
{
    for (size_t i = 0; i < ISSUERS; i++) {
        jwk_destroy(&scene->keys[i]);
        (void)unlink(scene->paths[i]);
    }
    assert_int_equal(rmdir(scene->folder), 0);
}

static inline struct keyring *scene_keyring(struct scene *scene)
{
    struct keyring *keyring = NULL;
    struct error err = {{0}};
    if (keyring_create(&scene->config, &keyring, &err) != STATUS_OK) {
        fail_msg("%s", err.text);
    }
    return keyring;
}

/* A token with this header and these claims, signed with the key; the caller frees it. */
static inline char *sign(const struct jwk *key, const char *header, const char *claims)
{
    struct buf token = {0};
    struct buf signature = {0};
    base64url_append(&token, str_of(header));
    buf_append_char(&token, '.');
    base64url_append(&token, str_of(claims));
    assert_int_equal(jwk_sign(key, buf_str(&token), &signature, NULL), STATUS_OK);
    buf_append_char(&token, '.');
    base64url_append(&token, buf_str(&signature));
    buf_free(&signature);
    (void)buf_cstr(&token);
    return buf_take(&token);
}

#define EDDSA_HEADER "{\"alg\":\"EdDSA\",\"kid\":\"k\"}"
/* Good until second 1000. */
#define GOOD_CLAIMS                                                                                \
    "{\"iss\":\"https://a\",\"aud\":\"tilewire\",\"exp\":1000,\"sub\":\"ada\",\"groups\":[\"x\"]}"

#endif
