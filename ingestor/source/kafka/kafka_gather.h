/* SPDX-License-Identifier: Apache-2.0 */
/* Reading messages again that were delivered before: those of a piece of each of some partitions.
 * What is not there any more is passed over. */
#ifndef INGESTOR_SOURCE_KAFKA_KAFKA_GATHER_H
#define INGESTOR_SOURCE_KAFKA_KAFKA_GATHER_H

#include "ingestor/source/kafka/kafka_client.h"

struct kafka_piece {
    const char *topic; /* borrowed */
    int32_t number;    /* of the partition */
    int64_t first;     /* offset of the first message */
    int64_t end;       /* behind the last one */
    bool gone;         /* Its partition is not there: nothing is read of it. */
    bool cut;          /* Its first messages were not there any more. */
    bool over;         /* private */
};

/* A message of the piece with that index; false: no more are wanted for now. */
typedef bool kafka_take(void *arg, size_t piece, rd_kafka_message_t *message);

#define KAFKA_GATHER_MESSAGES 1024 /* taken from the queue at once */

/* Private. Zero-initialised: not open. */
struct kafka_gather {
    struct kafka_client *client; /* borrowed */
    struct kafka_piece *pieces;  /* what is read; borrowed */
    size_t count;                /* how many pieces there are */
    size_t left;                 /* pieces that are not over */
    size_t at; /* the piece of the last message: the next one is likely to be of it, too */
    rd_kafka_message_t *messages[KAFKA_GATHER_MESSAGES]; /* taken from the queue */
    size_t message_at;    /* index of the next message to be handed out */
    size_t message_count; /* how many were taken */
};

/* Begins with all pieces, which are borrowed. Nothing else may be consumed by the client until it
 * is closed, which it has to be in either case. STATUS_IO. */
int kafka_gather_open(struct kafka_gather *g, struct kafka_client *client,
                      struct kafka_piece *pieces, size_t count, struct error *err);

/* Takes messages until all pieces are over, or `take` wants no more: the next call goes on behind
 * the last one that was taken, which is where its piece then begins. STATUS_IO. */
int kafka_gather_take(struct kafka_gather *g, kafka_take *take, void *arg, struct error *err);
void kafka_gather_close(struct kafka_gather *g);

/* All of that at once. */
int kafka_gather(struct kafka_client *client, struct kafka_piece *pieces, size_t count,
                 kafka_take *take, void *arg, struct error *err);

#endif
