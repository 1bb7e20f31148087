/* SPDX-License-Identifier: Apache-2.0 */
/* What one turn of a catch-up sends: pieces, gathered for one send(). catch_up.c settles them. */
#ifndef GATEWAY_STREAM_GATHER_H
#define GATEWAY_STREAM_GATHER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/blob.h"
#include "gateway/stream/transport.h"

#define GATHER_SLOW_BYTES (16 << 10) /* Gathered for a socket that was full: about its room. */

enum piece_kind {
    PIECE_REST,    /* The rest of `unfinished`. */
    PIECE_RESET,   /* The message `reset`. */
    PIECE_CONTROL, /* A control frame of the transport. */
    PIECE_VALUE,   /* The message of a tile or event. */
    PIECE_BLOCK,   /* All of these but the rest, compressed. */
};

struct piece {
    enum piece_kind kind; /* What it says. */
    unsigned control;     /* PIECE_CONTROL: its number. */
    bool resets;          /* It is, or has in it, the message `reset`. */
    size_t messages;      /* How many messages it is. */
    size_t end;           /* Where it ends in the gathered bytes. */
    uint64_t watermark;   /* The stream's watermark once the client has this piece. */
    struct blob *shared;  /* The frame, if others keep it, too; else NULL. */
};

/* Gathers what the stream gets next into `gather` and `pieces` of the engine, and sets what that
 * work costs. Changes nothing of the stream but its watermark. False: there may be more values,
 * which this turn has not come to. */
bool gather_turn(struct streams *s, struct stream *stream, enum transport_order order);

/* Gives back what the pieces hold. */
void gather_finish(struct streams *s);

/* What is left of `unfinished`. */
struct str gather_rest(const struct stream *stream);

#endif
