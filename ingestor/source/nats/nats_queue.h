/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages on their way from the thread that receives them to the one that reads them. It has an
 * end in bytes: who puts waits there, and a server that hears nothing of us sends no more
 * (nats_feed.h).
 *
 * One thread puts, another takes; all but create and destroy may be called at the same time.
 */
#ifndef INGESTOR_SOURCE_NATS_NATS_QUEUE_H
#define INGESTOR_SOURCE_NATS_NATS_QUEUE_H

#include <nats/nats.h>
#include <stdbool.h>
#include <stddef.h>

#define NATS_QUEUE_BYTES ((size_t)8 << 20) /* the message that goes beyond is the last one */
#define NATS_QUEUE_MESSAGES 16384          /* a power of two */

struct nats_queue;

/* NULL: out of descriptors. */
struct nats_queue *nats_queue_create(void);
void nats_queue_destroy(struct nats_queue **queue);

/* Takes the message over, and waits while there is no room. False: the queue was closed. */
bool nats_queue_put(struct nats_queue *queue, natsMsg *message);

/* The next message, which the caller destroys; NULL: there is none. */
natsMsg *nats_queue_take(struct nats_queue *queue);

bool nats_queue_is_empty(struct nats_queue *queue);

/* Nothing is put any more; what is there can be taken. */
void nats_queue_close(struct nats_queue *queue);
bool nats_queue_is_closed(struct nats_queue *queue);

/* Readable when something was put, or the queue was closed, since nats_queue_hear. */
int nats_queue_fd(const struct nats_queue *queue);
void nats_queue_hear(struct nats_queue *queue);

#endif
