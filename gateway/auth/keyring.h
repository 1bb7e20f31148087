/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The issuers whose tokens are accepted, each with the public keys of its file (a JSON Web Key Set,
 * RFC 7517). A key is found by its issuer and its kid together: no issuer can sign for another.
 *
 * A file that cannot be used leaves its issuer's keys as they were. Keys that are for something
 * else, for encryption say, are passed over. One thread.
 */
#ifndef GATEWAY_AUTH_KEYRING_H
#define GATEWAY_AUTH_KEYRING_H

#include "common/base/error.h"
#include "common/base/str.h"
#include "common/config/auth.h"
#include "common/jose/jwk.h"

#define KEYRING_FILE_MAX ((size_t)256 * 1024) /* bytes of a file */
#define KEYRING_KEYS_MAX 64                   /* keys of an issuer */

struct issuer;
struct keyring;

/* Reads all files. config: borrowed. A status of keyring_parse, or of watched_read, when one cannot
 * be used. */
int keyring_create(const struct config_gateway_jwt *config, struct keyring **out,
                   struct error *err);
void keyring_destroy(struct keyring **keyring);

/* Reads the files that have changed; call it about every second. True when keys are others now. */
bool keyring_refresh(struct keyring *keyring);

/* How often a changed file could not be used. */
uint64_t keyring_failures(const struct keyring *keyring);

/* How many keys there are. */
size_t keyring_count(const struct keyring *keyring);

/* The issuer with that name; NULL when there is none. */
const struct issuer *keyring_issuer(const struct keyring *keyring, struct str name);

/* What the configuration says of it. */
const struct config_issuer *keyring_issuer_config(const struct issuer *issuer);

/* Its key with that kid; NULL when there is none. */
const struct jwk *keyring_issuer_key(const struct issuer *issuer, struct str kid);

#endif
