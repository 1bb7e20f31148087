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

/* Zero: nothing is half-way. */
struct ws_partial {
    struct buf raw;     /* the beginning of a frame, as it came */
    size_t need;        /* how long raw must be before it is worth looking at again */
    struct buf message; /* unmasked, of the fragments that have come */
    bool in_message;    /* more fragments are to come */
};

bool ws_partial_empty(const struct ws_partial *partial);
void ws_partial_free(struct ws_partial *partial);

/*
 * Each is called for what came; false: no more is wanted, the rest is thrown away.
 * message: valid UTF-8. ping: at most WS_CONTROL_MAX bytes. close: the code may be WS_CODE_NONE,
 * and is one that may be sent. wrong: a rule was broken (never followed by anything else); reason
 * is a sentence, at most WS_CONTROL_MAX - 2 bytes. frame: before each of the others, for counting.
 */
struct ws_handler {
    bool (*frame)(void *arg);
    bool (*message)(void *arg, struct str text);
    bool (*ping)(void *arg, struct str payload);
    bool (*close)(void *arg, enum ws_code code);
    void (*wrong)(void *arg, enum ws_code code, const char *reason);
    void *arg;
};

/* Takes in bytes. max_message: a longer one is WS_CODE_TOO_BIG as soon as its length is known. */
void ws_input(struct ws_parser *parser, struct ws_partial *partial, struct str bytes,
              size_t max_message, const struct ws_handler *handler);

#endif
