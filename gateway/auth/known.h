/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Credentials that were checked before, so that a request costs a hash and not a signature. Kept
 * under a digest of the credentials, so that nobody reads them here; bounded in bytes: those that
 * were not used for the longest time leave.
 *
 * Pure. One thread.
 */
#ifndef GATEWAY_AUTH_KNOWN_H
#define GATEWAY_AUTH_KNOWN_H

#include <stddef.h>
#include <stdint.h>

#include "common/base/time/clock.h"
#include "gateway/base/identity.h"

#define KNOWN_DIGEST_SIZE 32

struct known;

struct known *known_create(size_t max_bytes);
void known_destroy(struct known **known);

/* Whose credentials these are; borrowed. NULL when that is not known, or not any more at `now`. */
struct identity *known_find(struct known *known, const uint8_t digest[KNOWN_DIGEST_SIZE],
                            wall_time now);

/* Remembers an identity, of which it becomes an owner; the digest was not found before. */
void known_add(struct known *known, const uint8_t digest[KNOWN_DIGEST_SIZE],
               struct identity *identity);

/* Forgets those that are not good any more. */
void known_expire(struct known *known, wall_time now);

/* Forgets all. */
void known_clear(struct known *known);

size_t known_count(const struct known *known);
size_t known_bytes(const struct known *known);

#endif
