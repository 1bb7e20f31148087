/* SPDX-License-Identifier: Apache-2.0 */
/* IP addresses and ranges of them. An IPv4 address is kept as IPv6, ::ffff:a.b.c.d, so that there
 * is one kind. */
#ifndef COMMON_BASE_IP_H
#define COMMON_BASE_IP_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/str.h"

struct ip {
    uint8_t bytes[16]; /* in network order */
};

/* Addresses whose first `bits` bits are those of `ip`; the rest of ip is zero. */
struct ip_range {
    struct ip ip;
    unsigned bits; /* 0 to 128; 96 more than written for IPv4 */
};

#define IP_TEXT_SIZE 46

/* "127.0.0.1", "::1", "::ffff:10.0.0.1"; no brackets, no zone. False, and *out left alone, for
 * anything else. */
bool ip_parse(struct str text, struct ip *out);

/* "10.0.0.0/8", "fd00::/8", or a single address. False, and *out left alone, for anything else, and
 * when bits beyond the prefix are set ("10.0.0.1/8"). */
bool ip_range_parse(struct str text, struct ip_range *out);

bool ip_range_contains(const struct ip_range *range, const struct ip *ip);
bool ip_is_loopback(const struct ip *ip); /* 127.0.0.0/8, ::1 */
bool ip_is_any(const struct ip *ip);      /* 0.0.0.0, :: */

/* Writes 10.0.0.1 or fd00::1, and returns out. */
char *ip_format(const struct ip *ip, char out[IP_TEXT_SIZE]);

#endif
