/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/auth/auth.h"

#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "common/base/xalloc.h"
#include "gateway/access/claim.h"
#include "gateway/access/roles.h"
#include "gateway/auth/groups.h"
#include "gateway/auth/keyring.h"
#include "gateway/auth/secret.h"
#include "gateway/auth/token.h"

/* Some 10,000 identities; the clients beyond that cost a signature each time. */
#define KNOWN_BYTES ((size_t)4 * 1024 * 1024)

struct auth {
    const struct config_gateway *config;
    struct keyring *keyring; /* NULL: tokens are not asked for */
    struct secret *secret;   /* NULL: no proxy is */
    struct roles *roles;
    struct known *known;
    uint8_t key[crypto_generichash_KEYBYTES]; /* of the digests */
    struct auth_counters counters;
};

int auth_create(const struct config_gateway *config, struct auth **out, struct error *err)
{
    struct auth *auth = x_calloc(1, sizeof *auth);
    *out = auth;
    auth->config = config;
    auth->roles = roles_create(config);
    auth->known = known_create(KNOWN_BYTES);
    int status = STATUS_OK;
    if (sodium_init() < 0) {
        status = error_set(err, STATUS_IO, "libsodium finds no random numbers");
    } else if (config->auth == CONFIG_AUTH_JWT) {
        status = keyring_create(&config->jwt, &auth->keyring, err);
    } else {
        status = secret_create(config->proxy.secret_file, &auth->secret, err);
    }
    crypto_generichash_keygen(auth->key);
    if (status != STATUS_OK) {
        auth_destroy(out);
    }
    return status;
}

void auth_destroy(struct auth **auth_p)
{
    struct auth *auth = *auth_p;
    if (auth == NULL) {
        return;
    }
    keyring_destroy(&auth->keyring);
    secret_destroy(&auth->secret);
    known_destroy(&auth->known);
    roles_destroy(&auth->roles);
    free(auth);
    *auth_p = NULL;
}

void auth_sweep(struct auth *auth, wall_time now)
{
    const bool changed =
        auth->keyring != NULL ? keyring_refresh(auth->keyring) : secret_refresh(auth->secret);
    if (changed) {
        known_clear(
            auth->known); /* What was signed with a key that is gone is not good any more. */
    }
    known_expire(auth->known, now);
}

bool auth_is_secret(const struct auth *auth, struct str text)
{
    return auth->secret != NULL && secret_is(auth->secret, text);
}

struct identity *auth_find(struct auth *auth, struct auth_claim *claim, wall_time now)
{
    crypto_generichash_state state;
    const struct str parts[] = {claim->token, claim->user, claim->groups};
    crypto_generichash_init(&state, auth->key, sizeof auth->key, sizeof claim->digest);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        crypto_generichash_update(&state, (const unsigned char *)&parts[i].len,
                                  sizeof parts[i].len);
        crypto_generichash_update(&state, (const unsigned char *)parts[i].p, parts[i].len);
    }
    crypto_generichash_final(&state, claim->digest, sizeof claim->digest);
    struct identity *identity = known_find(auth->known, claim->digest, now);
    auth->counters.known += identity != NULL;
    return identity;
}

/* What somebody may see who belongs to these groups. A file without roles tells nobody apart: who
 * has signed in sees everything. */
static const struct view *view_of_groups(const struct auth *auth, const struct groups *groups)
{
    return auth->config->role_count == 0 ? view_everything()
                                         : roles_view(auth->roles, groups->list, groups->count);
}

/* What they may push. Without roles nobody was told to push, and so nobody may. */
static void pushes_of_groups(const struct auth *auth, const struct groups *groups,
                             struct buf *pushes)
{
    roles_pushes(auth->roles, groups->list, groups->count, pushes);
}

/* What a token's bearer may see: its claim says it; without one, its groups do. */
static int view_of_token(const struct auth *auth, const struct token *token,
                         const struct view **out, struct buf *pushes, struct error *err)
{
    struct groups groups = {0};
    if (token->view != NULL) {
        const int status = claim_parse(token->view, out, err);
        return status == STATUS_OK ? claim_pushes(token->view, pushes, err) : status;
    }
    groups_add_json(&groups, token->groups);
    *out = view_of_groups(auth, &groups);
    pushes_of_groups(auth, &groups, pushes);
    groups_free(&groups);
    return STATUS_OK;
}

static int check_token(const struct auth *auth, const struct auth_claim *claim, wall_time now,
                       struct identity **out, struct error *err)
{
    const int64_t leeway_us = auth->config->jwt.leeway_ms * US_PER_MS;
    struct token token;
    const struct view *view = NULL;
    struct buf pushes = {0};
    int status = token_check(claim->token, auth->keyring, now, leeway_us, &token, err);
    if (status != STATUS_OK) {
        return status;
    }
    status = view_of_token(auth, &token, &view, &pushes, err);
    if (status == STATUS_OK) {
        *out = identity_create(token.subject, str_of(token.issuer->issuer), view, token.expires,
                               wall_add_us(token.expires, leeway_us));
        identity_set_pushes(*out, buf_str(&pushes));
    }
    buf_free(&pushes);
    view_release(&view);
    json_free(token.claims);
    return status;
}

static int check_user(const struct auth *auth, const struct auth_claim *claim,
                      struct identity **out, struct error *err)
{
    struct groups groups = {0};
    if (claim->user.len > TOKEN_SUBJECT_MAX) {
        return error_set(err, STATUS_INVALID, "the user's name has more than %d bytes",
                         TOKEN_SUBJECT_MAX);
    }
    groups_add_names(&groups, claim->groups);
    const struct view *view = view_of_groups(auth, &groups);
    *out = identity_create(claim->user, STR(""), view, WALL_NEVER, WALL_NEVER);
    struct buf pushes = {0};
    pushes_of_groups(auth, &groups, &pushes);
    identity_set_pushes(*out, buf_str(&pushes));
    buf_free(&pushes);
    view_release(&view);
    groups_free(&groups);
    return STATUS_OK;
}

int auth_check(struct auth *auth, const struct auth_claim *claim, wall_time now,
               struct identity **out, struct error *err)
{
    struct identity *identity = NULL;
    const int status = auth->keyring != NULL ? check_token(auth, claim, now, &identity, err)
                                             : check_user(auth, claim, &identity, err);
    *out = identity;
    if (status != STATUS_OK) {
        auth->counters.refused++;
        return status;
    }
    auth->counters.checked++;
    known_add(auth->known, claim->digest, identity);
    identity_release(&identity); /* the table has it */
    return STATUS_OK;
}

struct auth_counters *auth_counters(struct auth *auth)
{
    return &auth->counters;
}

size_t auth_known(const struct auth *auth)
{
    return known_count(auth->known);
}

size_t auth_known_bytes(const struct auth *auth)
{
    return known_bytes(auth->known);
}

size_t auth_keys(const struct auth *auth)
{
    return auth->keyring != NULL ? keyring_count(auth->keyring) : 0;
}

uint64_t auth_file_failures(const struct auth *auth)
{
    return auth->keyring != NULL ? keyring_failures(auth->keyring) : secret_failures(auth->secret);
}
