/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A ring of bytes that is mapped twice, one copy behind the other: any stretch of it, also one that
 * wraps round, is one piece of memory and one send().
 *
 *   mapping   [ a b c d e f g h | a b c d e f g h ]     the same pages twice
 *                         └─────────┘ f g h a b
 *
 * Positions are absolute and only grow; tail <= head, head - tail <= size.
 */
#ifndef GATEWAY_STREAM_RING_H
#define GATEWAY_STREAM_RING_H

#include <stddef.h>
#include <stdint.h>

#include "common/base/str.h"

struct ring {
    char *map;     /* 2 * size bytes */
    size_t size;   /* a power of two, in whole pages */
    uint64_t tail; /* oldest byte kept */
    uint64_t head; /* where the next byte goes */
};

/* size is rounded up to whole pages. STATUS_IO when memory cannot be mapped. */
int ring_init(struct ring *ring, size_t size);
void ring_finish(struct ring *ring);

/* Appends; the caller has made room: len <= size - (head - tail). */
void ring_append(struct ring *ring, struct str bytes);

/* The bytes from a position (within tail and head) to the head. */
struct str ring_from(const struct ring *ring, uint64_t position);

/* Replaces the memory by twice as much; positions stay valid. STATUS_IO: nothing changed. */
int ring_grow(struct ring *ring);

#endif
