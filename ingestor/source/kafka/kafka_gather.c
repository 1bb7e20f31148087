/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/source/kafka/kafka_gather.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/xalloc.h"

#define TURN_MS 100
#define SILENT_MS 10000 /* so long nothing may come */

static size_t piece_of(struct kafka_gather *g, const rd_kafka_message_t *message)
{
    const char *topic = rd_kafka_topic_name(message->rkt);
    for (size_t i = 0; i < g->count; i++) {
        const size_t at = (g->at + i) % g->count;
        if (g->pieces[at].number == message->partition && strcmp(g->pieces[at].topic, topic) == 0) {
            g->at = at;
            return at;
        }
    }
    return g->count;
}

static void limit(struct kafka_piece *piece, int64_t first, int64_t end)
{
    piece->cut = piece->first < first;
    piece->first = piece->cut ? first : piece->first;
    piece->end = piece->end > end ? end : piece->end;
}

/* Limits the pieces to what is still there of them. Of one that is gone nothing is. */
static int limit_pieces(struct kafka_gather *g, struct error *err)
{
    struct kafka_range *ranges = x_calloc(g->count + 1, sizeof *ranges);
    size_t asked = 0;
    for (size_t i = 0; i < g->count; i++) {
        const struct kafka_piece *piece = &g->pieces[i];
        if (!piece->gone) {
            ranges[asked++] = (struct kafka_range){.topic = piece->topic, .number = piece->number};
        }
    }
    const int status = kafka_client_ranges(g->client, ranges, asked, err);
    asked = 0;
    for (size_t i = 0; i < g->count && status == STATUS_OK; i++) {
        struct kafka_piece *piece = &g->pieces[i];
        const struct kafka_range *range = &ranges[asked];
        asked += !piece->gone;
        if (piece->gone) {
            limit(piece, piece->end, piece->end);
        } else {
            limit(piece, range->first, range->end);
        }
    }
    free(ranges);
    return status;
}

static int begin(struct kafka_gather *g, struct kafka_piece *piece, struct error *err)
{
    if (piece->first >= piece->end) {
        return STATUS_OK;
    }
    const int status =
        kafka_client_consume(g->client, piece->topic, piece->number, piece->first, err);
    piece->over = status != STATUS_OK;
    g->left += status == STATUS_OK;
    return status;
}

static void end(struct kafka_gather *g, struct kafka_piece *piece)
{
    if (!piece->over) {
        kafka_client_stop(g->client, piece->topic, piece->number);
        piece->over = true;
        g->left--;
    }
}

/* A piece is over with its last message, with one behind it, and at the end of the partition, where
 * the last offsets may be those of no message. */
static int handle(struct kafka_gather *g, rd_kafka_message_t *message, kafka_take *take, void *arg,
                  bool *stop, struct error *err)
{
    const size_t at = piece_of(g, message);
    struct kafka_piece *piece = at < g->count ? &g->pieces[at] : NULL;
    if (piece == NULL || piece->over) {
        return STATUS_OK;
    }
    if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
        end(g, piece);
        return STATUS_OK;
    }
    if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
        return kafka_client_failed(g->client, message, err);
    }
    if (message->offset < piece->end) {
        *stop = !take(arg, at, message);
        piece->first = message->offset + 1;
    }
    if (message->offset >= piece->end - 1) {
        end(g, piece);
    }
    return STATUS_OK;
}

/* True when the pieces have more messages than librdkafka has fetched, as offsets count them. */
static bool has_more(const struct kafka_gather *g, size_t fetched)
{
    uint64_t more = 0;
    for (size_t i = 0; i < g->count && more <= fetched; i++) {
        const struct kafka_piece *piece = &g->pieces[i];
        more += piece->over ? 0 : (uint64_t)(piece->end - piece->first);
    }
    return more > fetched;
}

static int take_turn(struct kafka_gather *g, mono_time *heard, struct error *err)
{
    const int status = kafka_client_serve(g->client, err);
    if (status != STATUS_OK) {
        return status;
    }
    const size_t fetched = rd_kafka_queue_length(g->client->queue);
    if (kafka_fetch_is_half(&g->client->fetch, fetched) && has_more(g, fetched)) {
        kafka_fetch_wake(&g->client->fetch, g->client->handle);
    }
    const ssize_t got =
        rd_kafka_consume_batch_queue(g->client->queue, TURN_MS, g->messages, KAFKA_GATHER_MESSAGES);
    g->message_at = 0;
    g->message_count = got > 0 ? (size_t)got : 0;
    const mono_time now = clock_mono();
    *heard = got > 0 ? now : *heard;
    return now.us - heard->us <= SILENT_MS * US_PER_MS
               ? STATUS_OK
               : error_set(err, STATUS_IO, "Kafka at %s: nothing came for %d s",
                           g->client->config->source.kafka.brokers, SILENT_MS / 1000);
}

/* All pieces are looked at before any is consumed: a broker answers one question after the other,
 * and that for messages not before there are some. */
int kafka_gather_open(struct kafka_gather *g, struct kafka_client *client,
                      struct kafka_piece *pieces, size_t count, struct error *err)
{
    *g = (struct kafka_gather){.client = client, .pieces = pieces, .count = count};
    for (size_t i = 0; i < count; i++) {
        pieces[i].over = true;
    }
    int status = limit_pieces(g, err);
    for (size_t i = 0; i < count && status == STATUS_OK; i++) {
        status = begin(g, &pieces[i], err);
    }
    return status;
}

int kafka_gather_take(struct kafka_gather *g, kafka_take *take, void *arg, struct error *err)
{
    mono_time heard = clock_mono();
    int status = STATUS_OK;
    bool stop = false;
    while (status == STATUS_OK && !stop && g->left != 0) {
        if (g->message_at == g->message_count) {
            status = take_turn(g, &heard, err);
            continue;
        }
        rd_kafka_message_t *message = g->messages[g->message_at++];
        status = handle(g, message, take, arg, &stop, err);
        rd_kafka_message_destroy(message);
    }
    return status;
}

void kafka_gather_close(struct kafka_gather *g)
{
    while (g->message_at < g->message_count) {
        rd_kafka_message_destroy(g->messages[g->message_at++]);
    }
    for (size_t i = 0; i < g->count; i++) {
        end(g, &g->pieces[i]);
    }
    g->count = 0;
}

int kafka_gather(struct kafka_client *client, struct kafka_piece *pieces, size_t count,
                 kafka_take *take, void *arg, struct error *err)
{
    struct kafka_gather *g = x_calloc(1, sizeof *g);
    int status = kafka_gather_open(g, client, pieces, count, err);
    if (status == STATUS_OK) {
        status = kafka_gather_take(g, take, arg, err);
    }
    kafka_gather_close(g);
    free(g);
    return status;
}
