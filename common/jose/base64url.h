/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Base64url without padding (RFC 4648, 5), in which all of JOSE is written.
 *
 * The folder common/jose is what tokens are made of (RFC 7515, 7517, 7518, 8037): keys, and texts
 * that they have signed. The gateway checks tokens, and `tilewire token` makes them.
 */
#ifndef COMMON_JOSE_BASE64URL_H
#define COMMON_JOSE_BASE64URL_H

#include <stdbool.h>

#include "common/base/buf.h"
#include "common/base/str.h"

void base64url_append(struct buf *out, struct str bytes);

/* Appends the bytes that the text stands for. False, and nothing is appended, when it has another
 * character, or does not end as it has to: each run of bytes is written in one way only. */
bool base64url_read(struct buf *out, struct str text);

#endif
