/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/source/kafka/kafka_gather.h"

#include <string.h>

#define TURN_MS 100
#define SILENT_MS 10000 /* so long nothing may come */
#define MESSAGES 1024   /* taken from the queue at once */

struct gather {
    struct kafka_client *client;
    struct kafka_piece *pieces;
    size_t count;
    size_t left; /* pieces that are not over */
    size_t at;   /* the piece of the last message: the next one is likely to be of it, too */
    bool stop;
};

static size_t piece_of(struct gather *g, const rd_kafka_message_t *message)
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

/* Begins with what is still there of a piece. */
static int begin(struct gather *g, struct kafka_piece *piece, struct error *err)
{
    int64_t low;
    int64_t high;
    int status = kafka_client_range(g->client, piece->topic, piece->number, &low, &high, err);
    piece->cut = status == STATUS_OK && piece->first < low;
    piece->first = piece->first < low ? low : piece->first;
    piece->end = piece->end > high ? high : piece->end;
    piece->over = piece->first >= piece->end;
    if (status == STATUS_OK && !piece->over) {
        status = kafka_client_consume(g->client, piece->topic, piece->number, piece->first, err);
        g->left++;
    }
    piece->over |= status != STATUS_OK;
    return status;
}

static void end(struct gather *g, struct kafka_piece *piece)
{
    if (!piece->over) {
        kafka_client_stop(g->client, piece->topic, piece->number);
        piece->over = true;
        g->left--;
    }
}

/* A piece is over with its last message, with one behind it, and at the end of the partition, where
 * the last offsets may be those of no message. */
static int handle(struct gather *g, rd_kafka_message_t *message, kafka_take *take, void *arg,
                  struct error *err)
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
        g->stop = !take(arg, at, message);
        piece->first = message->offset + 1;
    }
    if (message->offset >= piece->end - 1) {
        end(g, piece);
    }
    return STATUS_OK;
}

static int take_turn(struct gather *g, kafka_take *take, void *arg, mono_time *heard,
                     struct error *err)
{
    rd_kafka_message_t *messages[MESSAGES];
    int status = kafka_client_serve(g->client, err);
    if (status != STATUS_OK) {
        return status;
    }
    const ssize_t got = rd_kafka_consume_batch_queue(g->client->queue, TURN_MS, messages, MESSAGES);
    for (ssize_t i = 0; i < got; i++) {
        if (status == STATUS_OK && !g->stop) {
            status = handle(g, messages[i], take, arg, err);
        }
        rd_kafka_message_destroy(messages[i]);
    }
    const mono_time now = clock_mono();
    *heard = got > 0 ? now : *heard;
    if (status == STATUS_OK && now.us - heard->us > SILENT_MS * US_PER_MS) {
        status = error_set(err, STATUS_IO, "Kafka at %s: nothing came for %d s",
                           g->client->config->source.kafka.brokers, SILENT_MS / 1000);
    }
    return status;
}

int kafka_gather(struct kafka_client *client, struct kafka_piece *pieces, size_t count,
                 kafka_take *take, void *arg, struct error *err)
{
    struct gather g = {.client = client, .pieces = pieces, .count = count};
    mono_time heard = clock_mono();
    int status = STATUS_OK;
    for (size_t i = 0; i < count; i++) {
        pieces[i].over = true;
    }
    for (size_t i = 0; i < count && status == STATUS_OK; i++) {
        status = begin(&g, &pieces[i], err);
    }
    while (status == STATUS_OK && g.left != 0 && !g.stop) {
        status = take_turn(&g, take, arg, &heard, err);
    }
    for (size_t i = 0; i < count; i++) {
        end(&g, &pieces[i]);
    }
    return status;
}
