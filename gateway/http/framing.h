/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether a request is framed as RFC 9112 wants it, so that a proxy in front and the gateway never
 * see different requests in the same bytes (request smuggling).
 *
 * Libmicrohttpd 0.9.75 is lenient: of two lengths it takes the first, of a length and a transfer
 * coding the coding, and names, values and paths end for it at a NUL. A name before a folded line
 * becomes another one, and a line without a name is left out. But it hands over texts that lie in
 * the buffer where they came in, one behind the other, and says how long the whole is:
 *
 *     GET /api/tiles HTTP/1.1..Host: localhost..Accept: text/html....
 *     |   |          |         |     |          |       |            |
 *     method target  version   name  value      name    value        the end
 *
 * So it shows when a byte was passed over: each text has to begin where the one before it says. No
 * byte is read that was not handed over. detach_self_test tries at each start whether it is so.
 *
 * Libmicrohttpd 1.0 leaves blanks out that stand at the end of a line. Where it is told to be
 * strict (JUDGE_MHD_IS_STRICT) it refuses by itself what could stand there besides: an LF alone, a
 * NUL, a folded line. So between two of its texts there may be blanks, which are looked at.
 *
 * Pure.
 */
#ifndef GATEWAY_HTTP_FRAMING_H
#define GATEWAY_HTTP_FRAMING_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/str.h"

struct framing_fault {
    unsigned status;    /* to be answered with, upon which the connection is closed */
    const char *detail; /* a sentence for the client */
};

/* What a target is, as it came. Later on its escapes are decoded where it lies. */
enum framing_form {
    FRAMING_PATH,
    FRAMING_URI,   /* "http://…" or "https://…" */
    FRAMING_STAR,  /* "*" */
    FRAMING_OTHER, /* "localhost:80", for CONNECT */
    FRAMING_NONE,  /* it holds what no target holds */
};

struct framing_target {
    struct str text;        /* with the query */
    enum framing_form form; /* how the target is written */
};

struct framing {
    const char *begin;                 /* of the method */
    const char *next;                  /* where the next line has to begin */
    const struct framing_fault *fault; /* the first one; NULL: there is none so far */
    bool trims;                        /* values come without the blanks at their end */
    bool http_1_0;                     /* the client speaks HTTP/1.0 */
    bool host;                         /* there is a Host */
    bool length;                       /* there is a Content-Length */
    bool chunked;                      /* there is a Transfer-Encoding, and it is chunked */
};

/* Looks at a target as it came, with the query. The text is borrowed. */
struct framing_target framing_target(const char *text);

/* Each is in the buffer of libmicrohttpd, and lives as long as the request. trims: libmicrohttpd is
 * strict, and leaves blanks out at the end of values. */
void framing_begin(struct framing *framing, const char *method, struct framing_target target,
                   const char *version, bool trims);

/* A line of the header, in their order. */
void framing_line(struct framing *framing, struct str name, struct str value);

/* What is wrong with the value of a Content-Length, a constant; NULL: it is a number that a length
 * may be. */
const struct framing_fault *framing_length_fault(struct str value);

/* All lines were there, of a header of so many bytes from the method on. Returns what is wrong with
 * the request, a constant, or NULL. */
const struct framing_fault *framing_end(struct framing *framing, size_t header_bytes);

#endif
