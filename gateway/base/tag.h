/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the gateway's one epoll says about a descriptor: 64 bits in data.u64.
 *
 *    63       56 55                                       0
 *   ┌───────────┬──────────────────────────────────────────┐
 *   │   kind    │                 payload                  │
 *   └───────────┴──────────────────────────────────────────┘
 *
 * The payload of a stream is its index, that of a waiting request the request's address, and the
 * gateway's own descriptors have none. An address fits: programs are given no more than 56 bits of
 * them, on x86-64 and on ARM.
 */
#ifndef GATEWAY_BASE_TAG_H
#define GATEWAY_BASE_TAG_H

#include <assert.h>
#include <stdint.h>

#define TAG_SHIFT 56

enum tag_kind {
    TAG_HTTP = 1,      /* libmicrohttpd's own epoll */
    TAG_LINK = 2,      /* a socket of ZeroMQ's */
    TAG_SIGNAL = 3,    /* the descriptor that signals come through */
    TAG_WAITING = 4,   /* the connection of a request that waits */
    TAG_STREAM = 0x80, /* a stream's socket; STREAMS_EPOLL_TAG of gateway/stream is the same bit */
};

/* The tag of a descriptor of which there is no more to say than its kind. */
static inline uint64_t tag_of(enum tag_kind kind)
{
    return (uint64_t)kind << TAG_SHIFT;
}

/* The tag of a descriptor that belongs to what lies at this address. */
static inline uint64_t tag_of_owner(enum tag_kind kind, const void *owner)
{
    const uint64_t address = (uintptr_t)owner;
    assert(address >> TAG_SHIFT == 0);
    return tag_of(kind) | address;
}

static inline enum tag_kind tag_kind(uint64_t tag)
{
    return (enum tag_kind)(tag >> TAG_SHIFT);
}

/* The owner of a tag that was made by tag_of_owner. */
static inline void *tag_owner(uint64_t tag)
{
    const union {
        uintptr_t address;
        void *owner;
    } cast = {.address = (uintptr_t)(tag & ((UINT64_C(1) << TAG_SHIFT) - 1))};
    return cast.owner;
}

#endif
