/* SPDX-License-Identifier: Apache-2.0 */
/* The forms that values of the configuration have: durations, sizes, addresses and keys. These are
 * pure functions of a text. */
#ifndef COMMON_CONFIG_FILE_VALUES_H
#define COMMON_CONFIG_FILE_VALUES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/arena.h"
#include "common/base/ip.h"
#include "common/base/str.h"

#define CONFIG_VALUE_TEXT_SIZE 32

/* Reads "250ms", "2s", "1.5s", "5m", "1h", "7d" or "0". Returns false and leaves *out_ms alone for
 * anything else, for what is no whole number of milliseconds, and for more than 100 years. */
bool config_duration_parse(struct str text, int64_t *out_ms);

/* Writes a duration in the shortest way: 90000 is "90s", 3600000 is "1h". ms >= 0. Returns out. */
char *config_duration_format(int64_t ms, char out[CONFIG_VALUE_TEXT_SIZE]);

/* Reads a number of bytes: "4096", "64KiB", "1MiB" or "2GiB". Returns false and leaves *out_bytes
 * alone for anything else. */
bool config_size_parse(struct str text, int64_t *out_bytes);
char *config_size_format(int64_t bytes, char out[CONFIG_VALUE_TEXT_SIZE]);

/* Reads digits, perhaps after a minus sign, within the range of int64_t. Returns false and leaves
 * *out alone for anything else. */
bool config_whole_number_parse(struct str text, int64_t *out);

/* What a ZeroMQ address says. */
struct config_endpoint {
    bool ipc;        /* True for ipc:///PATH; the rest is not used then. */
    bool wildcard;   /* True when the host is `*`. */
    bool numeric;    /* True when the host is an IP address, which is in ip. */
    struct ip ip;    /* the address, if it is numeric */
    struct str host; /* a piece of the text, without the brackets of IPv6 */
    uint16_t port;   /* >= 1 */
};

/* Reads "tcp://HOST:PORT" (IPv6 in brackets, `*` for all addresses) or "ipc:///PATH". Returns NULL,
 * or what was expected: a phrase that follows "expected …". */
const char *config_endpoint_parse(struct str text, struct config_endpoint *out);

/* Reads "HOST:PORT", as config_endpoint_parse does behind tcp://. */
const char *config_host_port_parse(struct str text, struct config_endpoint *out);

/* True when text is a CURVE key: 40 characters of Z85. */
bool config_curve_key_valid(struct str text);

/* How many letters have to be inserted, dropped, changed or swapped to get from one text to the
 * other, regardless of case. More than limit is given as limit + 1. */
unsigned config_edit_distance(struct str a, struct str b, unsigned limit);

/* True when b is probably what somebody who wrote a meant. */
bool config_similar(struct str a, struct str b);

#endif
