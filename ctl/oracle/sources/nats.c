/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads all messages of a stream of JetStream for the oracle, from its first sequence to where its
 * end is when that begins. A consumer is asked for so many at a time, which it answers with these,
 * or says that there are no more.
 */
#include <nats/nats.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "common/base/xalloc.h"
#include "ctl/oracle/message.h"
#include "ctl/oracle/sources/nats.h"

#define ANSWER_MS 10000
#define SECRET_SIZE 65536
#define AT_ONCE 1000 /* messages that are asked for */

struct nats {
    struct oracle_source base;
    const struct config_source *source;
    natsConnection *connection;
    jsCtx *js;
    natsSubscription *answers; /* to what is asked */
    natsInbox *inbox;          /* of them */
    char *consumer;            /* its name */
    int64_t created;           /* when the stream was that was read */
    uint64_t left;             /* messages that the consumer still has for us */
};

static int failed(const struct nats *n, const char *what, natsStatus code, struct error *err)
{
    return error_set(err, STATUS_IO, "NATS at %s: %s: %s", n->source->nats.servers[0], what,
                     natsStatus_GetText(code));
}

/* ---- Opening ---- */

static void ignore(natsConnection *connection, natsSubscription *subscription, natsStatus code,
                   void *arg)
{
    (void)connection;
    (void)subscription;
    (void)code;
    (void)arg;
}

/* Whatever reads the secret, whether others may read it is looked at by config_read_secret. */
static natsStatus identify(const struct nats *n, natsOptions *options, struct error *err)
{
    const struct config_nats *c = &n->source->nats;
    const char *file = c->user != NULL               ? n->source->password_file
                       : c->token_file != NULL       ? c->token_file
                       : c->credentials_file != NULL ? c->credentials_file
                                                     : c->nkey_seed_file;
    natsStatus code = NATS_OK;
    if (file == NULL) {
        return NATS_OK;
    }
    char *secret = x_calloc(1, SECRET_SIZE);
    if (config_read_secret(file, secret, SECRET_SIZE, err) != STATUS_OK) {
        code = NATS_ERR;
    } else if (c->user != NULL) {
        code = natsOptions_SetUserInfo(options, c->user, secret);
    } else if (c->token_file != NULL) {
        code = natsOptions_SetToken(options, secret);
    } else if (c->credentials_file != NULL) {
        code = natsOptions_SetUserCredentialsFromFiles(options, file, NULL);
    } else {
        code = natsOptions_SetNKeyFromSeed(options, c->nkey, file);
    }
    sodium_memzero(secret, SECRET_SIZE);
    free(secret);
    return code;
}

static natsStatus secure(const struct config_nats *c, natsOptions *options)
{
    natsStatus code = natsOptions_SetSecure(options, c->tls);
    if (code == NATS_OK && c->ca_file != NULL) {
        code = natsOptions_LoadCATrustedCertificates(options, c->ca_file);
    }
    if (code == NATS_OK && c->certificate_file != NULL) {
        code = natsOptions_LoadCertificatesChain(options, c->certificate_file, c->key_file);
    }
    if (code == NATS_OK && c->server_name != NULL) {
        code = natsOptions_SetExpectedHostname(options, c->server_name);
    }
    return code;
}

static int connect_to(struct nats *n, struct error *err)
{
    const struct config_nats *c = &n->source->nats;
    natsOptions *options = NULL;
    jsOptions js;
    err->text[0] = '\0';
    natsStatus code = natsOptions_Create(&options);
    if (code == NATS_OK) {
        code = natsOptions_SetServers(options, c->servers, (int)c->server_count);
    }
    if (code == NATS_OK) {
        code = natsOptions_SetErrorHandler(options, ignore, NULL);
    }
    if (code == NATS_OK) {
        code = identify(n, options, err);
    }
    if (code == NATS_OK && c->tls) {
        code = secure(c, options);
    }
    if (code == NATS_OK) {
        code = natsConnection_Connect(&n->connection, options);
    }
    natsOptions_Destroy(options);
    if (code == NATS_OK) {
        jsOptions_Init(&js);
        js.Wait = ANSWER_MS;
        js.Domain = c->domain;
        code = natsConnection_JetStream(&n->js, n->connection, &js);
    }
    if (code == NATS_OK) {
        code = natsInbox_Create(&n->inbox);
    }
    if (code == NATS_OK) {
        code = natsConnection_SubscribeSync(&n->answers, n->connection, n->inbox);
    }
    if (code == NATS_OK || err->text[0] != '\0') {
        return code == NATS_OK ? STATUS_OK : STATUS_DENIED;
    }
    return failed(n, "cannot be connected to", code, err);
}

/* ---- Rows ---- */

static struct str header_of(const struct oracle_message *message, const char *name)
{
    const char **values = NULL;
    int count = 0;
    struct str value = STR_NULL;
    if (natsMsgHeader_Values(message->data, name, &values, &count) == NATS_OK && count > 0) {
        value = str_of(values[count - 1]);
    }
    free((void *)values);
    return value;
}

/* By docs/nats.md: `*` is any token, and `>` all tokens that are left, at least one. */
static bool matches(const char *pattern, const char *subject)
{
    if (strcmp(pattern, ">") == 0) {
        return *subject != '\0';
    }
    const char *pattern_end = strchrnul(pattern, '.');
    const char *subject_end = strchrnul(subject, '.');
    const bool any = pattern_end - pattern == 1 && *pattern == '*';
    if (!any && (pattern_end - pattern != subject_end - subject ||
                 strncmp(pattern, subject, (size_t)(subject_end - subject)) != 0)) {
        return false;
    }
    if (*pattern_end == '\0' || *subject_end == '\0') {
        return *pattern_end == *subject_end;
    }
    return matches(pattern_end + 1, subject_end + 1);
}

static bool is_wanted(const struct config_nats *c, const char *subject)
{
    bool wanted = c->subject_count == 0;
    for (size_t i = 0; i < c->subject_count; i++) {
        wanted = wanted || matches(c->subjects[i], subject);
    }
    return wanted;
}

static struct oracle_message message_of(natsMsg *m, int64_t time_ns)
{
    const size_t len = (size_t)natsMsg_GetDataLength(m);
    const char *deletes;
    struct oracle_message message = {
        .topic = str_of(natsMsg_GetSubject(m)),
        .value = {len != 0 ? natsMsg_GetData(m) : "", len},
        .time_ms = time_ns / 1000000,
        .header = header_of,
        .data = m,
    };
    if (len == 0 && natsMsgHeader_Get(m, "KV-Operation", &deletes) == NATS_OK) {
        message.value = STR_NULL;
    }
    return message;
}

static void add_row(struct nats *n, struct oracle_rows *rows, natsMsg *m, int64_t sequence,
                    int64_t time_ns)
{
    struct str texts[ORACLE_COLUMNS_MAX] = {{0}};
    struct arena *memory = arena_create();
    const struct oracle_message message = message_of(m, time_ns);
    bool timed;
    wall_time time;
    if (is_wanted(&n->source->nats, message.topic.p)) {
        const enum oracle_message_kind kind =
            oracle_message_read(n->source, &message, memory, texts, &timed, &time.us);
        if (kind != ORACLE_MESSAGE_NOTHING &&
            (kind == ORACLE_MESSAGE_BAD ||
             !oracle_add_event(rows, n->source, sequence, timed ? &time : NULL, texts))) {
            n->base.unusable++;
        }
    }
    arena_destroy(&memory);
}

/* ---- Reading ---- */

/* Rows of a stream that was made anew since are no rows any more. */
static natsStatus inspect(struct nats *n, struct oracle_rows *rows)
{
    jsStreamInfo *stream = NULL;
    const natsStatus code = js_GetStreamInfo(&stream, n->js, n->source->nats.stream, NULL, NULL);
    if (code == NATS_OK && stream->Created != n->created) {
        oracle_rows_clear(rows);
        n->base.newest = 0;
        n->base.unusable = 0;
        n->created = stream->Created;
    }
    jsStreamInfo_Destroy(stream);
    return code;
}

static natsStatus begin(struct nats *n)
{
    jsConsumerInfo *info = NULL;
    jsConsumerConfig config;
    jsConsumerConfig_Init(&config);
    config.DeliverPolicy = js_DeliverByStartSequence;
    config.OptStartSeq = (uint64_t)n->base.newest + 1;
    config.AckPolicy = js_AckNone;
    config.MemoryStorage = true;
    config.InactiveThreshold = INT64_C(60000000000);
    const natsStatus code =
        js_AddConsumer(&info, n->js, n->source->nats.stream, &config, NULL, NULL);
    if (code == NATS_OK) {
        n->left = info->NumPending;
        n->consumer = x_strdup(info->Name);
        jsConsumerInfo_Destroy(info);
    }
    return code;
}

static void end(struct nats *n)
{
    if (n->consumer != NULL) {
        (void)js_DeleteConsumer(n->js, n->source->nats.stream, n->consumer, NULL, NULL);
        free(n->consumer);
        n->consumer = NULL;
    }
}

static natsStatus ask(struct nats *n, uint64_t count)
{
    char subject[1024];
    char request[64];
    const struct config_nats *c = &n->source->nats;
    snprintf(subject, sizeof subject, "$JS.%s%sAPI.CONSUMER.MSG.NEXT.%s.%s",
             c->domain != NULL ? c->domain : "", c->domain != NULL ? "." : "", c->stream,
             n->consumer);
    const int len = snprintf(request, sizeof request, "{\"batch\":%llu,\"no_wait\":true}",
                             (unsigned long long)count);
    return natsConnection_PublishRequest(n->connection, subject, n->inbox, request, len);
}

static natsStatus take_message(struct nats *n, struct oracle_rows *rows, natsMsg *message)
{
    jsMsgMetaData *about = NULL;
    const natsStatus code = natsMsg_GetMetaData(&about, message);
    if (code == NATS_OK && (int64_t)about->Sequence.Stream > n->base.newest) {
        n->base.newest = (int64_t)about->Sequence.Stream;
        add_row(n, rows, message, n->base.newest, about->Timestamp);
    }
    jsMsgMetaData_Destroy(about);
    return code;
}

/* One answer: a message, or the word that there are no more, which ends what is left. */
static natsStatus take(struct nats *n, struct oracle_rows *rows, uint64_t *answers)
{
    natsMsg *message = NULL;
    const char *status;
    natsStatus code = natsSubscription_NextMsg(&message, n->answers, ANSWER_MS);
    if (code != NATS_OK) {
        return code;
    }
    if (natsMsgHeader_Get(message, "Status", &status) == NATS_OK) {
        n->left = 0;
        *answers = 0;
    } else {
        n->left--;
        (*answers)--;
        code = take_message(n, rows, message);
    }
    natsMsg_Destroy(message);
    return code;
}

static int nats_load(struct oracle_source *base, struct oracle_rows *rows, struct error *err)
{
    struct nats *n = (struct nats *)base;
    natsStatus code = inspect(n, rows);
    if (code == NATS_OK) {
        code = begin(n);
    }
    while (code == NATS_OK && n->left != 0) {
        uint64_t answers = n->left < AT_ONCE ? n->left : AT_ONCE;
        if (base->between != NULL) {
            base->between(base->arg);
        }
        code = ask(n, answers);
        while (code == NATS_OK && answers != 0) {
            code = take(n, rows, &answers);
        }
    }
    end(n);
    return code == NATS_OK ? STATUS_OK : failed(n, "the stream cannot be read", code, err);
}

/* Where to read on is `newest` alone. */
static void nats_rewind(struct oracle_source *base)
{
    (void)base;
}

static void nats_close(struct oracle_source *base)
{
    struct nats *n = (struct nats *)base;
    natsConnection_Close(n->connection); /* nothing comes any more to what is destroyed now */
    natsSubscription_Destroy(n->answers);
    natsInbox_Destroy(n->inbox);
    jsCtx_Destroy(n->js);
    natsConnection_Destroy(n->connection);
    free(n->consumer);
    free(n);
}

/* ---- For others ---- */

int oracle_nats_connect(const struct config_source *source, natsConnection **connection, jsCtx **js,
                        struct error *err)
{
    struct nats n = {.source = source};
    const int status = connect_to(&n, err);
    natsSubscription_Destroy(n.answers);
    natsInbox_Destroy(n.inbox);
    if (status != STATUS_OK) {
        jsCtx_Destroy(n.js);
        natsConnection_Destroy(n.connection);
        return status;
    }
    *connection = n.connection;
    *js = n.js;
    return STATUS_OK;
}

enum oracle_message_kind oracle_nats_read(const struct config_source *source, natsMsg *m,
                                          struct arena *memory, struct str *texts, bool *timed,
                                          int64_t *us)
{
    const struct oracle_message message = message_of(m, natsMsg_GetTime(m));
    return oracle_message_read(source, &message, memory, texts, timed, us);
}

int oracle_nats_open(const struct config *config, struct oracle_source **out, struct error *err)
{
    struct nats *n = x_calloc(1, sizeof *n);
    n->base.load = nats_load;
    n->base.rewind = nats_rewind;
    n->base.close = nats_close;
    n->source = &config->source;
    const int status = connect_to(n, err);
    if (status != STATUS_OK) {
        nats_close(&n->base);
        return status;
    }
    *out = &n->base;
    return STATUS_OK;
}
