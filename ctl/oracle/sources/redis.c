/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads all entries of the stream for the oracle, from the first one to what is the last one when
 * this begins. They are held in memory until they are rows, for rows are added in the order of
 * their ids.
 */
#include <hiredis/hiredis.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "common/base/xalloc.h"
#include "common/codec/json.h"
#include "common/wire/event_id.h"
#include "common/wire/tally.h"
#include "ctl/oracle/message.h"
#include "ctl/oracle/sources/redis.h"

#define ANSWER_S 10
#define SECRET_SIZE 4096
#define PAGE_ENTRIES 500
#define YEAR_9999_MS UINT64_C(253402300799999)

struct entry {
    const redisReply *reply; /* [id, [name, value, …]]; in one of the pages */
    uint64_t ms;
    uint64_t seq;
};

struct redis {
    struct oracle_source base;
    const struct config_source *source;
    redisContext *context;
    redisReply **pages;
    size_t page_count;
    struct entry *entries;
    size_t count;
};

/* ---- Asking ---- */

static int failed(const struct redis *r, const char *why, struct error *err)
{
    return error_set(err, STATUS_IO, "Redis at %s:%u, stream \"%s\": %s", r->source->redis.host,
                     r->source->redis.port, r->source->redis.stream, why);
}

static int answered(const struct redis *r, redisReply *reply, redisReply **out, struct error *err)
{
    *out = NULL;
    if (reply == NULL) {
        return failed(r, r->context->errstr, err);
    }
    if (reply->type == REDIS_REPLY_ERROR) {
        const int status = failed(r, reply->str, err);
        freeReplyObject(reply);
        return status;
    }
    *out = reply;
    return STATUS_OK;
}

static int ask(const struct redis *r, redisReply *reply, struct error *err)
{
    redisReply *out;
    const int status = answered(r, reply, &out, err);
    freeReplyObject(out);
    return status;
}

static int log_in(const struct redis *r, struct error *err)
{
    char *secret = x_calloc(1, SECRET_SIZE);
    const char *user = r->source->redis.user;
    int status = config_read_secret(r->source->password_file, secret, SECRET_SIZE, err);
    if (status == STATUS_OK) {
        status = ask(r,
                     user != NULL ? redisCommand(r->context, "AUTH %s %s", user, secret)
                                  : redisCommand(r->context, "AUTH %s", secret),
                     err);
    }
    sodium_memzero(secret, SECRET_SIZE);
    free(secret);
    return status;
}

static void disconnect(struct redis *r)
{
    if (r->context != NULL) {
        redisFree(r->context);
        r->context = NULL;
    }
}

static int connect_to(struct redis *r, struct error *err)
{
    const struct config_redis *redis = &r->source->redis;
    const struct timeval patience = {.tv_sec = ANSWER_S};
    disconnect(r);
    r->context = redisConnectWithTimeout(redis->host, (int)redis->port, patience);
    if (r->context == NULL) {
        return failed(r, "out of memory", err);
    }
    if (r->context->err != 0) {
        return failed(r, r->context->errstr, err);
    }
    redisSetTimeout(r->context, patience);
    int status = r->source->password_file != NULL ? log_in(r, err) : STATUS_OK;
    if (status == STATUS_OK && redis->database != 0) {
        status = ask(r, redisCommand(r->context, "SELECT %u", redis->database), err);
    }
    return status;
}

/* ---- Reading ---- */

static void forget(struct redis *r)
{
    for (size_t i = 0; i < r->page_count; i++) {
        freeReplyObject(r->pages[i]);
    }
    r->page_count = 0;
    r->count = 0;
}

static bool is_text(const redisReply *reply)
{
    return reply != NULL && reply->type == REDIS_REPLY_STRING;
}

static bool is_list(const redisReply *reply)
{
    return reply != NULL && reply->type == REDIS_REPLY_ARRAY;
}

/* 1700000000000-0 */
static bool is_id(const redisReply *reply)
{
    static const char digits[] = "0123456789";
    if (!is_text(reply)) {
        return false;
    }
    const size_t first = strspn(reply->str, digits);
    const size_t second = reply->str[first] == '-' ? strspn(reply->str + first + 1, digits) : 0;
    return first != 0 && second != 0 && first + 1 + second == reply->len;
}

bool oracle_redis_is_entry(const redisReply *reply)
{
    if (!is_list(reply) || reply->elements != 2 || !is_id(reply->element[0]) ||
        !is_list(reply->element[1])) {
        return false;
    }
    const redisReply *fields = reply->element[1];
    for (size_t i = 0; i < fields->elements; i++) {
        if (!is_text(fields->element[i])) {
            return false;
        }
    }
    return true;
}

/* The caller has seen that it is one. */
static struct entry entry_of(const redisReply *reply)
{
    char *dash;
    const uint64_t ms = strtoull(reply->element[0]->str, &dash, 10);
    return (struct entry){reply, ms, strtoull(dash + 1, NULL, 10)};
}

/* Takes the page over. STATUS_IO: it is no list of entries. */
static int keep(struct redis *r, redisReply *page, struct error *err)
{
    r->pages = x_reallocarray(r->pages, r->page_count + 1, sizeof(redisReply *));
    r->pages[r->page_count++] = page;
    r->entries = x_reallocarray(r->entries, r->count + page->elements + 1, sizeof *r->entries);
    bool sound = is_list(page);
    for (size_t i = 0; sound && i < page->elements; i++) {
        sound = oracle_redis_is_entry(page->element[i]);
        if (sound) {
            r->entries[r->count++] = entry_of(page->element[i]);
        }
    }
    return sound ? STATUS_OK : failed(r, "it answers with what is no entry of a stream", err);
}

/* The greatest id that the stream ever had; empty when there is no stream. */
static int find_last(const struct redis *r, char *out, size_t size, struct error *err)
{
    redisReply *reply = redisCommand(r->context, "XINFO STREAM %s", r->source->redis.stream);
    out[0] = '\0';
    if (reply == NULL || reply->type == REDIS_REPLY_ERROR) {
        const bool absent = reply != NULL && strstr(reply->str, "no such key") != NULL;
        const int status =
            absent ? STATUS_OK : failed(r, reply != NULL ? reply->str : r->context->errstr, err);
        freeReplyObject(reply);
        return status;
    }
    for (size_t i = 0; is_list(reply) && i + 1 < reply->elements; i += 2) {
        if (is_text(reply->element[i]) &&
            strcmp(reply->element[i]->str, "last-generated-id") == 0 &&
            is_id(reply->element[i + 1])) {
            snprintf(out, size, "%s", reply->element[i + 1]->str);
        }
    }
    freeReplyObject(reply);
    return out[0] != '\0' ? STATUS_OK
                          : failed(r, "it does not say which id the stream had last", err);
}

/* Pages from the first entry to the last one; the connection may be as old as the load before. */
static int read_stream(struct redis *r, struct error *err)
{
    char last[64];
    char from[64] = "-";
    int status = connect_to(r, err);
    if (status == STATUS_OK) {
        status = find_last(r, last, sizeof last, err);
    }
    bool more = status == STATUS_OK && last[0] != '\0';
    while (more) {
        redisReply *page;
        if (r->base.between != NULL) {
            r->base.between(r->base.arg);
        }
        status = answered(r,
                          redisCommand(r->context, "XRANGE %s %s %s COUNT %d",
                                       r->source->redis.stream, from, last, PAGE_ENTRIES),
                          &page, err);
        if (page == NULL) {
            break;
        }
        status = keep(r, page, err);
        more = status == STATUS_OK && page->elements == PAGE_ENTRIES;
        if (more) {
            const struct entry *end = &r->entries[r->count - 1];
            const bool carries = end->seq == UINT64_MAX;
            snprintf(from, sizeof from, "%" PRIu64 "-%" PRIu64, end->ms + carries,
                     carries ? 0 : end->seq + 1);
        }
    }
    return status;
}

/* ---- Entries as messages ---- */

static struct str text(const redisReply *reply)
{
    return reply->str != NULL ? (struct str){reply->str, reply->len} : STR("");
}

static const redisReply *fields(const struct entry *entry)
{
    return entry->reply->element[1];
}

/* The last field of that name, or STR_NULL. */
static struct str field(const struct entry *entry, const char *name)
{
    struct str found = STR_NULL;
    for (size_t i = 0; i + 1 < fields(entry)->elements; i += 2) {
        if (str_is(text(fields(entry)->element[i]), name)) {
            found = text(fields(entry)->element[i + 1]);
        }
    }
    return found;
}

static struct str header_of(const struct oracle_message *message, const char *name)
{
    return field(message->data, name);
}

static bool begins_nested(struct str value)
{
    size_t at = 0;
    while (at < value.len && (value.p[at] == ' ' || value.p[at] == '\t' || value.p[at] == '\r' ||
                              value.p[at] == '\n')) {
        at++;
    }
    return at < value.len && (value.p[at] == '{' || value.p[at] == '[');
}

/* True for a list or an object of JSON. */
static bool is_nested(struct str value)
{
    struct json_value *json = NULL;
    bool nested = begins_nested(value);
    nested = nested && json_parse_usable(value, (size_t)4 << 20, &json) == STATUS_OK;
    nested = nested && (json_is_map(json) || json_is_list(json));
    json_free(json);
    return nested;
}

static void put_text(struct buf *out, struct str value)
{
    buf_append_text(out, "\"");
    for (size_t i = 0; i < value.len; i++) {
        const unsigned char c = (unsigned char)value.p[i];
        if (c < ' ' || c == '"' || c == '\\') {
            buf_printf(out, "\\u%04x", c);
        } else {
            buf_append(out, value.p + i, 1);
        }
    }
    buf_append_text(out, "\"");
}

/* All fields as members of one object. */
static void put_members(const struct entry *entry, struct buf *out)
{
    const redisReply *list = fields(entry);
    buf_append_text(out, "{");
    for (size_t i = 0; i + 1 < list->elements; i += 2) {
        const struct str value = text(list->element[i + 1]);
        buf_append_text(out, i != 0 ? "," : "");
        put_text(out, text(list->element[i]));
        buf_append_text(out, ":");
        if (is_nested(value)) {
            buf_append_str(out, value);
        } else {
            put_text(out, value);
        }
    }
    buf_append_text(out, "}");
}

static struct str first_of(const struct entry *entry, const char *a, const char *b, const char *c)
{
    const struct str x = field(entry, a);
    const struct str y = field(entry, b);
    const struct str z = field(entry, c);
    const struct str found = x.p != NULL ? x : y.p != NULL ? y : z;
    return found.p != NULL ? found : STR("");
}

/* By docs/messages.md. */
static struct str value_of(const struct config_source *source, const struct entry *entry,
                           struct buf *made)
{
    const char *named = source->redis.field;
    if (named != NULL) {
        return first_of(entry, named, named, named);
    }
    if (fields(entry)->elements == 2) {
        const struct str only = text(fields(entry)->element[1]);
        if (begins_nested(only)) {
            return only;
        }
    }
    if (source->format != MESSAGE_JSON) {
        return first_of(entry, "data", "value", "payload");
    }
    put_members(entry, made);
    return buf_str(made);
}

static struct str key_of(const struct entry *entry)
{
    const struct str key = field(entry, "key");
    return key.p == NULL && fields(entry)->elements == 2 ? text(fields(entry)->element[0]) : key;
}

/* ---- Rows ---- */

/* As event_id_compare has it: ids of the same millisecond by their second number, and all others by
 * the bytes of the first. */
static int by_id(const void *a, const void *b)
{
    const struct entry *x = a;
    const struct entry *y = b;
    if (x->ms == y->ms) {
        return (x->seq > y->seq) - (x->seq < y->seq);
    }
    return strcmp(x->reply->element[0]->str, y->reply->element[0]->str);
}

static struct oracle_message message_of(const struct config_source *source, struct entry *entry,
                                        struct buf *made)
{
    return (struct oracle_message){
        .topic = str_of(source->redis.stream),
        .key = key_of(entry),
        .value = value_of(source, entry, made),
        .time_ms = entry->ms <= YEAR_9999_MS ? (int64_t)entry->ms : -1,
        .header = header_of,
        .data = entry,
    };
}

static void add_row(struct redis *r, struct oracle_rows *rows, struct entry *entry)
{
    struct str texts[ORACLE_COLUMNS_MAX] = {{0}};
    struct arena *memory = arena_create();
    struct buf made = {0};
    const struct oracle_message message = message_of(r->source, entry, &made);
    const struct str id = text(entry->reply->element[0]);
    int64_t offset;
    bool timed;
    wall_time time;
    r->base.newest++;
    const enum oracle_message_kind kind =
        oracle_message_read(r->source, &message, memory, texts, &timed, &time.us);
    if (kind == ORACLE_MESSAGE_ROW &&
        oracle_add_event(rows, r->source, r->base.newest, timed ? &time : NULL, texts)) {
        const uint64_t stream = event_id_stream(id, &offset);
        oracle_rows_set_text(rows, id);
        oracle_rows_set_place(rows, stream, offset);
    } else if (kind != ORACLE_MESSAGE_NOTHING) {
        r->base.unusable++;
    }
    buf_free(&made);
    arena_destroy(&memory);
}

static int redis_load(struct oracle_source *base, struct oracle_rows *rows, struct error *err)
{
    struct redis *r = (struct redis *)base;
    oracle_rows_clear(rows);
    base->newest = 0;
    base->unusable = 0;
    const int status = read_stream(r, err);
    if (status == STATUS_OK && r->count != 0) {
        qsort(r->entries, r->count, sizeof *r->entries, by_id);
        for (size_t i = 0; i < r->count; i++) {
            add_row(r, rows, &r->entries[i]);
        }
    }
    forget(r);
    return status;
}

static void redis_rewind(struct oracle_source *base)
{
    (void)base; /* each load reads all */
}

static void redis_close(struct oracle_source *base)
{
    struct redis *r = (struct redis *)base;
    forget(r);
    free(r->pages);
    free(r->entries);
    disconnect(r);
    free(r);
}

/* ---- For others ---- */

int oracle_redis_connect(const struct config_source *source, redisContext **out, struct error *err)
{
    struct redis r = {.source = source};
    const int status = connect_to(&r, err);
    if (status != STATUS_OK) {
        disconnect(&r);
    }
    *out = r.context;
    return status;
}

enum oracle_message_kind oracle_redis_read(const struct config_source *source,
                                           const redisReply *reply, struct arena *memory,
                                           struct str *texts, bool *timed, int64_t *us)
{
    struct entry entry = entry_of(reply);
    struct buf made = {0};
    const struct oracle_message message = message_of(source, &entry, &made);
    const enum oracle_message_kind kind =
        oracle_message_read(source, &message, memory, texts, timed, us);
    for (size_t i = 0; i < oracle_column_count(source); i++) { /* some may be pieces of `made` */
        if (texts[i].p != NULL) {
            texts[i].p = arena_strndup(memory, texts[i].p, texts[i].len);
        }
    }
    buf_free(&made);
    return kind;
}

int oracle_redis_open(const struct config *config, struct oracle_source **out, struct error *err)
{
    struct redis *r = x_calloc(1, sizeof *r);
    r->base.texts = true;
    r->base.load = redis_load;
    r->base.rewind = redis_rewind;
    r->base.close = redis_close;
    r->source = &config->source;
    const int status = connect_to(r, err);
    if (status != STATUS_OK) {
        redis_close(&r->base);
        return status;
    }
    *out = &r->base;
    return STATUS_OK;
}
