/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tokens: signed texts that say who somebody is (JSON Web Tokens, RFC 7519, in the compact form of
 * RFC 7515), checked as RFC 8725 advises.
 *
 *   eyJhbGciOiJFZERTQSIs….eyJpc3MiOiJodHRwczovL….hgyY0il_MGCjP0JzlnLW…
 *   └ alg, kid ─────────┘ └ iss, aud, exp, sub ─┘ └ signature of both ┘
 *
 * The key is the one that the issuer has under that kid, and the algorithm is the key's: a token
 * that names another one is refused, whatever its signature.
 *
 * Pure. One thread.
 */
#ifndef GATEWAY_AUTH_TOKEN_H
#define GATEWAY_AUTH_TOKEN_H

#include "common/base/error.h"
#include "common/base/str.h"
#include "common/base/time/clock.h"
#include "common/codec/json.h"
#include "gateway/auth/keyring.h"

#define TOKEN_MAX ((size_t)8 * 1024) /* bytes of a token */
#define TOKEN_SUBJECT_MAX 255        /* bytes of who it is about */

struct token {
    const struct config_issuer
        *issuer;                     /* Who issued it; borrowed from the keyring's configuration. */
    struct str subject;              /* Who it is about; "" when it does not say. In claims. */
    wall_time expires;               /* Its `exp`. */
    const struct json_value *view;   /* The claim `tilewire`; NULL: there is none. In claims. */
    const struct json_value *groups; /* The claim that its issuer lists groups in, or NULL. */
    struct json_value *claims;       /* All of them; owned. */
};

/* Checks a token, and fills in *out, whose claims the caller frees. leeway_us: so much later than
 * `exp`, or earlier than `nbf`, is still good. Else STATUS_INVALID, and err says what is wrong, for
 * whoever sent it: it quotes nothing of the token. */
int token_check(struct str text, const struct keyring *keyring, wall_time now, int64_t leeway_us,
                struct token *out, struct error *err);

#endif
