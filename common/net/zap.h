/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The messages of ZAP (https://rfc.zeromq.org/spec/27/), by which libzmq asks whether a client may
 * connect. Pure.
 *
 *     request   [version][request id][domain][address][identity]["CURVE"][key, 32 bytes]
 *     reply     [version][request id][status][text][user id][metadata]
 */
#ifndef COMMON_NET_ZAP_H
#define COMMON_NET_ZAP_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/str.h"

#define ZAP_ADDRESS "inproc://zeromq.zap.01"
#define ZAP_REQUEST_FRAMES 7
#define ZAP_REPLY_FRAMES 6
#define ZAP_KEY_BYTES 32
#define ZAP_REQUEST_MAX 1024 /* bytes of a request */

struct zap_request {
    struct str id;            /* of the request, which its reply repeats */
    struct str domain;        /* which socket the peer connected to: CURVE_DOMAIN_… */
    struct str address;       /* the peer's IP, as text; empty for ipc */
    const unsigned char *key; /* ZAP_KEY_BYTES */
};

/* Reads a request; *out borrows from the frames. False when it is none for CURVE. */
bool zap_read(const struct str *frames, size_t count, struct zap_request *out);

/* Fills the frames of the reply. user is the client's name when it is let in, else NULL. They
 * borrow from the request and from user. */
void zap_reply(const struct zap_request *request, const char *user,
               struct str out[ZAP_REPLY_FRAMES]);

#endif
