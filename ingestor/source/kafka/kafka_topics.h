/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which topics and partitions there are of those that the configuration names. One that is named
 * and not there, because it was deleted or is yet to be made, does not keep the others from being
 * read.
 *
 * The thread that opens the client uses it.
 */
#ifndef INGESTOR_SOURCE_KAFKA_KAFKA_TOPICS_H
#define INGESTOR_SOURCE_KAFKA_KAFKA_TOPICS_H

#include "ingestor/source/kafka/kafka_client.h"

/* Which topics are named and not there. */
struct kafka_missing {
    bool of[CONFIG_TOPICS_MAX]; /* as the configuration has them; a pattern may match none */
    size_t count;               /* how many are missing */
};

typedef void kafka_each_partition(void *arg, const char *topic, int32_t number);

/* Calls `each` for each partition of the topics that are configured, in no order. STATUS_NOT_FOUND:
 * none of them is there, and a name is among them; STATUS_IO: nobody answers. *missing is set when
 * somebody did. */
int kafka_topics_list(struct kafka_client *client, kafka_each_partition *each, void *arg,
                      struct kafka_missing *missing, struct error *err);

/* Logs what is missing now and was not before, and what is there again. */
void kafka_topics_log(const struct config *config, const struct kafka_missing *before,
                      const struct kafka_missing *now);

#endif
