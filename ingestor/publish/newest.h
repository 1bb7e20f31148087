/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The batches that hold the newest events, while tiles are built from a whole table.
 *
 * Nobody asks for events yet, and most of them would leave the event log before anybody does. So
 * they are not put there one by one; the last batches are kept, and put there when the end of the
 * table is reached.
 */
#ifndef INGESTOR_PUBLISH_NEWEST_H
#define INGESTOR_PUBLISH_NEWEST_H

#include "ingestor/source/source.h"

struct newest {
    struct batch *batches; /* utlist, the oldest first; owned */
    size_t events;         /* how many there are in all batches together */
    size_t bytes;          /* memory of all batches together */
    uint64_t floor;        /* the ordinal up to which events were let go; 0 when none were */
};

/* Takes the batch over. Lets go of the oldest batches, as many as leave at least `wanted` events;
 * so fewer than `wanted` and a batch are kept. Lets go of more while what is kept takes more than
 * max_bytes, but for the newest batch. wanted must be at least 1. */
void newest_add(struct newest *newest, struct batch *batch, size_t wanted, size_t max_bytes);

/* Frees all batches, and makes the struct as it was at first: all zero. */
void newest_clear(struct newest *newest);

#endif
