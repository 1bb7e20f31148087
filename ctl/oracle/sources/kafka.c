/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads all messages of the topics for the oracle, each partition from its first offset to where
 * its end is when it is begun with. Each becomes a row at once, and is forgotten; in the end the
 * rows are put into the order of their ids.
 */
#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "common/base/match/pattern.h"
#include "common/base/xalloc.h"
#include "common/wire/event_id.h"
#include "common/wire/tally.h"
#include "ctl/oracle/message.h"
#include "ctl/oracle/sources/kafka.h"

#define ANSWER_MS 10000
#define SECRET_SIZE 65536

/* Where the message of a row was. Its id is the prefix with the offset's digits behind it. */
struct spot {
    const struct prefix *prefix;
    uint64_t offset;
    size_t row;
};

/* `orders-3-` */
struct prefix {
    struct prefix *next;
    size_t len;
    char text[];
};

struct kafka {
    struct oracle_source base;
    const struct config_source *source;
    rd_kafka_t *handle;
    struct oracle_kafka_reason reason;
    struct oracle_rows *rows; /* borrowed, while they are loaded */
    struct prefix *prefixes;  /* of all partitions that were read */
    struct spot *spots;       /* one a row */
    size_t count;
    size_t cap;
};

static int failed(const struct kafka *k, const char *what, rd_kafka_resp_err_t code,
                  struct error *err)
{
    return error_set(err, STATUS_IO, "Kafka at %s: %s: %s", k->source->kafka.brokers, what,
                     oracle_kafka_why(k->handle, &k->reason, code));
}

/* ---- Opening ---- */

static int set(rd_kafka_conf_t *conf, const char *name, const char *value, struct error *err)
{
    char why[256];
    return rd_kafka_conf_set(conf, name, value, why, sizeof why) == RD_KAFKA_CONF_OK
               ? STATUS_OK
               : error_set(err, STATUS_INVALID, "source.kafka.%s: %s", name, why);
}

static int set_from_file(rd_kafka_conf_t *conf, const char *name, const char *file,
                         struct error *err)
{
    char *secret = x_calloc(1, SECRET_SIZE);
    const char *kind = strrchr(name, '.'); /* of options such as ssl.key.pem the text has lines */
    int status = kind != NULL && strcmp(kind, ".pem") == 0
                     ? config_read_secret_text(file, secret, SECRET_SIZE, err)
                     : config_read_secret(file, secret, SECRET_SIZE, err);
    if (status == STATUS_OK) {
        status = set(conf, name, secret, err);
    }
    sodium_memzero(secret, SECRET_SIZE);
    free(secret);
    return status;
}

/* That all brokers are down says less than what was said of each of them. */
static void keep_reason(rd_kafka_t *handle, int code, const char *text, void *opaque)
{
    struct oracle_kafka_reason *reason = opaque;
    (void)handle;
    if (code != RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN) {
        (void)snprintf(reason->text, sizeof reason->text, "%s", text);
    }
}

const char *oracle_kafka_why(rd_kafka_t *handle, const struct oracle_kafka_reason *reason,
                             rd_kafka_resp_err_t code)
{
    const bool nobody =
        code == RD_KAFKA_RESP_ERR__TRANSPORT || code == RD_KAFKA_RESP_ERR__TIMED_OUT;
    while (rd_kafka_poll(handle, 0) > 0) {
    }
    return nobody && reason->text[0] != '\0' ? reason->text : rd_kafka_err2str(code);
}

int oracle_kafka_connect(const struct config_source *source, struct oracle_kafka_reason *reason,
                         rd_kafka_t **out, struct error *err)
{
    const struct config_kafka *kafka = &source->kafka;
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    char why[256];
    int status = set(conf, "bootstrap.servers", kafka->brokers, err);
    for (size_t i = 0; i < kafka->option_count && status == STATUS_OK; i++) {
        const struct config_option *option = &kafka->options[i];
        status = option->file != NULL ? set_from_file(conf, option->name, option->file, err)
                                      : set(conf, option->name, option->value, err);
    }
    if (status == STATUS_OK && source->password_file != NULL) {
        status = set_from_file(conf, "sasl.password", source->password_file, err);
    }
    if (status == STATUS_OK) {
        status = set(conf, "enable.partition.eof", "true", err);
    }
    if (status == STATUS_OK) { /* retention may take the first ones meanwhile */
        status = set(conf, "auto.offset.reset", "earliest", err);
    }
    if (status == STATUS_OK) { /* what is asked next waits until the answer before it is there */
        status = set(conf, "fetch.wait.max.ms", "10", err);
    }
    if (status == STATUS_OK) { /* 64 MiB at most, which librdkafka 2.0.2 stops at for a second */
        status = set(conf, "queued.min.messages", "1000000", err);
    }
    if (status == STATUS_OK) {
        status = set(conf, "isolation.level", "read_committed", err);
    }
    if (status != STATUS_OK) {
        rd_kafka_conf_destroy(conf);
        return status;
    }
    *reason = (struct oracle_kafka_reason){{0}};
    rd_kafka_conf_set_opaque(conf, reason);
    rd_kafka_conf_set_error_cb(conf, keep_reason);
    rd_kafka_conf_set_log_cb(conf, NULL);
    *out = rd_kafka_new(RD_KAFKA_CONSUMER, conf, why, sizeof why);
    if (*out == NULL) {
        rd_kafka_conf_destroy(conf);
        return error_set(err, STATUS_INVALID, "source.kafka: %s", why);
    }
    return STATUS_OK;
}

/* ---- Rows ---- */

static struct str header_of(const struct oracle_message *message, const char *name)
{
    rd_kafka_headers_t *headers;
    const void *value;
    size_t len;
    if (rd_kafka_message_headers(message->data, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR ||
        rd_kafka_header_get_last(headers, name, &value, &len) != RD_KAFKA_RESP_ERR_NO_ERROR) {
        return STR_NULL;
    }
    return (struct str){value, value != NULL ? len : 0};
}

struct oracle_message oracle_kafka_message(rd_kafka_message_t *m)
{
    return (struct oracle_message){
        .topic = str_of(rd_kafka_topic_name(m->rkt)),
        .partition = m->partition,
        .key = {m->key, m->key_len},
        .value = {m->payload, m->len},
        .time_ms = rd_kafka_message_timestamp(m, NULL),
        .header = header_of,
        .data = m,
    };
}

static void note_spot(struct kafka *k, uint64_t offset)
{
    if (k->count == k->cap) {
        k->cap = k->cap != 0 ? k->cap * 2 : 1024;
        k->spots = x_reallocarray(k->spots, k->cap, sizeof *k->spots);
    }
    k->spots[k->count] = (struct spot){k->prefixes, offset, k->count};
    k->count++;
}

static void add_row(struct kafka *k, rd_kafka_message_t *m)
{
    struct oracle_rows *rows = k->rows;
    struct str texts[ORACLE_COLUMNS_MAX] = {{0}};
    struct arena *memory = arena_create();
    const struct oracle_message message = oracle_kafka_message(m);
    char id[320];
    int64_t offset;
    bool timed;
    wall_time time;
    k->base.newest++;
    const enum oracle_message_kind kind =
        oracle_message_read(k->source, &message, memory, texts, &timed, &time.us);
    if (kind == ORACLE_MESSAGE_ROW &&
        oracle_add_event(rows, k->source, k->base.newest, timed ? &time : NULL, texts)) {
        const int len = snprintf(id, sizeof id, "%s%lld", k->prefixes->text, (long long)m->offset);
        const struct str text = {id, (size_t)len};
        note_spot(k, (uint64_t)m->offset);
        oracle_rows_set_text(rows, text);
        oracle_rows_set_place(rows, event_id_stream(text, &offset), m->offset);
        oracle_rows_set_partition(rows, m->partition);
    } else if (kind != ORACLE_MESSAGE_NOTHING) {
        k->base.unusable++;
    }
    arena_destroy(&memory);
}

/* As event_id_compare has it. */
static int by_id(const void *a_p, const void *b_p)
{
    const struct spot *a = a_p;
    const struct spot *b = b_p;
    if (a->prefix == b->prefix) {
        return (a->offset > b->offset) - (a->offset < b->offset);
    }
    return strcmp(a->prefix->text, b->prefix->text);
}

static void sort_rows(struct kafka *k)
{
    size_t *order = x_calloc(k->count + 1, sizeof *order);
    if (k->count > 1) {
        qsort(k->spots, k->count, sizeof *k->spots, by_id);
    }
    for (size_t i = 0; i < k->count; i++) {
        order[i] = k->spots[i].row;
    }
    oracle_rows_arrange(k->rows, order);
    free(order);
}

static void forget(struct kafka *k)
{
    while (k->prefixes != NULL) {
        struct prefix *prefix = k->prefixes;
        k->prefixes = prefix->next;
        free(prefix);
    }
    free(k->spots);
    k->spots = NULL;
    k->count = 0;
    k->cap = 0;
}

/* ---- Reading ---- */

static void add_prefix(struct kafka *k, const char *topic, int32_t number)
{
    const size_t size = strlen(topic) + 16;
    struct prefix *prefix = x_calloc(1, sizeof *prefix + size);
    prefix->len = (size_t)snprintf(prefix->text, size, "%s-%d-", topic, number);
    prefix->next = k->prefixes;
    k->prefixes = prefix;
}

/* Others may go on after so many messages. */
static void pause_after_page(struct kafka *k)
{
    if (k->base.newest % ORACLE_PAGE_ROWS == 0 && k->base.between != NULL) {
        k->base.between(k->base.arg);
    }
}

/* The protocol asks for the offset of a time, and takes those of the two ends for times. (The
 * function of librdkafka that is made for it does not give up when its time is over.) */
static rd_kafka_resp_err_t ask_offset(rd_kafka_t *handle, const char *topic, int32_t number,
                                      int64_t *offset, int timeout_ms)
{
    rd_kafka_topic_partition_list_t *one = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_t *asked = rd_kafka_topic_partition_list_add(one, topic, number);
    asked->offset = *offset;
    rd_kafka_resp_err_t code = rd_kafka_offsets_for_times(handle, one, timeout_ms);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) {
        code = asked->offset == *offset ? RD_KAFKA_RESP_ERR__TIMED_OUT : asked->err;
    }
    *offset = asked->offset;
    rd_kafka_topic_partition_list_destroy(one);
    return code;
}

rd_kafka_resp_err_t oracle_kafka_range(rd_kafka_t *handle, const char *topic, int32_t number,
                                       int64_t *first, int64_t *end, int timeout_ms)
{
    *first = RD_KAFKA_OFFSET_BEGINNING;
    *end = RD_KAFKA_OFFSET_END;
    const rd_kafka_resp_err_t code = ask_offset(handle, topic, number, first, timeout_ms);
    return code != RD_KAFKA_RESP_ERR_NO_ERROR ? code
                                              : ask_offset(handle, topic, number, end, timeout_ms);
}

/* All messages of a partition, up to the end that it has when this begins. */
static int read_partition(struct kafka *k, const char *name, int32_t number, struct error *err)
{
    int64_t low;
    int64_t high;
    rd_kafka_resp_err_t code = oracle_kafka_range(k->handle, name, number, &low, &high, ANSWER_MS);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
        return failed(k, name, code, err);
    }
    rd_kafka_topic_t *topic = rd_kafka_topic_new(k->handle, name, NULL);
    int status = STATUS_OK;
    add_prefix(k, name, number);
    bool more = low < high;
    if (more && rd_kafka_consume_start(topic, number, low) != 0) {
        status = failed(k, name, rd_kafka_last_error(), err);
        more = false;
    }
    const bool started = more;
    while (more) {
        rd_kafka_message_t *message = rd_kafka_consume(topic, number, ANSWER_MS);
        if (message == NULL) {
            status = failed(k, name, RD_KAFKA_RESP_ERR__TIMED_OUT, err);
            break;
        }
        code = message->err;
        more = code == RD_KAFKA_RESP_ERR_NO_ERROR && message->offset < high - 1;
        if (code == RD_KAFKA_RESP_ERR_NO_ERROR && message->offset < high) {
            add_row(k, message);
            pause_after_page(k);
        } else if (code != RD_KAFKA_RESP_ERR_NO_ERROR && code != RD_KAFKA_RESP_ERR__PARTITION_EOF) {
            status = failed(k, name, code, err);
        }
        rd_kafka_message_destroy(message);
    }
    if (started) {
        rd_kafka_consume_stop(topic, number);
    }
    rd_kafka_topic_destroy(topic);
    return status;
}

bool oracle_kafka_means(const char *wanted, const char *topic)
{
    return strchr(wanted, '*') != NULL
               ? strncmp(topic, "__", 2) != 0 && pattern_covers(str_of(wanted), str_of(topic))
               : strcmp(wanted, topic) == 0;
}

static bool wants(const struct config_kafka *kafka, const char *topic)
{
    for (size_t i = 0; i < kafka->topic_count; i++) {
        if (oracle_kafka_means(kafka->topics[i], topic)) {
            return true;
        }
    }
    return false;
}

static int read_topics(struct kafka *k, struct error *err)
{
    const struct rd_kafka_metadata *all = NULL;
    const rd_kafka_resp_err_t code = rd_kafka_metadata(k->handle, 1, NULL, &all, ANSWER_MS);
    int status = STATUS_OK;
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
        return failed(k, "which topics there are", code, err);
    }
    for (int i = 0; i < all->topic_cnt && status == STATUS_OK; i++) {
        const struct rd_kafka_metadata_topic *topic = &all->topics[i];
        for (int p = 0; wants(&k->source->kafka, topic->topic) && p < topic->partition_cnt &&
                        status == STATUS_OK;
             p++) {
            if (k->base.between != NULL) {
                k->base.between(k->base.arg);
            }
            status = read_partition(k, topic->topic, topic->partitions[p].id, err);
        }
    }
    rd_kafka_metadata_destroy(all);
    return status;
}

/* Messages may have come to any partition, so all are read each time. */
static int kafka_load(struct oracle_source *base, struct oracle_rows *rows, struct error *err)
{
    struct kafka *k = (struct kafka *)base;
    oracle_rows_clear(rows);
    base->newest = 0;
    base->unusable = 0;
    k->rows = rows;
    const int status = read_topics(k, err);
    if (status == STATUS_OK) {
        sort_rows(k);
    } else {
        oracle_rows_clear(rows);
    }
    forget(k);
    return status;
}

static void kafka_rewind(struct oracle_source *base)
{
    (void)base; /* each load reads all */
}

static void kafka_close(struct oracle_source *base)
{
    struct kafka *k = (struct kafka *)base;
    forget(k);
    if (k->handle != NULL) {
        rd_kafka_destroy(k->handle);
    }
    free(k);
}

int oracle_kafka_open(const struct config *config, struct oracle_source **out, struct error *err)
{
    struct kafka *k = x_calloc(1, sizeof *k);
    k->base.texts = true;
    k->base.load = kafka_load;
    k->base.rewind = kafka_rewind;
    k->base.close = kafka_close;
    k->source = &config->source;
    const int status = oracle_kafka_connect(k->source, &k->reason, &k->handle, err);
    if (status != STATUS_OK) {
        kafka_close(&k->base);
        return status;
    }
    *out = &k->base;
    return STATUS_OK;
}
