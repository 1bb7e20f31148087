/* SPDX-License-Identifier: Apache-2.0 */
/* Looking at messages again that were read before: a partition that was made anew has others. */
#ifndef INGESTOR_SOURCE_KAFKA_KAFKA_KNOWN_H
#define INGESTOR_SOURCE_KAFKA_KAFKA_KNOWN_H

#include "ingestor/source/kafka/kafka_client.h"
#include "ingestor/source/kafka/kafka_state.h"

enum kafka_same { KAFKA_SAME_UNKNOWN, KAFKA_SAME_YES, KAFKA_SAME_NO };

struct kafka_known {
    const char *topic;          /* borrowed */
    int32_t number;             /* of the partition */
    struct kafka_anchor anchor; /* the message as it was read; its offset is -1: none */
    enum kafka_same
        same; /* Whether it is there; unknown when nothing is there, as after retention. */
};

/* Sets `same` of all. Nothing else may be consumed by the client meanwhile. STATUS_IO. */
int kafka_known_look(struct kafka_client *client, struct kafka_known *all, size_t count,
                     struct error *err);

#endif
