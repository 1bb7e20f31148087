/* SPDX-License-Identifier: Apache-2.0 */
/* The oracle's connection to Kafka, for others that look at the same topics. */
#ifndef CTL_ORACLE_SOURCES_KAFKA_H
#define CTL_ORACLE_SOURCES_KAFKA_H

#include <librdkafka/rdkafka.h>

#include "ctl/oracle/message.h"

/* What a broker said last, or the network, when it could not be used. */
struct oracle_kafka_reason {
    char text[320]; /* a sentence of librdkafka; empty: there is none */
};

/* Makes a consumer, which connects in the background; the caller destroys it, and the reason lives
 * as long. STATUS_INVALID: an option is wrong; and what config_read_secret returns. *out is NULL
 * then. */
int oracle_kafka_connect(const struct config_source *source, struct oracle_kafka_reason *reason,
                         rd_kafka_t **out, struct error *err);

/* Why a request failed: what the code means, or, when no broker could be asked, the reason for
 * that. Valid as long as the reason. */
const char *oracle_kafka_why(rd_kafka_t *handle, const struct oracle_kafka_reason *reason,
                             rd_kafka_resp_err_t code);

/* True when an entry of source.uri means the topic: it is its name, or a pattern that covers it.
 * Topics of Kafka's own, whose names begin with two underscores, are meant by their names alone. */
bool oracle_kafka_means(const char *wanted, const char *topic);

/* The offsets of the first message of a partition, and behind the last one. Gives up when the
 * leader has not answered for so long. */
rd_kafka_resp_err_t oracle_kafka_range(rd_kafka_t *handle, const char *topic, int32_t number,
                                       int64_t *first, int64_t *end, int timeout_ms);

/* The message as the oracle reads it. All is borrowed. */
struct oracle_message oracle_kafka_message(rd_kafka_message_t *message);

#endif
