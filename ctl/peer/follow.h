/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What `tail` prints for the messages of a PUB socket, and where messages are missing among them.
 *
 * In each lane each message has the next sequence; a heartbeat repeats the last one. So a message
 * that is not the next one, or a heartbeat that is ahead, tells of a gap. A greater epoch means
 * that the ingestor has started anew; its sequences begin at 1.
 *
 *     message 7, message 8, message 11      9 and 10 are missing
 *     message 7, heartbeat 9                8 and 9 are missing
 *     message 7, heartbeat 7                nothing is missing
 *
 * Pure: no sockets, no clock.
 */
#ifndef CTL_PEER_FOLLOW_H
#define CTL_PEER_FOLLOW_H

#include <stdio.h>

#include "common/wire/version.h"
#include "common/wire/wire.h"

struct follow {
    struct version last[LANES_MAX]; /* of each lane; {0, 0}: nothing was heard there yet */
    const char *prefix;             /* Tiles are printed when their keys begin with it. Borrowed. */
    bool events;                    /* True when raw events are printed, too. */
    uint64_t lines;                 /* how many were printed so far */
    uint64_t malformed;             /* how many messages could not be read */
    FILE *out;                      /* borrowed */
    struct mp_doc doc;              /* of the last message */
};

/* prefix and out are borrowed. follow_finish frees what was filled. */
void follow_init(struct follow *follow, const char *prefix, bool events, FILE *out);
void follow_finish(struct follow *follow);

/* Prints the lines that a message makes: a gap, a new epoch, a change, an event. */
void follow_message(struct follow *follow, const struct str frames[WIRE_FRAMES]);

#endif
