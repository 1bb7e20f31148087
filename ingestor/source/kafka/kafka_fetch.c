/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/source/kafka/kafka_fetch.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/xalloc.h"

#define SHORT_QUEUE 1000 /* messages; one that was never longer was hardly full of them */
#define ANSWER_MS 100    /* Brokers that take longer have other troubles. */

void kafka_fetch_forget(struct kafka_fetch *fetch)
{
    for (size_t i = 0; i < fetch->count; i++) {
        free(fetch->leaders[i].topic);
    }
    fetch->count = 0;
}

void kafka_fetch_free(struct kafka_fetch *fetch)
{
    kafka_fetch_forget(fetch);
    free(fetch->leaders);
    *fetch = (struct kafka_fetch){0};
}

void kafka_fetch_leader(struct kafka_fetch *fetch, int32_t broker, const char *topic,
                        int32_t partition)
{
    for (size_t i = 0; i < fetch->count; i++) {
        if (fetch->leaders[i].broker == broker) {
            return;
        }
    }
    if (broker >= 0 && fetch->count < KAFKA_LEADERS_MAX) {
        fetch->leaders = x_reallocarray(fetch->leaders, fetch->count + 1, sizeof *fetch->leaders);
        fetch->leaders[fetch->count++] =
            (struct kafka_leader){broker, partition, x_strndup(topic, strlen(topic))};
    }
}

bool kafka_fetch_is_half(struct kafka_fetch *fetch, size_t messages)
{
    /* One of few, but large messages is full of bytes, and then empty. */
    const bool half = fetch->longest > SHORT_QUEUE ? messages < fetch->longest / 2
                                                   : messages == 0 && fetch->longest != 0;
    if (half || messages > fetch->longest) {
        fetch->longest = messages;
    }
    return half;
}

/* What they answer does not matter. */
void kafka_fetch_wake(const struct kafka_fetch *fetch, rd_kafka_t *handle)
{
    if (fetch->count == 0) {
        return;
    }
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)fetch->count);
    for (size_t i = 0; i < fetch->count; i++) {
        const struct kafka_leader *leader = &fetch->leaders[i];
        rd_kafka_topic_partition_list_add(list, leader->topic, leader->partition)->offset =
            RD_KAFKA_OFFSET_END;
    }
    (void)rd_kafka_offsets_for_times(handle, list, ANSWER_MS);
    rd_kafka_topic_partition_list_destroy(list);
}
