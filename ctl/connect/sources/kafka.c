/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "common/base/arena.h"
#include "common/base/xalloc.h"
#include "ctl/connect/source.h"
#include "ctl/oracle/sources/kafka.h"

#define TOPICS_SAID 20 /* of a pattern that many fit; the others are summed up */

struct kafka {
    const struct config_source *source;
    rd_kafka_t *handle;
    struct oracle_kafka_reason reason;
    struct findings *out;
    size_t topics; /* that fit */

    /* The newest message, of the partition whose end has the latest. */
    rd_kafka_message_t *newest;
};

/* ---- A partition ---- */

static void keep_newest(struct kafka *k, rd_kafka_message_t *message)
{
    if (message == NULL) {
        return;
    }
    const bool newer = message->err == RD_KAFKA_RESP_ERR_NO_ERROR &&
                       (k->newest == NULL || rd_kafka_message_timestamp(message, NULL) >
                                                 rd_kafka_message_timestamp(k->newest, NULL));
    rd_kafka_message_t *unneeded = newer ? k->newest : message;
    k->newest = newer ? message : k->newest;
    if (unneeded != NULL) {
        rd_kafka_message_destroy(unneeded);
    }
}

/* Reads the last message; a transaction's mark may stand where it would be, and there is none then.
 */
static void read_last(struct kafka *k, const char *name, int32_t number, int64_t high)
{
    rd_kafka_topic_t *topic = rd_kafka_topic_new(k->handle, name, NULL);
    if (rd_kafka_consume_start(topic, number, high - 1) == 0) {
        keep_newest(k, rd_kafka_consume(topic, number, CONNECT_WAIT_MS));
        (void)rd_kafka_consume_stop(topic, number);
    }
    rd_kafka_topic_destroy(topic);
}

/* ---- A topic ---- */

static bool is_wanted(const struct kafka *k, const char *name)
{
    for (size_t i = 0; i < k->source->kafka.topic_count; i++) {
        if (oracle_kafka_means(k->source->kafka.topics[i], name)) {
            return true;
        }
    }
    return false;
}

static void try_topic(struct kafka *k, const struct rd_kafka_metadata_topic *topic)
{
    struct buf offsets = {0};
    int64_t messages = 0;
    for (int i = 0; i < topic->partition_cnt; i++) {
        const struct rd_kafka_metadata_partition *partition = &topic->partitions[i];
        int64_t low;
        int64_t high;
        const rd_kafka_resp_err_t code =
            partition->leader < 0 ? RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE
                                  : oracle_kafka_range(k->handle, topic->topic, partition->id, &low,
                                                       &high, CONNECT_WAIT_MS);
        if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
            finding_add(
                k->out, FINDING_ERROR, CONNECT_SOURCE,
                "partition %s-%d cannot be read: %s; its messages are missing until it has a "
                "leader that lets us read (rights on the topic: Read, Describe)",
                topic->topic, (int)partition->id, oracle_kafka_why(k->handle, &k->reason, code));
            break; /* the others would cost as long */
        }
        messages += high - low;
        if (i < TOPICS_SAID) {
            buf_printf(&offsets, "%s%d: %lld to %lld", i != 0 ? ", " : "", (int)partition->id,
                       (long long)low, (long long)high);
            if (low < high) {
                read_last(k, topic->topic, partition->id, high);
            }
        }
    }
    finding_add(k->out, FINDING_OK, CONNECT_SOURCE,
                "topic %s has %d partition%s and at most %lld messages (offsets %s)", topic->topic,
                topic->partition_cnt, topic->partition_cnt == 1 ? "" : "s", (long long)messages,
                buf_cstr(&offsets));
    buf_free(&offsets);
}

/* Topics that are named, and that there are not. */
static void find_missing(const struct kafka *k, const struct rd_kafka_metadata *metadata)
{
    for (size_t i = 0; i < k->source->kafka.topic_count; i++) {
        const char *wanted = k->source->kafka.topics[i];
        bool found = false;
        for (int t = 0; t < metadata->topic_cnt; t++) {
            found = found || oracle_kafka_means(wanted, metadata->topics[t].topic);
        }
        if (!found) {
            finding_add(
                k->out, FINDING_WARNING, CONNECT_SOURCE,
                "there is no topic %s, or we may not see it; it is read as soon as it is there",
                wanted);
        }
    }
}

static void try_topics(struct kafka *k, const struct rd_kafka_metadata *metadata)
{
    finding_add(k->out, FINDING_OK, CONNECT_SOURCE,
                "Kafka answers, with %d broker%s; messages wake the ingestor as they come",
                metadata->broker_cnt, metadata->broker_cnt == 1 ? "" : "s");
    for (int i = 0; i < metadata->topic_cnt; i++) {
        if (!is_wanted(k, metadata->topics[i].topic)) {
            continue;
        }
        k->topics++;
        if (k->topics <= TOPICS_SAID) {
            try_topic(k, &metadata->topics[i]);
        }
    }
    if (k->topics > TOPICS_SAID) {
        finding_add(k->out, FINDING_OK, CONNECT_SOURCE, "and %zu more topics",
                    k->topics - TOPICS_SAID);
    }
    find_missing(k, metadata);
}

/* ---- A message ---- */

static void try_message(struct kafka *k)
{
    struct str texts[EVENT_FIELDS + CONFIG_EXTRAS_MAX] = {{0}};
    struct arena *memory = arena_create();
    const struct oracle_message message = oracle_kafka_message(k->newest);
    bool timed = false;
    int64_t us;
    char *what = x_asprintf("message %s-%d-%lld", rd_kafka_topic_name(k->newest->rkt),
                            (int)k->newest->partition, (long long)k->newest->offset);
    switch (oracle_message_read(k->source, &message, memory, texts, &timed, &us)) {
    case ORACLE_MESSAGE_ROW:
        connect_fields(k->source, "fields", what, texts, timed, k->out);
        break;
    case ORACLE_MESSAGE_BAD:
        finding_add(k->out, FINDING_ERROR, CONNECT_SOURCE,
                    "%s is none of the form that source.format names, so it is passed over; see "
                    "docs/messages.md",
                    what);
        break;
    case ORACLE_MESSAGE_NOTHING:
        finding_add(k->out, FINDING_OK, CONNECT_SOURCE, "%s is the newest, and says nothing", what);
        break;
    }
    free(what);
    arena_destroy(&memory);
}

/* Before 2.6.1 librdkafka sends its nonce twice in SCRAM's last message. */
static const char *about_scram(const struct config_source *source)
{
    bool scram = false;
    for (size_t i = 0; i < source->kafka.option_count; i++) {
        const struct config_option *option = &source->kafka.options[i];
        scram = scram || (option->value != NULL && strncmp(option->value, "SCRAM-", 6) == 0);
    }
    return scram && rd_kafka_version() < 0x020601ff
               ? " Brokers of Kafka 4 refuse the SCRAM of librdkafka before 2.6.1, whatever the "
                 "password: see docs/kafka.md."
               : "";
}

void connect_kafka(const struct config *config, struct findings *out)
{
    struct kafka k = {.source = &config->source, .out = out};
    const struct rd_kafka_metadata *metadata = NULL;
    struct error err = {{0}};
    if (oracle_kafka_connect(k.source, &k.reason, &k.handle, &err) != STATUS_OK) {
        finding_add(out, FINDING_ERROR, CONNECT_SOURCE, "%s", err.text);
        return;
    }
    const rd_kafka_resp_err_t code =
        rd_kafka_metadata(k.handle, 1, NULL, &metadata, CONNECT_WAIT_MS);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
        finding_add(
            out, FINDING_ERROR, CONNECT_SOURCE,
            "no broker of %s answers (%s). Are the addresses right, also those that the brokers "
            "advertise, and the options under source.kafka (security.protocol, sasl.…)?%s",
            k.source->kafka.brokers, oracle_kafka_why(k.handle, &k.reason, code),
            about_scram(k.source));
    } else {
        try_topics(&k, metadata);
        rd_kafka_metadata_destroy(metadata);
    }
    if (k.newest != NULL) {
        try_message(&k);
        rd_kafka_message_destroy(k.newest);
    }
    rd_kafka_destroy(k.handle);
}
