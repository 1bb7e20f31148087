/* SPDX-License-Identifier: Apache-2.0 */
#include "common/jose/base64url.h"

#include <sodium.h>

#define VARIANT sodium_base64_VARIANT_URLSAFE_NO_PADDING

void base64url_append(struct buf *out, struct str bytes)
{
    const size_t size = sodium_base64_ENCODED_LEN(bytes.len, VARIANT);
    sodium_bin2base64(buf_reserve(out, size), size, (const unsigned char *)bytes.p, bytes.len,
                      VARIANT);
    out->len += size - 1; /* without the NUL */
}

/* Libsodium 1.0.18 takes some bytes beyond ASCII for digits, because its characters are signed. */
static bool is_ascii(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (((unsigned char)text.p[i] & 0x80) != 0) {
            return false;
        }
    }
    return true;
}

bool base64url_read(struct buf *out, struct str text)
{
    const size_t size = text.len / 4 * 3 + 3;
    unsigned char *bytes = (unsigned char *)buf_reserve(out, size);
    size_t len = 0;
    const char *end = NULL;
    if (text.p == NULL || !is_ascii(text) ||
        sodium_base642bin(bytes, size, text.p, text.len, NULL, &len, &end, VARIANT) != 0 ||
        end != text.p + text.len) {
        return false;
    }
    out->len += len;
    return true;
}
