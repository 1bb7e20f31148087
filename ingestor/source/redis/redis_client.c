/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/source/redis/redis_client.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <sodium.h>

#include "common/base/xalloc.h"
#include "common/program/log.h"

#define SECRET_SIZE 4096
#define WORDS_MAX 12
#define RECEIVE_BYTES ((size_t)64 << 10)

static const char *name_of(struct redis_client *client)
{
    const struct config_redis *redis = &client->config->source.redis;
    buf_clear(&client->said);
    buf_printf(&client->said, "Redis at %s:%u", redis->host, redis->port);
    return buf_cstr(&client->said);
}

/* ---- Errors in words ---- */

static bool begins(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

struct refusal {
    const char *begins; /* what the server says */
    int status;
    const char *advice; /* what to do */
};

static const struct refusal refusals[] = {
    {"NOAUTH", STATUS_DENIED,
     "it wants a password: put it into a file and name that with source.password_file (and, where "
     "there are users, source.redis.user)"},
    {"WRONGPASS", STATUS_DENIED,
     "the user or the password is wrong: see source.redis.user and source.password_file"},
    {"ERR invalid password", STATUS_DENIED, "the password is wrong: see source.password_file"},
    {"ERR AUTH", STATUS_DENIED,
     "it wants no password: leave source.password_file out, or set one there"},
    {"ERR Client sent AUTH", STATUS_DENIED,
     "it wants no password: leave source.password_file out, or set one there"},
    {"NOPERM", STATUS_DENIED,
     "the user lacks a right: give it +xread +xrange +xinfo|stream on the stream"},
    {"WRONGTYPE", STATUS_INVALID,
     "that key holds something else than a stream: name another one in source.uri"},
    {"LOADING", STATUS_IO, "it is still loading its data; it is tried again"},
    {"BUSY", STATUS_IO, "a script keeps it busy; it is tried again"},
    {"MASTERDOWN", STATUS_IO,
     "it is a replica without its primary, and may not answer; it is tried again"},
    {"MOVED", STATUS_INVALID,
     "another node of the cluster has the stream: name that one in source.uri"},
    {"ASK", STATUS_IO, "the stream is moving to another node of the cluster; it is tried again"},
    {"CLUSTERDOWN", STATUS_IO, "the cluster is down; it is tried again"},
    {"READONLY", STATUS_IO, "it is a replica; reading needs no more, so this is unexpected"},
    {"OOM", STATUS_IO, "its memory is full: raise maxmemory, or trim what is in it"},
    {"ERR DB index", STATUS_INVALID, "it has no such database: see source.redis.database"},
    {"ERR invalid DB", STATUS_INVALID, "it has no such database: see source.redis.database"},
    {"ERR SELECT", STATUS_INVALID,
     "a cluster has the database 0 alone: leave source.redis.database out"},
    {"ERR unknown command", STATUS_INVALID,
     "it knows no streams, or the command is switched off: Redis 5 or later is needed"},
    {"DENIED", STATUS_DENIED,
     "it lets nobody in from elsewhere without a password: give it one, or see protected-mode"},
};

int redis_client_failed(struct redis_client *client, const redisReply *reply, struct error *err)
{
    const char *said = reply->str != NULL ? reply->str : "";
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        if (begins(said, refusals[i].begins)) {
            return error_set(err, refusals[i].status, "%s, stream \"%s\": %s (%.120s)",
                             name_of(client), client->config->source.redis.stream,
                             refusals[i].advice, said);
        }
    }
    return error_set(err, STATUS_IO, "%s answers: %.200s", name_of(client), said);
}

static int lost(struct redis_client *client, const char *why, struct error *err)
{
    return error_set(err, STATUS_IO, "the connection to %s is lost: %s", name_of(client), why);
}

/* ---- Bytes ---- */

static int send_bytes(struct redis_client *client, const char *bytes, size_t len, struct error *err)
{
    while (len != 0) {
        struct pollfd fd = {.fd = client->context->fd, .events = POLLOUT};
        const ssize_t sent = send(fd.fd, bytes, len, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent > 0) {
            bytes += sent;
            len -= (size_t)sent;
        } else if (errno == EAGAIN || errno == EINTR) {
            if (poll(&fd, 1, REDIS_ANSWER_MS) == 0) {
                return lost(client, "it takes nothing", err);
            }
        } else {
            return lost(client, strerror(errno), err);
        }
    }
    return STATUS_OK;
}

/* Feeds what has come to the parser. */
static int receive(struct redis_client *client, bool *any, struct error *err)
{
    char bytes[RECEIVE_BYTES];
    const ssize_t got = recv(client->context->fd, bytes, sizeof bytes, MSG_DONTWAIT);
    *any = got > 0;
    if (got > 0) {
        client->reply_bytes += (size_t)got;
        return redisReaderFeed(client->context->reader, bytes, (size_t)got) == REDIS_OK
                   ? STATUS_OK
                   : lost(client, client->context->reader->errstr, err);
    }
    if (got == 0) {
        return lost(client, "it has closed it", err);
    }
    return errno == EAGAIN || errno == EINTR ? STATUS_OK : lost(client, strerror(errno), err);
}

/* ---- Commands ---- */

static int send_words(struct redis_client *client, const char *const *words, size_t count,
                      struct error *err)
{
    const char *argv[WORDS_MAX];
    char *command = NULL;
    for (size_t i = 0; i < count; i++) {
        argv[i] = words[i];
    }
    const long long len = redisFormatCommandArgv(&command, (int)count, argv, NULL);
    if (len < 0) {
        return error_set(err, STATUS_IO, "out of memory");
    }
    const int status = send_bytes(client, command, (size_t)len, err);
    sodium_memzero(command, (size_t)len); /* it may hold a password */
    redisFreeCommand(command);
    return status;
}

int redis_client_send(struct redis_client *client, struct error *err, ...)
{
    const char *words[WORDS_MAX];
    size_t count = 0;
    va_list list;
    va_start(list, err);
    for (const char *word = va_arg(list, const char *); word != NULL && count < WORDS_MAX;
         word = va_arg(list, const char *)) {
        words[count++] = word;
    }
    va_end(list);
    return send_words(client, words, count, err);
}

int redis_client_take(struct redis_client *client, redisReply **out, struct error *err)
{
    redisReader *reader = client->context->reader;
    bool any = true;
    *out = NULL;
    while (any) {
        void *reply = NULL;
        if (redisReaderGetReply(reader, &reply) != REDIS_OK) {
            return lost(client, reader->errstr, err);
        }
        if (reply != NULL) {
            client->reply_bytes = reader->len - reader->pos;
            *out = reply;
            return STATUS_OK;
        }
        if (client->reply_bytes > REDIS_REPLY_MAX) {
            return error_set(err, STATUS_FULL, "%s: a reply is longer than %zu MiB",
                             name_of(client), REDIS_REPLY_MAX >> 20);
        }
        const int status = receive(client, &any, err);
        if (status != STATUS_OK) {
            return status;
        }
    }
    return STATUS_OK;
}

int redis_client_await_any(struct redis_client *client, redisReply **out, struct error *err)
{
    struct pollfd fd = {.fd = client->context->fd, .events = POLLIN};
    int status = redis_client_take(client, out, err);
    while (status == STATUS_OK && *out == NULL) {
        if (poll(&fd, 1, REDIS_ANSWER_MS) == 0) {
            return error_set(err, STATUS_IO, "%s does not answer for %d s", name_of(client),
                             REDIS_ANSWER_MS / 1000);
        }
        status = redis_client_take(client, out, err);
    }
    return status;
}

int redis_client_await(struct redis_client *client, redisReply **out, struct error *err)
{
    int status = redis_client_await_any(client, out, err);
    if (*out != NULL && (*out)->type == REDIS_REPLY_ERROR) {
        status = redis_client_failed(client, *out, err);
        freeReplyObject(*out);
        *out = NULL;
    }
    return status;
}

/* ---- Opening and closing ---- */

static int answer(struct redis_client *client, struct error *err)
{
    redisReply *reply = NULL;
    const int status = redis_client_await(client, &reply, err);
    freeReplyObject(reply);
    return status;
}

static int log_in(struct redis_client *client, struct error *err)
{
    const struct config_source *source = &client->config->source;
    char *secret = x_calloc(1, SECRET_SIZE);
    int status = config_read_secret(source->password_file, secret, SECRET_SIZE, err);
    if (status == STATUS_OK) {
        status = source->redis.user != NULL
                     ? redis_client_send(client, err, "AUTH", source->redis.user, secret, NULL)
                     : redis_client_send(client, err, "AUTH", secret, NULL);
    }
    sodium_memzero(secret, SECRET_SIZE);
    free(secret);
    return status == STATUS_OK ? answer(client, err) : status;
}

static int choose_database(struct redis_client *client, struct error *err)
{
    char number[16];
    snprintf(number, sizeof number, "%u", client->config->source.redis.database);
    const int status = redis_client_send(client, err, "SELECT", number, NULL);
    return status == STATUS_OK ? answer(client, err) : status;
}

int redis_client_open(struct redis_client *client, const struct config *config, struct error *err)
{
    const struct config_source *source = &config->source;
    const struct timeval patience = {.tv_sec = REDIS_ANSWER_MS / 1000};
    *client = (struct redis_client){.config = config};
    client->reader = message_reader_create(source);
    client->context =
        redisConnectWithTimeout(source->redis.host, (int)source->redis.port, patience);
    if (client->context == NULL || client->context->err != 0) {
        return error_set(err, STATUS_IO, "%s does not answer: %s", name_of(client),
                         client->context != NULL ? client->context->errstr : "out of memory");
    }
    redisEnableKeepAlive(client->context);
    int status = source->password_file != NULL ? log_in(client, err) : STATUS_OK;
    if (status == STATUS_OK && source->redis.database != 0) {
        status = choose_database(client, err);
    }
    return status;
}

void redis_client_close(struct redis_client *client)
{
    if (client->context != NULL) {
        redisFree(client->context);
    }
    message_reader_destroy(&client->reader);
    buf_free(&client->scratch);
    buf_free(&client->said);
    free(client->fields);
    *client = (struct redis_client){0};
}

int redis_client_connect_again(struct redis_client *client, struct error *err)
{
    const struct config *config = client->config;
    redis_client_close(client);
    const int status = redis_client_open(client, config, err);
    client->entry_bytes = REDIS_WANTED_BYTES;
    return status;
}
