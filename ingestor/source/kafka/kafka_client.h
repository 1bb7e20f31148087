/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A client of a cluster: made from the configuration, with its errors in words. Partitions are
 * consumed one by one, at offsets that we know, so there is no group, and nothing is committed to
 * Kafka. (librdkafka's legacy consumer, which its introduction calls "simple consumer".)
 *
 * The thread that opens it uses it; librdkafka has threads of its own below.
 */
#ifndef INGESTOR_SOURCE_KAFKA_KAFKA_CLIENT_H
#define INGESTOR_SOURCE_KAFKA_KAFKA_CLIENT_H

#include <librdkafka/rdkafka.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/error.h"
#include "common/config/config.h"
#include "ingestor/source/kafka/kafka_fetch.h"
#include "ingestor/source/message/message.h"

#define KAFKA_ANSWER_MS 5000 /* how long a broker is waited for */

/* Messages, in KiB, that wait in memory at most, beside what is under way. */
#define KAFKA_AHEAD_LIVE_KIB "65536" /* of what is read as it comes */
#define KAFKA_AHEAD_PAST_KIB "16384" /* of what is read again meanwhile, for tiles that are new */
#define KAFKA_AHEAD_LOOK_KIB "1024"  /* where single messages are looked at */

struct kafka_client {
    const struct config *config; /* borrowed */
    const char *ahead_kib;       /* a literal: what may wait */
    rd_kafka_t *handle;          /* consumes */
    rd_kafka_t *asker; /* asks, over connections of its own: a broker answers one question after
                        * the other, and that for messages not before there are some */
    rd_kafka_queue_t *queue;   /* of all partitions that are consumed */
    rd_kafka_topic_t **topics; /* those that were asked for, by name */
    size_t topic_count;        /* how many there are */
    bool leader_asked; /* The handle asked for leaders. Set by threads of librdkafka (atomic). */
    struct kafka_fetch fetch;      /* how much librdkafka fetches ahead */
    struct error down;             /* why nothing can be read; empty: nothing says so */
    struct message_reader *reader; /* of messages */
    struct buf header;             /* scratch */
};

/* ahead_kib: one of the above. STATUS_INVALID: an option is refused, and err names it. */
int kafka_client_open(struct kafka_client *client, const struct config *config,
                      const char *ahead_kib, struct error *err);
void kafka_client_close(struct kafka_client *client);

/* The error of a question that was not answered: STATUS_IO, and what is known of why. */
int kafka_client_unreachable(struct kafka_client *client, rd_kafka_resp_err_t code,
                             struct error *err);

/* What there is of a partition. */
struct kafka_range {
    const char *topic; /* borrowed */
    int32_t number;    /* of the partition */
    int64_t first;     /* the offset of the first message that is there */
    int64_t end;       /* the offset behind the last one */
};

/* Asks the brokers for first and end of all these partitions, and waits no longer than
 * KAFKA_ANSWER_MS for each of the two. STATUS_IO: one has no leader that answers. */
int kafka_client_ranges(struct kafka_client *client, struct kafka_range *ranges, size_t count,
                        struct error *err);

/* The same of the end, as the last answer with messages said; -1 when there was none. */
int64_t kafka_client_known_end(struct kafka_client *client, const char *topic, int32_t number);

/* Begins to consume a partition at an offset; its messages come to the queue. opaque: goes with
 * them. */
int kafka_client_consume(struct kafka_client *client, const char *topic, int32_t number,
                         int64_t offset, struct error *err);
void kafka_client_stop(struct kafka_client *client, const char *topic, int32_t number);

/* True when librdkafka has asked who leads partitions, since it was last called: as it does at the
 * start, each five minutes, and when a leader refused to go on, before it fetches again. */
bool kafka_client_leader_was_asked(struct kafka_client *client);

/* Serves what librdkafka has to tell. STATUS_IO: nothing can be read. */
int kafka_client_serve(struct kafka_client *client, struct error *err);

/* What an event of the queue that is no message means: STATUS_OK where it means nothing. */
int kafka_client_failed(struct kafka_client *client, const rd_kafka_message_t *message,
                        struct error *err);

/* What a message is known again by. */
uint64_t kafka_client_digest(const rd_kafka_message_t *message);

/* Appends a message as an event with that ordinal, or passes it over. name: that of its topic. */
void kafka_client_add_event(struct kafka_client *client, struct batch *batch,
                            rd_kafka_message_t *message, const char *name, uint64_t ordinal,
                            wall_time now, struct unusable_log *unusable);

#endif
