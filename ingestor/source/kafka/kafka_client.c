/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/source/kafka/kafka_client.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "common/base/fnv.h"
#include "common/base/xalloc.h"
#include "common/program/log.h"
#include "ingestor/source/kafka/kafka_scram.h"
#include "ingestor/source/kafka/kafka_state.h"

#define LAST_MS INT64_C(253402300799999) /* of the year 9999 */
#define DIGEST_BYTES ((size_t)64)        /* of a value: each message comes by there */
#define METADATA_KEY 3                   /* "Metadata", the request of the protocol */
#define SECRET_SIZE 65536                /* bytes of a file with a secret, such as a key */

/* ---- Options ---- */

/* What reading stands on. An offset that is not there is an error, so that nothing is passed over
 * without a word. */
static const char *const defaults[][2] = {
    {"client.id", "tilewire"},
    {"socket.timeout.ms", "10000"},
    {"socket.keepalive.enable", "true"},
    {"reconnect.backoff.max.ms", "2000"},
};
static const char *const fixed[][2] = {
    {"enable.auto.commit", "false"},       {"enable.auto.offset.store", "false"},
    {"auto.offset.reset", "error"},        {"enable.partition.eof", "true"},
    {"isolation.level", "read_committed"}, {"queued.min.messages", "500000"},
    {"allow.auto.create.topics", "false"}, {"check.crcs", "true"},
};

static int set_option(rd_kafka_conf_t *conf, const char *name, const char *value, struct error *err)
{
    char why[512];
    if (rd_kafka_conf_set(conf, name, value, why, sizeof why) == RD_KAFKA_CONF_OK) {
        return STATUS_OK;
    }
    return error_set(err, STATUS_INVALID, "source.kafka.%s: %s", name, why);
}

/* The value is in a file, and in memory no longer than it must be. */
static int set_secret(rd_kafka_conf_t *conf, const char *name, const char *file, struct error *err)
{
    char *secret = x_calloc(1, SECRET_SIZE);
    int status = strstr(name, ".pem") != NULL /* whose text has lines */
                     ? config_read_secret_text(file, secret, SECRET_SIZE, err)
                     : config_read_secret(file, secret, SECRET_SIZE, err);
    if (status == STATUS_OK) {
        status = set_option(conf, name, secret, err);
    }
    sodium_memzero(secret, SECRET_SIZE);
    free(secret);
    return status;
}

static int set_options(rd_kafka_conf_t *conf, const struct config_source *source, struct error *err)
{
    const struct config_kafka *kafka = &source->kafka;
    int status = set_option(conf, "bootstrap.servers", kafka->brokers, err);
    for (size_t i = 0; i < sizeof defaults / sizeof defaults[0] && status == STATUS_OK; i++) {
        status = set_option(conf, defaults[i][0], defaults[i][1], err);
    }
    for (size_t i = 0; i < kafka->option_count && status == STATUS_OK; i++) {
        const struct config_option *option = &kafka->options[i];
        status = option->file != NULL ? set_secret(conf, option->name, option->file, err)
                                      : set_option(conf, option->name, option->value, err);
    }
    for (size_t i = 0; i < sizeof fixed / sizeof fixed[0] && status == STATUS_OK; i++) {
        status = set_option(conf, fixed[i][0], fixed[i][1], err);
    }
    if (status == STATUS_OK && source->password_file != NULL) {
        status = set_secret(conf, "sasl.password", source->password_file, err);
    }
    return status;
}

/* ---- What librdkafka tells ---- */

static bool is_one_of(int code, const rd_kafka_resp_err_t *codes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (code == (int)codes[i]) {
            return true;
        }
    }
    return false;
}

/* One broker of several may be gone; what counts is that all are, that we may not come in, or that
 * a topic or partition has gone away: another one may have its name now. */
static void on_error(rd_kafka_t *handle, int code, const char *reason, void *opaque)
{
    static const rd_kafka_resp_err_t fatal[] = {RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN,
                                                RD_KAFKA_RESP_ERR__AUTHENTICATION,
                                                RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED,
                                                RD_KAFKA_RESP_ERR__SSL,
                                                RD_KAFKA_RESP_ERR__FATAL,
                                                RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC,
                                                RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION};
    struct kafka_client *client = opaque;
    (void)handle;
    if (is_one_of(code, fatal, sizeof fatal / sizeof fatal[0])) {
        const struct config_source *source = &client->config->source;
        const bool refused = code == RD_KAFKA_RESP_ERR__AUTHENTICATION;
        error_set(&client->down, STATUS_IO, "Kafka at %s: %s%s", source->kafka.brokers, reason,
                  refused ? kafka_scram_hint(source) : "");
    } else {
        log_debug("Kafka: %s", reason);
    }
}

static void on_log(const rd_kafka_t *handle, int level, const char *facility, const char *text)
{
    (void)handle;
    (void)level;
    log_debug("librdkafka: %s: %s", facility, text);
}

/* A thread of librdkafka calls it for each request. */
static rd_kafka_resp_err_t on_request(rd_kafka_t *handle, int socket, const char *broker,
                                      int32_t broker_id, int16_t key, int16_t version,
                                      int32_t correlation, size_t size, void *opaque)
{
    struct kafka_client *client = opaque;
    (void)handle, (void)socket, (void)broker, (void)broker_id, (void)version, (void)correlation,
        (void)size;
    if (key == METADATA_KEY) {
        __atomic_store_n(&client->leader_asked, true, __ATOMIC_RELEASE);
    }
    return RD_KAFKA_RESP_ERR_NO_ERROR;
}

static rd_kafka_resp_err_t on_new(rd_kafka_t *handle, const rd_kafka_conf_t *conf, void *opaque,
                                  char *why, size_t why_size)
{
    (void)conf, (void)why, (void)why_size;
    return rd_kafka_interceptor_add_on_request_sent(handle, "tilewire", on_request, opaque);
}

bool kafka_client_leader_was_asked(struct kafka_client *client)
{
    return __atomic_exchange_n(&client->leader_asked, false, __ATOMIC_ACQ_REL);
}

int kafka_client_serve(struct kafka_client *client, struct error *err)
{
    while (rd_kafka_poll(client->handle, 0) > 0 || rd_kafka_poll(client->asker, 0) > 0) {
    }
    if (client->down.text[0] == '\0') {
        return STATUS_OK;
    }
    return error_set(err, STATUS_IO, "%s", client->down.text);
}

int kafka_client_failed(struct kafka_client *client, const rd_kafka_message_t *message,
                        struct error *err)
{
    /* The end of a partition; and a broker that is gone, whose partitions another one will have. */
    static const rd_kafka_resp_err_t harmless[] = {
        RD_KAFKA_RESP_ERR__PARTITION_EOF, RD_KAFKA_RESP_ERR__TRANSPORT,
        RD_KAFKA_RESP_ERR__TIMED_OUT, RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION,
        RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE};
    if (is_one_of(message->err, harmless, sizeof harmless / sizeof harmless[0])) {
        return STATUS_OK;
    }
    return error_set(err, STATUS_IO, "Kafka at %s: %s", client->config->source.kafka.brokers,
                     rd_kafka_message_errstr(message));
}

/* ---- Opening and closing ---- */

/* consumes: what it asks for leaders is noted. */
static int open_handle(struct kafka_client *client, bool consumes, rd_kafka_t **out,
                       struct error *err)
{
    char why[512];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    int status = set_options(conf, &client->config->source, err);
    if (status == STATUS_OK) {
        status = set_option(conf, "queued.max.messages.kbytes", client->ahead_kib, err);
    }
    if (status != STATUS_OK) {
        rd_kafka_conf_destroy(conf);
        return status;
    }
    rd_kafka_conf_set_opaque(conf, client);
    rd_kafka_conf_set_error_cb(conf, on_error);
    rd_kafka_conf_set_log_cb(conf, on_log);
    if (consumes) {
        rd_kafka_conf_interceptor_add_on_new(conf, "tilewire", on_new, client);
    }
    *out = rd_kafka_new(RD_KAFKA_CONSUMER, conf, why, sizeof why);
    if (*out == NULL) {
        rd_kafka_conf_destroy(conf);
        return error_set(err, STATUS_INVALID, "source.kafka: %s", why);
    }
    return STATUS_OK;
}

int kafka_client_open(struct kafka_client *client, const struct config *config,
                      const char *ahead_kib, struct error *err)
{
    *client = (struct kafka_client){.config = config, .ahead_kib = ahead_kib};
    int status = open_handle(client, true, &client->handle, err);
    if (status == STATUS_OK) {
        status = open_handle(client, false, &client->asker, err);
    }
    if (status != STATUS_OK) {
        kafka_client_close(client);
        return status;
    }
    client->queue = rd_kafka_queue_new(client->handle);
    client->reader = message_reader_create(&config->source);
    return STATUS_OK;
}

void kafka_client_close(struct kafka_client *client)
{
    for (size_t i = 0; i < client->topic_count; i++) {
        rd_kafka_topic_destroy(client->topics[i]);
    }
    free(client->topics);
    kafka_fetch_free(&client->fetch);
    if (client->queue != NULL) {
        rd_kafka_queue_destroy(client->queue);
    }
    if (client->handle != NULL) {
        rd_kafka_destroy(client->handle);
    }
    if (client->asker != NULL) {
        rd_kafka_destroy(client->asker);
    }
    message_reader_destroy(&client->reader);
    buf_free(&client->header);
    *client = (struct kafka_client){0};
}

/* ---- Partitions ---- */

static rd_kafka_topic_t *topic_of(struct kafka_client *client, const char *name)
{
    for (size_t i = 0; i < client->topic_count; i++) {
        if (strcmp(rd_kafka_topic_name(client->topics[i]), name) == 0) {
            return client->topics[i];
        }
    }
    client->topics =
        x_reallocarray(client->topics, client->topic_count + 1, sizeof *client->topics);
    return client->topics[client->topic_count++] = rd_kafka_topic_new(client->handle, name, NULL);
}

int kafka_client_unreachable(struct kafka_client *client, rd_kafka_resp_err_t code,
                             struct error *err)
{
    (void)kafka_client_serve(client, err);
    if (client->down.text[0] != '\0') {
        return error_set(err, STATUS_IO, "%s", client->down.text);
    }
    return error_set(err, STATUS_IO, "Kafka at %s does not answer: %s",
                     client->config->source.kafka.brokers, rd_kafka_err2str(code));
}

/* Sets the offsets that the leaders name: RD_KAFKA_OFFSET_BEGINNING or _END, which the protocol
 * takes for a time ("ListOffsets": -2 and -1). rd_kafka_query_watermark_offsets asks for both, but
 * waits for a leader that is gone until it is back, whatever time it is given (librdkafka 2.0.2).
 */
static rd_kafka_resp_err_t list_offsets(rd_kafka_t *handle, rd_kafka_topic_partition_list_t *list,
                                        int64_t which)
{
    for (int i = 0; i < list->cnt; i++) {
        list->elems[i].offset = which;
    }
    rd_kafka_resp_err_t code = rd_kafka_offsets_for_times(handle, list, KAFKA_ANSWER_MS);
    for (int i = 0; i < list->cnt && code == RD_KAFKA_RESP_ERR_NO_ERROR; i++) {
        const rd_kafka_topic_partition_t *asked = &list->elems[i];
        code = asked->err;
        if (code == RD_KAFKA_RESP_ERR_NO_ERROR && asked->offset < 0) {
            code = RD_KAFKA_RESP_ERR__TIMED_OUT;
        }
    }
    return code;
}

int kafka_client_ranges(struct kafka_client *client, struct kafka_range *ranges, size_t count,
                        struct error *err)
{
    if (count == 0) {
        return STATUS_OK;
    }
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)count);
    for (size_t i = 0; i < count; i++) {
        rd_kafka_topic_partition_list_add(list, ranges[i].topic, ranges[i].number);
    }
    rd_kafka_resp_err_t code = list_offsets(client->asker, list, RD_KAFKA_OFFSET_BEGINNING);
    for (size_t i = 0; i < count; i++) {
        ranges[i].first = list->elems[i].offset;
    }
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) {
        code = list_offsets(client->asker, list, RD_KAFKA_OFFSET_END);
    }
    for (size_t i = 0; i < count; i++) {
        ranges[i].end = list->elems[i].offset;
    }
    rd_kafka_topic_partition_list_destroy(list);
    return code == RD_KAFKA_RESP_ERR_NO_ERROR ? STATUS_OK
                                              : kafka_client_unreachable(client, code, err);
}

int64_t kafka_client_known_end(struct kafka_client *client, const char *topic, int32_t number)
{
    int64_t first;
    int64_t end;
    const rd_kafka_resp_err_t code =
        rd_kafka_get_watermark_offsets(client->handle, topic, number, &first, &end);
    return code == RD_KAFKA_RESP_ERR_NO_ERROR && end >= 0 ? end : -1;
}

int kafka_client_consume(struct kafka_client *client, const char *topic, int32_t number,
                         int64_t offset, struct error *err)
{
    if (rd_kafka_consume_start_queue(topic_of(client, topic), number, offset, client->queue) != 0) {
        return error_set(err, STATUS_IO, "Kafka: %s-%d cannot be consumed: %s", topic, number,
                         rd_kafka_err2str(rd_kafka_last_error()));
    }
    return STATUS_OK;
}

void kafka_client_stop(struct kafka_client *client, const char *topic, int32_t number)
{
    rd_kafka_consume_stop(topic_of(client, topic), number);
}

/* ---- Messages ---- */

uint64_t kafka_client_digest(const rd_kafka_message_t *message)
{
    const int64_t time = rd_kafka_message_timestamp(message, NULL);
    const struct str key = {message->key, message->key_len};
    const struct str value = {message->payload,
                              message->len < DIGEST_BYTES ? message->len : DIGEST_BYTES};
    uint64_t digest = fnv1a(FNV_BEGIN, (struct str){(const char *)&time, sizeof time});
    digest = fnv1a(digest, key);
    return fnv1a(digest, value);
}

struct headers {
    rd_kafka_message_t *message;
    struct buf *name;
};

static struct str header_of(void *arg, const char *prefix, struct str name)
{
    struct headers *headers = arg;
    rd_kafka_headers_t *all;
    const void *value;
    size_t len;
    buf_clear(headers->name);
    buf_append_text(headers->name, prefix);
    buf_append_str(headers->name, name);
    if (rd_kafka_message_headers(headers->message, &all) != RD_KAFKA_RESP_ERR_NO_ERROR ||
        rd_kafka_header_get_last(all, buf_cstr(headers->name), &value, &len) !=
            RD_KAFKA_RESP_ERR_NO_ERROR ||
        value == NULL) {
        return STR_NULL;
    }
    return (struct str){value, len};
}

/* A producer may say any number. */
static wall_time time_of(const rd_kafka_message_t *message)
{
    rd_kafka_timestamp_type_t type;
    const int64_t ms = rd_kafka_message_timestamp(message, &type);
    const bool sound = type != RD_KAFKA_TIMESTAMP_NOT_AVAILABLE && ms >= 0 && ms <= LAST_MS;
    return sound ? (wall_time){ms * US_PER_MS} : WALL_NEVER;
}

/* Puts a number that is not negative before `end`, and returns where it begins. */
static char *put_digits(char *end, uint64_t number)
{
    do {
        *--end = (char)('0' + number % 10);
        number /= 10;
    } while (number != 0);
    return end;
}

static_assert(EVENT_ID_OWN_MAX >= KAFKA_TOPIC_MAX + 1 + 10 + 1 + 19, "the longest id has room");

/* TOPIC-PARTITION-OFFSET, from its end on. Each message has one, and printf would take a tenth of
 * all that is done with it. */
static struct str id_of(struct str topic, const rd_kafka_message_t *m, char id[EVENT_ID_OWN_MAX])
{
    char *end = id + EVENT_ID_OWN_MAX;
    char *begin = put_digits(end, (uint64_t)m->offset);
    *--begin = '-';
    begin = put_digits(begin, (uint64_t)m->partition);
    *--begin = '-';
    begin -= topic.len;
    memcpy(begin, topic.p, topic.len);
    return (struct str){begin, (size_t)(end - begin)};
}

void kafka_client_add_event(struct kafka_client *client, struct batch *batch, rd_kafka_message_t *m,
                            const char *name, uint64_t ordinal, wall_time now,
                            struct unusable_log *unusable)
{
    struct headers headers = {m, &client->header};
    const struct message message = {
        .topic = str_of(name),
        .partition = m->partition,
        .key = {m->key, m->key_len},
        .value = {m->payload, m->len},
        .time = time_of(m),
        .header = header_of,
        .header_arg = &headers,
    };
    char id[EVENT_ID_OWN_MAX];
    const struct str id_text = id_of(message.topic, m, id);
    enum unusable why;
    struct event *event = batch_event(batch);
    event->ordinal = ordinal;
    event->arrival = now;
    switch (message_fill(client->reader, &message, batch, event, &why)) {
    case MESSAGE_USABLE:
        event->id = event_id_of_place(batch_text(batch, id_text), m->offset + 1);
        break;
    case MESSAGE_UNUSABLE:
        batch_drop_event(batch);
        unusable_text_row(unusable, why, id_text);
        break;
    case MESSAGE_NOTHING:
        batch_drop_event(batch);
        batch->unusable--;
        break;
    }
}
