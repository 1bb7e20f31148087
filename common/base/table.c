/* SPDX-License-Identifier: Apache-2.0 */
#include "common/base/table.h"

#include <sodium/crypto_shorthash.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static unsigned char secret[crypto_shorthash_KEYBYTES];

/* Before main, and so before there is a table or a thread. */
__attribute__((constructor)) static void make_secret(void)
{
    arc4random_buf(secret, sizeof secret);
}

unsigned table_hash(const void *key, size_t len)
{
    unsigned char bytes[crypto_shorthash_BYTES];
    uint32_t hash;
    (void)crypto_shorthash(bytes, key, len, secret);
    memcpy(&hash, bytes, sizeof hash);
    return hash;
}
