/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading what a WebSocket's client sends, and holding it to RFC 6455. wslay takes the frames
 * apart; this puts messages together, and says what is wrong with which code.
 *
 * One parser serves all connections: between two frames it knows nothing. A connection that is in
 * the middle of a frame or of a message has a struct ws_partial, all others have none.
 *
 *   bytes ──► partial.raw ──► whole frames ──► control: handed on at once
 *             (a part of one)              └─► text: partial.message, until its last fragment
 *
 * Bounded: raw by the header and the largest message, message by the largest message. The only
 * file that knows wslay.
 */
#ifndef GATEWAY_WS_INPUT_H
#define GATEWAY_WS_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gateway/ws/frame.h"

struct ws_parser;

struct ws_parser *ws_parser_create(void);
void ws_parser_destroy(struct ws_parser **parser);

/* What of a frame or message has come. Zero: nothing is half-way. */
struct ws_partial {
    struct buf raw;     /* The beginning of a frame, as it came. */
    size_t need;        /* How long `raw` has to be before it is worth reading again. */
    struct buf message; /* The fragments that have come of a message, unmasked. */
    bool in_message;    /* More fragments are to come. */
};

/* True when nothing is half-way. */
bool ws_partial_empty(const struct ws_partial *partial);
void ws_partial_free(struct ws_partial *partial);

/* What is called for what came. A function that returns false wants no more: the rest of the bytes
 * is thrown away. */
struct ws_handler {
    /* A frame came whole; called before the function for what it says, so that frames can be
     * counted.
     */
    bool (*frame)(void *arg);
    /* The text is valid UTF-8. */
    bool (*message)(void *arg, struct str text);
    /* The payload has at most WS_CONTROL_MAX bytes. */
    bool (*ping)(void *arg, struct str payload);
    /* The code is one that may be sent, or WS_CODE_NONE. */
    bool (*close)(void *arg, enum ws_code code);
    /* The client broke a rule; nothing is called after this. The reason is a sentence of at most
     * WS_CONTROL_MAX - 2 bytes. */
    void (*wrong)(void *arg, enum ws_code code, const char *reason);
    void *arg; /* What all of them are called with. */
};

/* Takes in bytes that came. A message of more than max_message bytes is WS_CODE_TOO_BIG as soon as
 * its length is known. */
void ws_input(struct ws_parser *parser, struct ws_partial *partial, struct str bytes,
              size_t max_message, const struct ws_handler *handler);

#endif
