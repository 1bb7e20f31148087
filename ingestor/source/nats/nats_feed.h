/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages of the stream from a sequence on, as they come: a consumer of ours alone, which the
 * server forgets when we are gone (what NATS calls an ordered consumer, ADR 17 there).
 *
 *   server ──messages──► libnats ──► a thread of ours ──► queue ──► who reads
 *      ▲                                  │
 *      └── "go on", once the queue has ◄──┘     the server asks every so many bytes, and
 *          taken what came before                sends at most 32 MiB more until it is told
 *
 * The consumer numbers what it sends. Where a number is missing, the feed has failed, and another
 * one is begun behind what was read.
 */
#ifndef INGESTOR_SOURCE_NATS_NATS_FEED_H
#define INGESTOR_SOURCE_NATS_NATS_FEED_H

#include <pthread.h>

#include "ingestor/source/nats/nats_client.h"
#include "ingestor/source/nats/nats_queue.h"

struct nats_feed {
    struct nats_client *client;     /* borrowed */
    natsSubscription *subscription; /* what libnats delivers; NULL: none */
    struct nats_queue *queue;       /* what the thread has taken from it */
    pthread_t thread;               /* takes messages, and judges their numbers */
    bool running;                   /* the thread is */
    char *consumer;                 /* its name; owned */
    uint64_t end;   /* number of the last message that was there when it began, as the consumer
                       counts; 0: there was none */
    uint64_t taken; /* number of the last one that was taken */
    uint64_t known; /* number of the last one that was in the stream, as far as it was told */
};

struct nats_message {
    natsMsg *message;  /* the caller destroys it */
    uint64_t sequence; /* in the stream */
    int64_t time_ns;   /* when the server took it */
};

/* Begins with the message `from`, or the first one behind it. Zero-initialised: not open.
 * STATUS_IO. */
int nats_feed_open(struct nats_feed *feed, struct nats_client *client, uint64_t from,
                   struct error *err);
void nats_feed_close(struct nats_feed *feed);

/* The next message; out->message is NULL when none has come. STATUS_IO: one is missing, or none
 * will come any more. */
int nats_feed_take(struct nats_feed *feed, struct nats_message *out, struct error *err);

/* The same, but waits for it while one is due: without a message all that was there when the feed
 * began has been taken. STATUS_IO: nothing comes. */
int nats_feed_next(struct nats_feed *feed, struct nats_message *out, struct error *err);

/* True when all that was there when it began has been taken. */
static inline bool nats_feed_at_end(const struct nats_feed *feed)
{
    return feed->taken >= feed->end;
}

/* How far the server is: *delivered is how many messages it has sent, and *pending how many wait.
 * STATUS_IO: also when the consumer is gone. */
int nats_feed_ask(struct nats_feed *feed, uint64_t *delivered, uint64_t *pending,
                  struct error *err);

#endif
