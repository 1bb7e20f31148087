/* SPDX-License-Identifier: Apache-2.0 */
/* The forms that values of the configuration have: durations, sizes, addresses, keys. Pure
 * functions of their text. */
#ifndef COMMON_CONFIG_VALUES_H
#define COMMON_CONFIG_VALUES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/arena.h"
#include "common/base/ip.h"
#include "common/base/str.h"

#define DURATION_TEXT_SIZE 32

/* "250ms", "2s", "1.5s", "5m", "1h", "7d", or "0". False, and *out left alone, for anything else,
 * for what is no whole number of milliseconds, and for more than 100 years. */
bool duration_parse(struct str text, int64_t *out_ms);

/* The shortest way to write it: 90000 is "90s", 3600000 is "1h". ms >= 0. Returns out. */
char *duration_format(int64_t ms, char out[DURATION_TEXT_SIZE]);

/* Bytes: "4096", "64KiB", "1MiB", "2GiB". False, and *out left alone, for anything else. */
bool size_parse(struct str text, int64_t *out_bytes);
char *size_format(int64_t bytes, char out[DURATION_TEXT_SIZE]);

/* Digits, perhaps after a minus sign, within the range of int64. False, and *out left alone,
 * otherwise. */
bool whole_number_parse(struct str text, int64_t *out);

/* What a ZeroMQ address says. */
struct endpoint {
    bool ipc;      /* ipc:///path: the rest is not used */
    bool wildcard; /* the host is `*` */
    bool numeric;  /* ip holds an address; else host is a name */
    struct ip ip;
    struct str host; /* borrowed, without the brackets of IPv6 */
    uint16_t port;   /* >= 1 */
};

/* "tcp://HOST:PORT" (IPv6 in brackets, `*` for all addresses) or "ipc:///PATH". Returns NULL, or
 * what is wrong with it: a sentence that follows "expected …". */
const char *endpoint_parse(struct str text, struct endpoint *out);

/* "HOST:PORT", as endpoint_parse does without tcp://. */
const char *host_port_parse(struct str text, struct endpoint *out);

/* Is text a CURVE key: 40 characters of Z85? */
bool curve_key_valid(struct str text);

/* How many letters to insert, drop, change or swap to get from one to the other, regardless of
 * case; more than limit is given as limit + 1. */
unsigned edit_distance(struct str a, struct str b, unsigned limit);

/* Is b what somebody who wrote a probably meant? */
bool similar(struct str a, struct str b);

#endif
