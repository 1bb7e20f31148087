/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A ring of bytes: any stretch of it, also one that wraps round, is one piece of memory and one
 * send(). A large one is mapped twice, one copy behind the other. A small one, of which there may
 * be a hundred thousand, is a piece of the heap, whose content moves to its beginning where there
 * is no room at its end.
 *
 *   mapping   [ a b c d e f g h | a b c d e f g h ]     the same pages twice
 *                         └─────────┘ f g h a b
 *
 *   heap      [ . . . d e f g h ]  ──►  [ d e f g h i . . ]
 *
 * Positions are absolute and only grow; tail <= head, head - tail <= size. They outlive the memory.
 */
#ifndef GATEWAY_STREAM_RING_H
#define GATEWAY_STREAM_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/str.h"

#define RING_MAPPED_BYTES ((size_t)64 << 10) /* Rings of so many bytes and more are mapped. */

struct ring {
    char *map;   /* Mapped: 2 * size bytes; else size bytes of the heap. NULL: it has no memory. */
    size_t size; /* Bytes that it has room for; 0: it has no memory. */
    uint64_t tail; /* The oldest byte kept. */
    uint64_t head; /* Where the next byte goes. */
    uint64_t base; /* Not mapped: the position of the first byte of the memory. */
};

static inline bool ring_is_mapped(const struct ring *ring)
{
    return ring->size >= RING_MAPPED_BYTES;
}

/* Takes memory for a ring that has none, and is empty: for so many bytes, in whole pages if it is
 * mapped. STATUS_IO when memory cannot be mapped. */
int ring_take(struct ring *ring, size_t size);

/* Gives the memory back, and with it all bytes that are kept. The next byte goes where it would
 * have gone. */
void ring_give_back(struct ring *ring);

/* Appends; the caller has made room: len <= size - (head - tail). */
void ring_append(struct ring *ring, struct str bytes);

/* The bytes from a position (within tail and head) to the head. */
struct str ring_from(const struct ring *ring, uint64_t position);

/* Replaces the memory by twice as much; positions stay valid. STATUS_IO: nothing changed. */
int ring_grow(struct ring *ring);

#endif
