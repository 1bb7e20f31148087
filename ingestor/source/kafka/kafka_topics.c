/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/source/kafka/kafka_topics.h"

#include <string.h>

#include "common/base/match/pattern.h"
#include "common/program/log.h"
#include "ingestor/source/kafka/kafka_state.h"

/* True when the configuration names the topic. Topics of Kafka's own have names that begin with two
 * underscores: a pattern does not mean them. */
static bool is_wanted(const struct config_kafka *kafka, const char *topic, size_t *which)
{
    for (*which = 0; *which < kafka->topic_count; (*which)++) {
        const char *wanted = kafka->topics[*which];
        if (strcmp(wanted, topic) == 0 ||
            (strncmp(topic, "__", 2) != 0 && pattern_covers(str_of(wanted), str_of(topic)))) {
            return true;
        }
    }
    return false;
}

/* Returns the name of one that is missing; NULL: none is. */
static const char *note_missing(const struct kafka_client *client, const bool *found,
                                struct kafka_missing *missing)
{
    const struct config_kafka *kafka = &client->config->source.kafka;
    const char *name = NULL;
    *missing = (struct kafka_missing){.count = 0};
    for (size_t i = 0; i < kafka->topic_count; i++) {
        missing->of[i] = !found[i] && strchr(kafka->topics[i], '*') == NULL;
        missing->count += missing->of[i];
        name = missing->of[i] && name == NULL ? kafka->topics[i] : name;
    }
    return name;
}

/* Returns how many topics there are. */
static size_t note_topics(struct kafka_client *client, const struct rd_kafka_metadata *all,
                          kafka_each_partition *each, void *arg, bool *found)
{
    size_t count = 0;
    for (int i = 0; i < all->topic_cnt; i++) {
        const struct rd_kafka_metadata_topic *topic = &all->topics[i];
        size_t which;
        if (topic->err != RD_KAFKA_RESP_ERR_NO_ERROR || strlen(topic->topic) > KAFKA_TOPIC_MAX ||
            !is_wanted(&client->config->source.kafka, topic->topic, &which)) {
            continue;
        }
        found[which] = true;
        count++;
        for (int k = 0; k < topic->partition_cnt; k++) {
            const struct rd_kafka_metadata_partition *partition = &topic->partitions[k];
            kafka_fetch_leader(&client->fetch, partition->leader, topic->topic, partition->id);
            each(arg, topic->topic, partition->id);
        }
    }
    return count;
}

int kafka_topics_list(struct kafka_client *client, kafka_each_partition *each, void *arg,
                      struct kafka_missing *missing, struct error *err)
{
    const struct rd_kafka_metadata *all = NULL;
    bool found[CONFIG_TOPICS_MAX] = {false};
    const rd_kafka_resp_err_t code =
        rd_kafka_metadata(client->asker, 1, NULL, &all, KAFKA_ANSWER_MS);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
        return kafka_client_unreachable(client, code, err);
    }
    kafka_fetch_forget(&client->fetch);
    const size_t count = note_topics(client, all, each, arg, found);
    rd_kafka_metadata_destroy(all);
    const char *name = note_missing(client, found, missing);
    if (count == 0 && name != NULL) {
        return error_set(err, STATUS_NOT_FOUND,
                         "Kafka at %s has no topic \"%s\", or source.kafka's user may not see it; "
                         "create it, or name another one in source.uri",
                         client->config->source.kafka.brokers, name);
    }
    return STATUS_OK;
}

void kafka_topics_log(const struct config *config, const struct kafka_missing *before,
                      const struct kafka_missing *now)
{
    const struct config_kafka *kafka = &config->source.kafka;
    for (size_t i = 0; i < kafka->topic_count; i++) {
        if (now->of[i] && !before->of[i]) {
            log_warn("Kafka at %s has no topic \"%s\", or source.kafka's user may not see it: the "
                     "others are read, and this one as soon as it is there",
                     kafka->brokers, kafka->topics[i]);
        } else if (before->of[i] && !now->of[i]) {
            log_info("topic %s is there", kafka->topics[i]);
        }
    }
}
