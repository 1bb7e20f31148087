/* SPDX-License-Identifier: Apache-2.0 */
/* What has become of the stream since it was read: trimmed, deleted, made anew, or without its
 * newest entries. */
#ifndef INGESTOR_SOURCE_REDIS_REDIS_CHECK_H
#define INGESTOR_SOURCE_REDIS_REDIS_CHECK_H

#include "ingestor/source/redis/redis_place.h"
#include "ingestor/source/redis/redis_source.h"

/* Reads what XINFO STREAM says, a reply that is no error. */
void redis_check_info(const redisReply *reply, struct redis_info *out);

/* Sends what looking needs; the answers are two. */
int redis_check_ask(struct redis_source *s, struct error *err);

/* The two answers, which the caller frees in any case. */
struct redis_check {
    redisReply *info;     /* what XINFO STREAM says; owned */
    redisReply *verified; /* the entry that was verified last, as the server has it; owned */
};
int redis_check_await(struct redis_source *s, struct redis_check *check, struct error *err);
void redis_check_free(struct redis_check *check);

/* Judges them, once nothing more is to come from the server. Says what happened, and moves the
 * position if it has to: *moved is set then. */
int redis_check_judge(struct redis_source *s, const struct redis_check *check, bool *moved,
                      struct error *err);

/* source_ops.lag: by what the last look has seen. A reader that is behind looks each time. */
void redis_check_lag(const struct redis_source *s, struct lag *out);

#endif
