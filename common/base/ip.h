/* SPDX-License-Identifier: Apache-2.0 */
/*
 * IP addresses and ranges of them. An IPv4 address is kept as the IPv6 address ::ffff:a.b.c.d
 * (RFC 4291, 2.5.5.2), so that there is only one kind.
 *
 * Pure. Both structs are plain values, to be copied and compared as bytes.
 */
#ifndef COMMON_BASE_IP_H
#define COMMON_BASE_IP_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/str.h"

struct ip {
    uint8_t bytes[16]; /* in network order */
};

/* All addresses that begin with the first `bits` bits of `ip`. */
struct ip_range {
    struct ip ip;  /* zero beyond the first `bits` bits */
    unsigned bits; /* 0 to 128; for IPv4 it is 96 more than what people write */
};

#define IP_TEXT_SIZE 46 /* bytes of the longest text, the terminating NUL included */

/* Reads "127.0.0.1", "::1" or "::ffff:10.0.0.1", without brackets and without a zone. False, and
 * *out left alone, for anything else. */
bool ip_parse(struct str text, struct ip *out);

/* Reads "10.0.0.0/8", "fd00::/8", or a single address. False, and *out left alone, for anything
 * else, and when bits beyond the prefix are set, as in "10.0.0.1/8". */
bool ip_range_parse(struct str text, struct ip_range *out);

bool ip_range_contains(const struct ip_range *range, const struct ip *ip);

/* True for 127.0.0.0/8 and ::1. */
bool ip_is_loopback(const struct ip *ip);

/* True for 0.0.0.0 and ::, which stand for every address of the machine. */
bool ip_is_any(const struct ip *ip);

/* Writes 10.0.0.1 or fd00::1, and returns out. */
char *ip_format(const struct ip *ip, char out[IP_TEXT_SIZE]);

#endif
