/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A socket that publishes, and whose queues are bounded in bytes.
 *
 * Libzmq bounds the queue of a subscriber in messages, by the high-water mark, and a message may be
 * 100 B or 1 MiB. So the outlet remembers how long the last messages were, and keeps the mark at
 * as many of them as fit into OUTLET_QUEUE_BYTES together:
 *
 *     sizes   … 80 90 | 70 65000 65000 80 …  the newest
 *                       └── their sum is at most OUTLET_QUEUE_BYTES ──┘   mark: how many they are
 *
 * The queue of a subscriber that reads nothing is a run of messages, so it is bounded by that. One
 * that reads a little may hold large ones of before and as many small ones of now: twice that.
 * Beyond the mark messages are dropped for that subscriber alone, which finds a gap. While
 * connections end the mark stays as it is, until none has ended for a second (outlet.c).
 *
 * One thread, that which made it.
 */
#ifndef COMMON_NET_OUTLET_H
#define COMMON_NET_OUTLET_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/error.h"
#include "common/base/str.h"
#include "common/config/config.h"

#define OUTLET_QUEUE_BYTES ((size_t)64 << 20)

struct outlet;

/* type: ZMQ_PUB or ZMQ_XPUB, bound to the address. NULL on failure, and err says why. */
struct outlet *outlet_create(int type, const char *address, const struct config *config,
                             struct error *err);

/* Closes the socket and clears the pointer. An outlet that is NULL is fine. */
void outlet_destroy(struct outlet **outlet);

/* The socket, to be polled and read from. It stays the outlet's. */
void *outlet_socket(const struct outlet *outlet);

/* Sends a message without waiting. False when it could not be queued. */
bool outlet_send(struct outlet *outlet, const struct str *frames, size_t count);

#endif
