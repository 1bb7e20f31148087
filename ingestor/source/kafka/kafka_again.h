/* SPDX-License-Identifier: Apache-2.0 */
/* After a restart: what was delivered before, again and in the same places. */
#ifndef INGESTOR_SOURCE_KAFKA_KAFKA_AGAIN_H
#define INGESTOR_SOURCE_KAFKA_KAFKA_AGAIN_H

#include "ingestor/source/kafka/kafka_source.h"

/* Takes the journal's records over, for those that are not in the state. False when some are
 * missing. */
bool kafka_replay_open(struct kafka_source *s, struct str journal);
bool kafka_replay_left(const struct kafka_source *s);

/* One batch: what the next records say was delivered. STATUS_IO. */
int kafka_replay_records(struct kafka_source *s, struct batch **out, struct error *err);

/* One batch: the newest messages that were delivered before the state. STATUS_IO. */
int kafka_replay_history(struct kafka_source *s, struct batch **out, struct error *err);

#endif
