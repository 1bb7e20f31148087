/* SPDX-License-Identifier: Apache-2.0 */
/* Content codings: what a client accepts. gateway/base/deflate.h compresses. Pure. */
#ifndef GATEWAY_HTTP_ENCODING_H
#define GATEWAY_HTTP_ENCODING_H

#include <stdbool.h>

#include "common/base/str.h"

/* What Accept-Encoding says of each coding: its weight (RFC 9110, 12.5.3) in thousandths, -1 when
 * it is not mentioned. Begin with ENCODING_NOTHING. */
struct encoding_weights {
    int gzip;     /* The weight of gzip. */
    int identity; /* The weight of no coding at all. */
    int any;      /* The weight of `*`. */
};
#define ENCODING_NOTHING ((struct encoding_weights){-1, -1, -1})

/* Takes up one line of Accept-Encoding. A weight that cannot be read counts as 1, as it does with
 * most servers. */
void encoding_take_line(struct encoding_weights *accepted, struct str line);

/* True when gzip is accepted, and not liked less than what is not compressed. */
bool encoding_wants_gzip(const struct encoding_weights *accepted);

#endif
