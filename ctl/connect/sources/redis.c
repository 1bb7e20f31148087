/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "common/base/arena.h"
#include "common/base/xalloc.h"
#include "ctl/connect/source.h"
#include "ctl/oracle/sources/redis.h"

struct redis {
    const struct config_source *source;
    redisContext *context;
    struct findings *out;
};

/* The line `name:value` of INFO; the caller frees it. "" when there is none. */
static char *line_of(const char *info, const char *name)
{
    const size_t len = strlen(name);
    for (const char *line = info; line != NULL; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, name, len) == 0 && line[len] == ':') {
            return x_strndup(line + len + 1, strcspn(line + len + 1, "\r\n"));
        }
    }
    return x_strdup("");
}

/* The user may lack the right to INFO, which the ingestor does without. */
static void try_server(const struct redis *r)
{
    redisReply *reply = redisCommand(r->context, "INFO");
    if (reply == NULL || reply->type != REDIS_REPLY_STRING) {
        finding_add(r->out, FINDING_OK, CONNECT_SOURCE, "Redis answers; entries wake the ingestor");
    } else {
        char *version = line_of(reply->str, "redis_version");
        char *role = line_of(reply->str, "role");
        char *append = line_of(reply->str, "aof_enabled");
        finding_add(r->out, FINDING_OK, CONNECT_SOURCE,
                    "Redis %s answers (%s); entries wake the ingestor as they come", version, role);
        if (strcmp(append, "0") == 0) {
            finding_add(
                r->out, FINDING_WARNING, CONNECT_SOURCE,
                "the server has no append-only file: when it crashes, the newest entries are "
                "lost. Set appendonly yes");
        }
        free(version);
        free(role);
        free(append);
    }
    freeReplyObject(reply);
}

static void try_entry(const struct redis *r, const redisReply *entry)
{
    struct str texts[EVENT_FIELDS + CONFIG_EXTRAS_MAX] = {{0}};
    struct arena *memory = arena_create();
    bool timed = false;
    int64_t us;
    char *what = x_asprintf("entry %s", entry->element[0]->str);
    switch (oracle_redis_read(r->source, entry, memory, texts, &timed, &us)) {
    case ORACLE_MESSAGE_ROW:
        connect_fields(r->source, "fields", what, texts, timed, r->out);
        break;
    case ORACLE_MESSAGE_BAD:
        finding_add(r->out, FINDING_ERROR, CONNECT_SOURCE,
                    "%s is none of the form that source.format names, so it is passed over; see "
                    "docs/messages.md",
                    what);
        break;
    case ORACLE_MESSAGE_NOTHING:
        finding_add(r->out, FINDING_OK, CONNECT_SOURCE, "%s is the newest, and says nothing", what);
        break;
    }
    free(what);
    arena_destroy(&memory);
}

/* What XINFO STREAM says under a name; NULL: nothing. */
static const redisReply *member(const redisReply *info, const char *name)
{
    for (size_t i = 0; info->type == REDIS_REPLY_ARRAY && i + 1 < info->elements; i += 2) {
        const redisReply *found = info->element[i];
        if (found->type == REDIS_REPLY_STRING && strcmp(found->str, name) == 0) {
            return info->element[i + 1];
        }
    }
    return NULL;
}

/* It needs no right that the ingestor has not. */
static void try_stream(const struct redis *r)
{
    const char *stream = r->source->redis.stream;
    redisReply *info = redisCommand(r->context, "XINFO STREAM %s", stream);
    const char *said = info != NULL && info->type == REDIS_REPLY_ERROR ? info->str : "";
    const redisReply *length = NULL;
    const redisReply *last = NULL;
    if (strstr(said, "no such key") != NULL) {
        finding_add(r->out, FINDING_WARNING, CONNECT_SOURCE,
                    "there is no stream \"%s\" in database %u; it is read as soon as it is there",
                    stream, r->source->redis.database);
    } else if (strstr(said, "WRONGTYPE") != NULL) {
        finding_add(r->out, FINDING_ERROR, CONNECT_SOURCE,
                    "\"%s\" holds something else than a stream; source.uri names another one",
                    stream);
    } else if (info == NULL || said[0] != '\0') {
        finding_add(r->out, FINDING_ERROR, CONNECT_SOURCE,
                    "Redis at %s:%u: %s (the rights +xread +xrange +xinfo|stream are needed)",
                    r->source->redis.host, r->source->redis.port,
                    info != NULL ? said : r->context->errstr);
    } else {
        length = member(info, "length");
        last = member(info, "last-entry");
    }
    if (length != NULL && length->type == REDIS_REPLY_INTEGER) {
        finding_add(r->out, FINDING_OK, CONNECT_SOURCE, "stream \"%s\" has %lld entr%s", stream,
                    length->integer, length->integer == 1 ? "y" : "ies");
    } else if (info != NULL && said[0] == '\0') {
        finding_add(r->out, FINDING_ERROR, CONNECT_SOURCE,
                    "Redis at %s:%u answers XINFO STREAM with what no Redis says: is that address "
                    "right?",
                    r->source->redis.host, r->source->redis.port);
    }
    if (last != NULL && oracle_redis_is_entry(last)) {
        try_entry(r, last);
    }
    freeReplyObject(info);
}

void connect_redis(const struct config *config, struct findings *out)
{
    struct redis r = {.source = &config->source, .out = out};
    struct error err = {{0}};
    if (oracle_redis_connect(r.source, &r.context, &err) != STATUS_OK) {
        finding_add(out, FINDING_ERROR, CONNECT_SOURCE, "%s", err.text);
        return;
    }
    const struct timeval patience = {.tv_sec = CONNECT_WAIT_MS / 1000};
    redisSetTimeout(r.context, patience);
    try_server(&r);
    try_stream(&r);
    redisFree(r.context);
}
