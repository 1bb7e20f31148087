/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The batches that hold the newest events. While tiles are built from a whole table nobody asks for
 * events yet, and most of them would leave the event log before anybody does; so they are not put
 * there one by one, but the last batches are kept until the end is reached.
 */
#ifndef INGESTOR_PUBLISH_NEWEST_H
#define INGESTOR_PUBLISH_NEWEST_H

#include "ingestor/source/source.h"

struct newest {
    struct batch *batches; /* oldest first */
    size_t events;         /* in all of them */
    uint64_t floor;        /* ordinal up to which events were let go; 0: none were */
};

/* Takes the batch over. Of the older ones those are let go that `wanted` events, at least 1, can do
 * without: so at most that many are kept, and a batch more. */
void newest_add(struct newest *newest, struct batch *batch, size_t wanted);

/* Lets go of all, and begins anew. */
void newest_clear(struct newest *newest);

#endif
