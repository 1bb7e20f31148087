/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys, read from and written as JSON Web Keys (RFC 7517), and what they sign. There are three
 * algorithms, each with its own kind of key: EdDSA (OKP, Ed25519), ES256 (EC, P-256) and RS256 (RSA
 * of 2048 to 8192 bits). A key belongs to one of them for good, so that no token can have it used
 * for another.
 *
 * jwk.c is the only file that knows GnuTLS. One thread.
 */
#ifndef COMMON_JOSE_JWK_H
#define COMMON_JOSE_JWK_H

#include <stdbool.h>

#include "common/base/buf.h"
#include "common/base/error.h"
#include "common/base/str.h"
#include "common/codec/json.h"

enum jose_alg { JOSE_EDDSA, JOSE_ES256, JOSE_RS256 };

/* "EdDSA", "ES256" or "RS256"; and back: false for every other word. */
const char *jose_alg_name(enum jose_alg alg);
bool jose_alg_parse(struct str name, enum jose_alg *out);

struct jwk;

/* Reads a public key, which the caller destroys. jwk: a map. STATUS_NOT_FOUND: it is of a kind, or
 * for a use or an algorithm, that is not ours. STATUS_INVALID: it is malformed, too short, or holds
 * what is secret. */
int jwk_read_public(const struct json_value *jwk, struct jwk **out, struct error *err);

/* Reads a pair of keys. The same errors, but that it has to hold what is secret. */
int jwk_read_private(const struct json_value *jwk, struct jwk **out, struct error *err);

/* Makes a pair of keys. STATUS_IO when that fails. */
int jwk_generate(enum jose_alg alg, struct jwk **out, struct error *err);

void jwk_destroy(struct jwk **key);

enum jose_alg jwk_alg(const struct jwk *key);

/* True when the signature of the text is that of the pair to which the key belongs. */
bool jwk_verify(const struct jwk *key, struct str text, struct str signature);

/* Appends the signature of the text; the key is a pair. STATUS_IO when that fails. */
int jwk_sign(const struct jwk *key, struct str text, struct buf *out, struct error *err);

/* Appends the key as JSON, with `kid`, `alg` and `use`; with_secret: only of a pair. The kid is the
 * key's thumbprint (RFC 7638). */
void jwk_write(const struct jwk *key, bool with_secret, struct buf *out);

/* Appends the thumbprint. */
void jwk_write_thumbprint(const struct jwk *key, struct buf *out);

#endif
