/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Seeing to it that librdkafka goes on fetching.
 *
 *   queue        ▁▃▅▇█ full ▇▅▃ half ▃▅▇█ …
 *   librdkafka   fetches   sleeps │ fetches
 *                                 └ the brokers are asked something
 *
 * librdkafka 2.0.2 stops fetching when its queue is full, and looks again a second later, however
 * fast the queue has become short meanwhile. But the thread of a broker looks whenever it is given
 * something to do. So, when the queue is half as long as it was, and there is more to fetch, each
 * broker is asked how far one of its partitions reaches.
 *
 * The thread that opens it uses it.
 */
#ifndef INGESTOR_SOURCE_KAFKA_KAFKA_FETCH_H
#define INGESTOR_SOURCE_KAFKA_KAFKA_FETCH_H

#include <librdkafka/rdkafka.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KAFKA_LEADERS_MAX 1000

/* A partition that a broker is asked for. */
struct kafka_leader {
    int32_t broker;    /* its number */
    int32_t partition; /* one that it leads, of `topic` */
    char *topic;       /* owned */
};

/* Zero-initialised: no broker is known. */
struct kafka_fetch {
    struct kafka_leader *leaders; /* one a broker; at most KAFKA_LEADERS_MAX */
    size_t count;                 /* how many there are */
    size_t longest; /* messages that the queue had at most since it was half as long */
};

void kafka_fetch_free(struct kafka_fetch *fetch);

/* Forgets all brokers, because partitions may have moved. */
void kafka_fetch_forget(struct kafka_fetch *fetch);

/* A partition of the broker with that id, which is remembered for it when none is yet. */
void kafka_fetch_leader(struct kafka_fetch *fetch, int32_t broker, const char *topic,
                        int32_t partition);

/* True when a queue has become half as long as it was, now that it has that many messages. */
bool kafka_fetch_is_half(struct kafka_fetch *fetch, size_t messages);

/* Wakes the threads of all brokers. */
void kafka_fetch_wake(const struct kafka_fetch *fetch, rd_kafka_t *handle);

#endif
