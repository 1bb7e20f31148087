/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INGESTOR_SOURCE_KAFKA_KAFKA_SCRAM_H
#define INGESTOR_SOURCE_KAFKA_KAFKA_SCRAM_H

#include "common/config/config.h"

/* What an error of authentication may mean besides a wrong password: before 2.6.1 librdkafka sent
 * its nonce twice in SCRAM's last message, and brokers of Kafka 4 refuse that. Empty where it
 * cannot be that. */
const char *kafka_scram_hint(const struct config_source *source);

#endif
