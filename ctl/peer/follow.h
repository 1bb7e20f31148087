/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What `tail` prints for the messages of a PUB socket, and where messages are missing among them.
 *
 * In each lane each message has the next sequence; a beat repeats the last one. So a message that
 * is not the next one, or a beat that is ahead, tells of a gap. A greater epoch means that the
 * ingestor has started anew; its sequences begin at 1.
 *
 * Pure: no sockets, no clock.
 */
#ifndef CTL_PEER_FOLLOW_H
#define CTL_PEER_FOLLOW_H

#include <stdio.h>

#include "common/wire/version.h"
#include "common/wire/wire.h"

struct follow {
    struct version last[LANES_MAX]; /* {0, 0}: nothing was heard in that lane yet */
    const char *prefix;             /* of the keys of tiles that are printed */
    bool events;                    /* print raw events */
    uint64_t lines;                 /* printed so far */
    uint64_t malformed;             /* messages that were none */
    FILE *out;
    struct mp_doc doc;
};

void follow_init(struct follow *follow, const char *prefix, bool events, FILE *out);
void follow_finish(struct follow *follow);

/* Prints the lines that a message makes: a gap, a new epoch, a change, an event. */
void follow_message(struct follow *follow, const struct str frames[WIRE_FRAMES]);

#endif
