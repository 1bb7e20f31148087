/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who clients are: what they bring is turned into an identity (gateway/base/identity.h), by a token
 * that an issuer has signed, or by the word of a proxy.
 *
 *   auth          what was checked before; else one of these
 *   token         a signed token                  keyring    the issuers and their keys
 *   secret        what proves a proxy's word      known      what was checked before
 *   credentials   where in headers they are       watched    files that change
 *   groups        of which somebody is
 *
 * It knows no HTTP: gateway/api/who.c takes the credentials out of a request. One thread.
 */
#ifndef GATEWAY_AUTH_AUTH_H
#define GATEWAY_AUTH_AUTH_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/error.h"
#include "common/base/time/clock.h"
#include "common/config/config.h"
#include "gateway/auth/known.h"
#include "gateway/base/identity.h"

struct auth;

/* What a client brings; borrowed. Either a token, or a user and the groups, whom the proxy has
 * named, with the secret. */
struct auth_claim {
    struct str token;                  /* STR_NULL: it has none */
    struct str user;                   /* STR_NULL: no proxy has named it */
    struct str groups;                 /* joined by commas */
    uint8_t digest[KNOWN_DIGEST_SIZE]; /* set by auth_find */
};

struct auth_counters {
    uint64_t known;   /* Requests with credentials that were checked before. */
    uint64_t checked; /* Credentials that were checked and found good. */
    uint64_t refused; /* Credentials that were refused: 401. */
    uint64_t missing; /* Requests without credentials: 401. */
};

/* config: borrowed; its `auth` is not `none`. STATUS_IO and others when keys or secret cannot be
 * read. */
int auth_create(const struct config_gateway *config, struct auth **out, struct error *err);
void auth_destroy(struct auth **auth);

/* Looks if keys and secrets have changed, and forgets what has expired; call it about every
 * second. */
void auth_sweep(struct auth *auth, wall_time now);

/* True when the text is the secret that the proxy has. */
bool auth_is_secret(const struct auth *auth, struct str text);

/* Whose credentials these are, if they were checked before; NULL otherwise. Borrowed until the next
 * call. The claim has a token or a user. */
struct identity *auth_find(struct auth *auth, struct auth_claim *claim, wall_time now);

/* Checks credentials that auth_find did not find. *out is borrowed until the next call.
 * STATUS_INVALID: they are refused, and err says why, for whoever brought them. */
int auth_check(struct auth *auth, const struct auth_claim *claim, wall_time now,
               struct identity **out, struct error *err);

/* Borrowed; whoever asks counts those that bring nothing. */
struct auth_counters *auth_counters(struct auth *auth);

/* Figures: identities remembered and their bytes, keys, and changed files that could not be used.
 */
size_t auth_known(const struct auth *auth);
size_t auth_known_bytes(const struct auth *auth);
size_t auth_keys(const struct auth *auth);
uint64_t auth_file_failures(const struct auth *auth);

#endif
