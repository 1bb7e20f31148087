/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the parts of reading Kafka share.
 *
 *   open ─► history ─► replay ─► live
 *           for the    what the  each partition from its offset on, in the order in which
 *           event log  journal   messages come
 *                      says
 *
 * kafka_again.c is what comes before live, kafka_live.c live, with kafka_doubt.c for topics that
 * are made anew meanwhile, and source_kafka.c the table of functions.
 */
#ifndef INGESTOR_SOURCE_KAFKA_KAFKA_SOURCE_H
#define INGESTOR_SOURCE_KAFKA_KAFKA_SOURCE_H

#include "ingestor/source/kafka/kafka_client.h"
#include "ingestor/source/kafka/kafka_state.h"
#include "ingestor/source/kafka/kafka_topics.h"
#include "ingestor/source/unusable.h"

#define KAFKA_MESSAGES 1024 /* taken from the queue at once */

/* A partition that is read; the one of that index in the state. */
struct kafka_feed {
    bool wanted;   /* The configuration names it, and it is there. */
    bool consumed; /* It has been begun with. */
    bool doubtful; /* Its leader was asked for since what was read of it was last seen to be there.
                    */
    bool at_end;   /* What was its end when it was begun with has been reached. */
    int64_t end;   /* that end: behind the last offset */
    int64_t seen; /* It was read up to there, though the last offsets may be those of no message. */
};

struct kafka_source {
    struct source base;           /* first: a struct source is one of these */
    const struct config *config;  /* borrowed */
    struct kafka_client client;   /* the connection */
    struct kafka_state state;     /* what has been delivered */
    struct kafka_draft draft;     /* what the batch under way delivers */
    struct unusable_log unusable; /* messages that were passed over, as far as the log has told */
    struct kafka_feed *feeds;     /* as many as the state has partitions */
    size_t feed_count;            /* how many feeds there are */
    size_t feed_at; /* that of the last message: the next one is likely to be of it, too */

    rd_kafka_message_t *waiting[KAFKA_MESSAGES]; /* taken from the queue, and not delivered yet */
    size_t waiting_at;                           /* index of the next one to be delivered */
    size_t waiting_count;                        /* how many were taken */
    rd_kafka_message_t *newest; /* the last one delivered, which its partition is known by; or NULL
                                 */
    size_t newest_at;           /* index of its partition */

    struct buf journal;          /* records to be gone through again, one behind the other */
    size_t journal_at;           /* where the next of these records begins */
    bool in_doubt;               /* Some feed is doubtful. */
    struct kafka_client *looker; /* looks again at messages that were read, as long as some feed is
                                    doubtful; NULL: none is */
    bool history_due;      /* What was delivered before the state is read for the event log. */
    bool live;             /* The journal was gone through, so what comes is new. */
    bool building;         /* Not every partition was at its end yet. */
    bool promised;         /* The next read has to give a batch. */
    bool started_over;     /* The next batch begins anew. */
    bool older_gone;       /* Messages were there before the first one that was read. */
    mono_time discover_at; /* when to look for new partitions */
    struct kafka_missing missing; /* what was not there then */
    int wake_fd;                  /* an eventfd that librdkafka writes to */
};

/* Ends a batch that is delivered: with the record, and the state behind it. */
void kafka_finish(struct kafka_source *s, struct batch *batch, struct str record, bool journaled);

/* Makes feeds for all partitions of the state. */
void kafka_feeds_grow(struct kafka_source *s);

/* The feed that a message is of, and its index; NULL: of none. */
struct kafka_feed *kafka_feed_of(struct kafka_source *s, const rd_kafka_message_t *message,
                                 size_t *index);

#endif
