/* SPDX-License-Identifier: Apache-2.0 */
/* Reading messages again that were delivered before: those of a piece of each of some partitions.
 * What is not there any more is passed over. */
#ifndef INGESTOR_SOURCE_KAFKA_KAFKA_GATHER_H
#define INGESTOR_SOURCE_KAFKA_KAFKA_GATHER_H

#include "ingestor/source/kafka/kafka_client.h"

struct kafka_piece {
    const char *topic; /* borrowed */
    int32_t number;
    int64_t first; /* offset of the first message */
    int64_t end;   /* behind the last one */
    bool cut;      /* Its first messages were not there any more. */
    bool over;     /* private */
};

/* A message of the piece with that index; false: no more are wanted for now. */
typedef bool kafka_take(void *arg, size_t piece, rd_kafka_message_t *message);

/* Nothing else may be consumed by the client meanwhile. STATUS_IO. */
int kafka_gather(struct kafka_client *client, struct kafka_piece *pieces, size_t count,
                 kafka_take *take, void *arg, struct error *err);

#endif
