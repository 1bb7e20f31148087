/* SPDX-License-Identifier: Apache-2.0 */
/* source_ops.open_past of Kafka: each partition from its offset in the state `from` to that in the
 * state `to`. */
#ifndef INGESTOR_SOURCE_KAFKA_KAFKA_PAST_H
#define INGESTOR_SOURCE_KAFKA_KAFKA_PAST_H

#include "ingestor/source/source.h"

int kafka_past_open(const struct config *config, struct str from, struct str to, struct str done,
                    struct source **out, struct error *err);

#endif
