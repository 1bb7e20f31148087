/* SPDX-License-Identifier: Apache-2.0 */
/* Reading what comes. */
#ifndef INGESTOR_SOURCE_KAFKA_KAFKA_LIVE_H
#define INGESTOR_SOURCE_KAFKA_KAFKA_LIVE_H

#include "ingestor/source/kafka/kafka_source.h"

/* Looks which partitions there are; those that are new are wanted. STATUS_IO, STATUS_NOT_FOUND. */
int kafka_live_discover(struct kafka_source *s, struct error *err);

/* Begins with all partitions that are wanted and not consumed yet. STATUS_IO. */
int kafka_live_start(struct kafka_source *s, struct error *err);

/* source_ops.read, once what was before is done. */
int kafka_live_read(struct kafka_source *s, size_t max_rows, struct batch **out, struct error *err);

/* Gives messages back that were not delivered. */
void kafka_live_stop(struct kafka_source *s);

/* source_ops.lag */
void kafka_live_lag(struct kafka_source *s, struct lag *out);

#endif
