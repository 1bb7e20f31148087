/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the parts of reading a stream of Redis share.
 *
 *   open ─► history ─► replay ─► live
 *           for the    what the  from the position on: XREAD, and XREAD BLOCK at the end
 *           event log  journal
 *                      says
 *
 * redis_again.c is what comes before live, redis_live.c live, redis_check.c what has become of the
 * stream meanwhile, source_redis.c the table of functions.
 */
#ifndef INGESTOR_SOURCE_REDIS_REDIS_SOURCE_H
#define INGESTOR_SOURCE_REDIS_REDIS_SOURCE_H

#include "ingestor/source/redis/redis_client.h"
#include "ingestor/source/redis/redis_state.h"
#include "ingestor/source/unusable.h"

struct redis_source {
    struct source base;           /* first: a struct source is one of these */
    const struct config *config;  /* borrowed */
    struct redis_client client;   /* the connection */
    struct redis_state state;     /* what has been delivered */
    struct redis_draft draft;     /* what the batch under way delivers */
    struct unusable_log unusable; /* entries that were passed over, as far as the log has told */

    redisReply *reply;         /* with the entries that are delivered next; owned, or NULL */
    size_t reply_at;           /* the next one of them */
    struct redis_id high;      /* the greatest id that was delivered */
    bool asked;                /* XREAD BLOCK was sent, and its reply has not come. */
    mono_time asked_until;     /* when it has to be there */
    mono_time check_at;        /* when to look what has become of the stream */
    int64_t seen_added;        /* entries that had been added then; 0 or below: not known */
    mono_time check_off_until; /* Behind, it does not look before: an entry of it is too long. */
    bool check_whole;          /* It is to be compared with what was read. */
    size_t asked_count;        /* entries that it asked for at most */
    bool full;                 /* The last reply had as many entries as were asked for. */

    struct buf journal; /* records to be gone through again, one behind the other */
    size_t journal_at;  /* where the next of these records begins */
    bool history_due;   /* What was delivered before the state is read for the event log. */
    bool promised;      /* The next read has to give a batch. */
    bool started_over;  /* The next batch begins anew. */
    bool older_gone;    /* Entries were there before the first one that was read. */
    bool absent;        /* There is no such stream, which was said. */
    bool count_unknown; /* The server does not say how many entries were added, which was said. */
};

/* Ends a batch that is delivered: with the record, and the state behind it. */
void redis_finish(struct redis_source *s, struct batch *batch, struct str record, bool journaled);

#endif
