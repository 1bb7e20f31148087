/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A connection to Redis: made from the configuration, with what the server refuses in words. It
 * speaks the commands of streams that read; nothing is written to Redis.
 *
 * The thread that opens it uses it.
 */
#ifndef INGESTOR_SOURCE_REDIS_REDIS_CLIENT_H
#define INGESTOR_SOURCE_REDIS_REDIS_CLIENT_H

#include <hiredis/hiredis.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/error.h"
#include "common/config/config.h"
#include "ingestor/source/message/message.h"
#include "ingestor/source/redis/redis_entry.h"

#define REDIS_ANSWER_MS 5000 /* how long the server is waited for */

/* Bytes of the entries that are asked for at once, by the size of those before. */
#define REDIS_WANTED_BYTES ((size_t)1 << 20)

/* Bytes of one reply. Of more, fewer entries are asked for; and when it is one entry, it is passed
 * over. */
#define REDIS_REPLY_MAX ((size_t)64 << 20)

struct redis_client {
    const struct config *config;   /* borrowed */
    redisContext *context;         /* its socket does not block */
    size_t reply_bytes;            /* of the reply that is coming in */
    size_t entry_bytes;            /* of one entry, as the last ones were */
    struct message_reader *reader; /* of entries; owned */
    struct buf scratch;            /* scratch */
    struct buf said;               /* how the server is called */
    struct redis_field *fields;    /* of the entry in hand; owned */
    size_t fields_cap;             /* how many there is memory for */
};

/* STATUS_IO: it does not answer; STATUS_DENIED: it does not let us in. */
int redis_client_open(struct redis_client *client, const struct config *config, struct error *err);
void redis_client_close(struct redis_client *client);

/* Connects anew: a connection is of no use once a reply was not read to its end. Entries are asked
 * for one at a time from then on, until they are known to be small. As redis_client_open. */
int redis_client_connect_again(struct redis_client *client, struct error *err);

/* Sends a command whose words follow, up to a NULL. STATUS_IO. */
int redis_client_send(struct redis_client *client, struct error *err, ...)
    __attribute__((sentinel));

/* Takes a reply that is there already: *out is NULL when none is. STATUS_IO: the connection is
 * lost; STATUS_FULL: the reply is too long, and the connection of no use any more. */
int redis_client_take(struct redis_client *client, redisReply **out, struct error *err);

/* Waits for a reply, which may be an error. The caller frees it. */
int redis_client_await_any(struct redis_client *client, redisReply **out, struct error *err);

/* The same, but one that is an error fails with what it means. */
int redis_client_await(struct redis_client *client, redisReply **out, struct error *err);

/* A reply that is an error, in words. Returns STATUS_DENIED, STATUS_INVALID or STATUS_IO. */
int redis_client_failed(struct redis_client *client, const redisReply *reply, struct error *err);

/* Of a reply that is too long: the id of the entry that it stopped in. False: there is none. */
bool redis_client_stuck_at(const struct redis_client *client, struct redis_id *out);

/* ---- Streams ---- */

/* How many entries to ask for at once, at most max_rows. */
size_t redis_client_count(const struct redis_client *client, size_t max_rows);

/* The list of entries of a reply to XREAD; NULL: there are none. */
const redisReply *redis_client_entries(const redisReply *reply);

/* The i-th entry of a list of entries; it is valid until the next call. False: it is none. */
bool redis_client_entry(struct redis_client *client, const redisReply *entries, size_t i,
                        struct redis_entry *out);

/* STATUS_IO when something stands at the end of this page that is no entry: nobody could go on
 * behind it, and whoever asked again would get the same page without end. */
int redis_client_check_page(struct redis_client *client, const redisReply *entries,
                            struct error *err);

/* The first entries from `first` to `last`, at most `most` and no more than are wanted at once by
 * their size; what is longer than a reply may be is left out, and the connection made anew for it.
 * The caller frees them. *more: there may be others. STATUS_IO, and as redis_client_await. */
int redis_client_range(struct redis_client *client, struct redis_id first, struct redis_id last,
                       size_t most, redisReply **out, bool *more, struct error *err);

/* Appends an entry as an event with that ordinal, or passes it over. */
void redis_client_add_event(struct redis_client *client, struct batch *batch,
                            struct redis_entry *entry, uint64_t ordinal, wall_time now,
                            struct unusable_log *unusable);

#endif
