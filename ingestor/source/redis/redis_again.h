/* SPDX-License-Identifier: Apache-2.0 */
/* After a restart: what was delivered before, again and in the same places. */
#ifndef INGESTOR_SOURCE_REDIS_REDIS_AGAIN_H
#define INGESTOR_SOURCE_REDIS_REDIS_AGAIN_H

#include "ingestor/source/redis/redis_source.h"

/* Takes the journal's records over, for those that are not in the state. False when some are
 * missing. */
bool redis_replay_open(struct redis_source *s, struct str journal);
bool redis_replay_left(const struct redis_source *s);

/* One batch: what the next record says was delivered. STATUS_IO. */
int redis_replay_record(struct redis_source *s, struct batch **out, struct error *err);

/* One batch: the newest entries that were delivered before the state. STATUS_IO. */
int redis_replay_history(struct redis_source *s, struct batch **out, struct error *err);

#endif
