/* SPDX-License-Identifier: Apache-2.0 */
/* The oracle's connection to Kafka, for others that look at the same topics. */
#ifndef CTL_ORACLE_SOURCES_KAFKA_H
#define CTL_ORACLE_SOURCES_KAFKA_H

#include <librdkafka/rdkafka.h>

#include "ctl/oracle/message.h"

/* Makes a consumer, which connects in the background; the caller destroys it. STATUS_INVALID: an
 * option is wrong; and what config_read_secret returns. *out is NULL then. */
int oracle_kafka_connect(const struct config_source *source, rd_kafka_t **out, struct error *err);

/* The offsets of the first message of a partition, and behind the last one. Gives up when the
 * leader has not answered for so long. */
rd_kafka_resp_err_t oracle_kafka_range(rd_kafka_t *handle, const char *topic, int32_t number,
                                       int64_t *first, int64_t *end, int timeout_ms);

/* The message as the oracle reads it. All is borrowed. */
struct oracle_message oracle_kafka_message(rd_kafka_message_t *message);

#endif
