/* SPDX-License-Identifier: Apache-2.0 */
/* The oracle's connection to Redis, for others that look at the same stream. */
#ifndef CTL_ORACLE_SOURCES_REDIS_H
#define CTL_ORACLE_SOURCES_REDIS_H

#include <hiredis/hiredis.h>

#include "ctl/oracle/message.h"

/* Connects and signs in. The caller frees the context with redisFree; it is NULL unless the result
 * is STATUS_OK. STATUS_IO; and what config_read_secret returns. */
int oracle_redis_connect(const struct config_source *source, redisContext **out, struct error *err);

/* True for an entry as a stream has it: [id, [name, value, …]], all of them texts. */
bool oracle_redis_is_entry(const redisReply *reply);

/* Reads an entry, [id, [name, value, …]], as oracle_message_read does; texts are then in memory. */
enum oracle_message_kind oracle_redis_read(const struct config_source *source,
                                           const redisReply *reply, struct arena *memory,
                                           struct str *texts, bool *timed, int64_t *us);

#endif
