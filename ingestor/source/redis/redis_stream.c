/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "common/base/xalloc.h"
#include "ingestor/source/redis/redis_client.h"

#define FIRST_BYTES ((size_t)8 << 10) /* of an entry, before any was seen */

static struct str text_of(const redisReply *reply)
{
    return (struct str){reply->str, reply->len};
}

static bool is_list(const redisReply *reply)
{
    return reply != NULL && reply->type == REDIS_REPLY_ARRAY;
}

size_t redis_client_count(const struct redis_client *client, size_t max_rows)
{
    const size_t bytes = client->entry_bytes != 0 ? client->entry_bytes : FIRST_BYTES;
    const size_t count = REDIS_WANTED_BYTES / bytes;
    return count < 1 ? 1 : count < max_rows ? count : max_rows;
}

/* [[stream, [entry, …]]] */
const redisReply *redis_client_entries(const redisReply *reply)
{
    const redisReply *stream = is_list(reply) && reply->elements != 0 ? reply->element[0] : NULL;
    const redisReply *entries =
        is_list(stream) && stream->elements == 2 ? stream->element[1] : NULL;
    return is_list(entries) && entries->elements != 0 ? entries : NULL;
}

static bool take_fields(struct redis_client *client, const redisReply *list, size_t *bytes)
{
    const size_t count = list->elements / 2;
    if (client->fields_cap < count + 1) {
        client->fields_cap = count + 1;
        client->fields = x_reallocarray(client->fields, client->fields_cap, sizeof *client->fields);
    }
    for (size_t i = 0; i < 2 * count; i++) {
        const redisReply *text = list->element[i];
        if (text == NULL || text->type != REDIS_REPLY_STRING) {
            return false;
        }
        *(i % 2 == 0 ? &client->fields[i / 2].name : &client->fields[i / 2].value) = text_of(text);
        *bytes += text->len + 16;
    }
    return true;
}

/* [id, [name, value, …]] */
bool redis_client_entry(struct redis_client *client, const redisReply *entries, size_t i,
                        struct redis_entry *out)
{
    const redisReply *entry = entries->element[i];
    size_t bytes = 48;
    if (!is_list(entry) || entry->elements != 2 || entry->element[0]->type != REDIS_REPLY_STRING ||
        !is_list(entry->element[1]) || !redis_id_parse(text_of(entry->element[0]), &out->id) ||
        !take_fields(client, entry->element[1], &bytes)) {
        return false;
    }
    out->id_text = text_of(entry->element[0]);
    out->fields = client->fields;
    out->count = entry->element[1]->elements / 2;
    /* One that is large counts at once, and many small ones make up for it by and by. */
    client->entry_bytes =
        bytes > client->entry_bytes ? bytes : (client->entry_bytes * 63 + bytes) / 64;
    return true;
}

int redis_client_check_page(struct redis_client *client, const redisReply *entries,
                            struct error *err)
{
    const struct config_redis *redis = &client->config->source.redis;
    struct redis_entry last;
    if (is_list(entries) && (entries->elements == 0 ||
                             redis_client_entry(client, entries, entries->elements - 1, &last))) {
        return STATUS_OK;
    }
    return error_set(err, STATUS_IO,
                     "Redis at %s:%u answers with what is no entry of a stream: is it a Redis?",
                     redis->host, redis->port);
}

/* The id of the last of these entries that has one, as far as they came. */
static bool last_id(const redisReply *entries, struct redis_id *out)
{
    bool found = false;
    for (size_t i = 0; is_list(entries) && i < entries->elements; i++) {
        const redisReply *entry = entries->element[i];
        if (is_list(entry) && entry->elements == 2 && entry->element[0] != NULL) {
            found = redis_id_parse(text_of(entry->element[0]), out) || found;
        }
    }
    return found;
}

static int ask_range(struct redis_client *client, struct redis_id first, struct redis_id last,
                     size_t most, redisReply **out, struct error *err)
{
    char from[REDIS_ID_SIZE];
    char to[REDIS_ID_SIZE];
    char count[24];
    const char *stream = client->config->source.redis.stream;
    redis_id_format(first, from);
    redis_id_format(last, to);
    snprintf(count, sizeof count, "%zu", most);
    const int status =
        redis_client_send(client, err, "XRANGE", stream, from, to, "COUNT", count, NULL);
    return status == STATUS_OK ? redis_client_await(client, out, err) : status;
}

/* A reply that is too long is asked for again, entry by entry, and behind one that is alone. */
int redis_client_range(struct redis_client *client, struct redis_id first, struct redis_id last,
                       size_t most, redisReply **out, bool *more, struct error *err)
{
    int status;
    size_t count;
    do {
        struct redis_id stuck;
        count = redis_client_count(client, most);
        status = ask_range(client, first, last, count, out, err);
        const bool too_long = status == STATUS_FULL;
        if (too_long && count == 1) {
            if (!last_id(client->context->reader->reply, &stuck)) {
                return status;
            }
            first = redis_id_next(stuck);
        }
        if (too_long) {
            status = redis_client_connect_again(client, err);
            status = status == STATUS_OK ? STATUS_FULL : status;
        }
    } while (status == STATUS_FULL);
    status = status == STATUS_OK ? redis_client_check_page(client, *out, err) : status;
    if (status != STATUS_OK) {
        freeReplyObject(*out);
        *out = NULL;
    }
    *more = *out != NULL && (*out)->elements == count;
    return status;
}

/* The reply as far as it came: the last id in it is that of the entry that is too long. */
bool redis_client_stuck_at(const struct redis_client *client, struct redis_id *out)
{
    return last_id(redis_client_entries(client->context->reader->reply), out);
}

void redis_client_add_event(struct redis_client *client, struct batch *batch,
                            struct redis_entry *entry, uint64_t ordinal, wall_time now,
                            struct unusable_log *unusable)
{
    const struct message message =
        redis_entry_message(entry, &client->config->source, &client->scratch);
    enum unusable why;
    struct event *event = batch_event(batch);
    event->ordinal = ordinal;
    event->arrival = now;
    switch (message_fill(client->reader, &message, batch, event, &why)) {
    case MESSAGE_USABLE:
        event->id =
            event_id_of_place(batch_text(batch, entry->id_text),
                              entry->id.seq < INT64_MAX ? (int64_t)entry->id.seq + 1 : INT64_MAX);
        break;
    case MESSAGE_UNUSABLE:
        batch_drop_event(batch);
        unusable_text_row(unusable, why, entry->id_text);
        break;
    case MESSAGE_NOTHING:
        batch_drop_event(batch);
        batch->unusable--;
        break;
    }
}
