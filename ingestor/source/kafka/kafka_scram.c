/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/source/kafka/kafka_scram.h"

#include <librdkafka/rdkafka.h>
#include <string.h>

#define MENDED_VERSION 0x020601ff

static bool is_scram(const struct config_option *option)
{
    const bool mechanism =
        strcmp(option->name, "sasl.mechanisms") == 0 || strcmp(option->name, "sasl.mechanism") == 0;
    return mechanism && option->value != NULL && strncmp(option->value, "SCRAM", 5) == 0;
}

const char *kafka_scram_hint(const struct config_source *source)
{
    if (rd_kafka_version() >= MENDED_VERSION) {
        return "";
    }
    for (size_t i = 0; i < source->kafka.option_count; i++) {
        if (is_scram(&source->kafka.options[i])) {
            return " (brokers of Kafka 4 refuse the SCRAM of librdkafka before 2.6.1, whatever the "
                   "password: see docs/kafka.md)";
        }
    }
    return "";
}
