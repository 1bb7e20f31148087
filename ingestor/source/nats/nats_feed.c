/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/source/nats/nats_feed.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/xalloc.h"

#define TURN_MS 60000 /* the thread is woken by the end of its subscription */
#define HEARTBEAT_NS (5 * INT64_C(1000000000))
#define SILENT_MS 10000          /* so long nothing may come */
#define PENDING_BYTES (64 << 20) /* above what the server sends without being told to go on */

/* ---- The thread ---- */

/* What the server says beside messages: that it lives, and that it waits to be told to go on. */
static bool is_word(natsMsg *message)
{
    const char *status = NULL;
    return natsMsg_GetDataLength(message) == 0 &&
           natsMsgHeader_Get(message, "Status", &status) == NATS_OK && strcmp(status, "100") == 0;
}

static void answer(natsConnection *connection, natsMsg *word)
{
    const char *to = natsMsg_GetReply(word);
    if (to == NULL) { /* a heartbeat; it may say that our answer was lost */
        (void)natsMsgHeader_Get(word, "Nats-Consumer-Stalled", &to);
    }
    if (to != NULL) {
        (void)natsConnection_Publish(connection, to, NULL, 0);
    }
}

static void *receive(void *arg)
{
    struct nats_feed *feed = arg;
    bool open = true;
    while (open) {
        natsMsg *message = NULL;
        const natsStatus code = natsSubscription_NextMsg(&message, feed->subscription, TURN_MS);
        if (code == NATS_OK && is_word(message)) {
            answer(feed->client->connection, message);
            natsMsg_Destroy(message);
        } else if (code == NATS_OK) {
            open = nats_queue_put(feed->queue, message);
        } else {
            open = code == NATS_TIMEOUT || code == NATS_SLOW_CONSUMER; /* what is missing shows */
        }
    }
    nats_queue_close(feed->queue);
    nats_ReleaseThreadMemory();
    return NULL;
}

/* ---- Opening and closing ---- */

static natsStatus subscribe(struct nats_feed *feed, natsInbox **inbox)
{
    natsStatus code = natsInbox_Create(inbox);
    if (code == NATS_OK) {
        code = natsConnection_SubscribeSync(&feed->subscription, feed->client->connection, *inbox);
    }
    return code == NATS_OK
               ? natsSubscription_SetPendingLimits(feed->subscription, -1, PENDING_BYTES)
               : code;
}

/* With several subjects the server's own filter would need one consumer each, and their messages no
 * order. */
static const char *filter_of(const struct config_nats *nats)
{
    return nats->subject_count == 1 ? nats->subjects[0] : NULL;
}

static natsStatus add_consumer(struct nats_feed *feed, const char *inbox, uint64_t from,
                               jsErrCode *why)
{
    const struct config_nats *nats = &feed->client->source->nats;
    jsConsumerConfig config;
    jsConsumerInfo *info = NULL;
    jsConsumerConfig_Init(&config);
    config.DeliverSubject = inbox;
    config.DeliverPolicy = js_DeliverByStartSequence;
    config.OptStartSeq = from;
    config.FilterSubject = filter_of(nats);
    config.AckPolicy = js_AckNone;
    config.MaxDeliver = 1;
    config.FlowControl = true;
    config.Heartbeat = HEARTBEAT_NS;
    config.MemoryStorage = true;
    config.Replicas = 1;
    const natsStatus code =
        js_AddConsumer(&info, feed->client->js, nats->stream, &config, NULL, why);
    if (code == NATS_OK) {
        feed->consumer = x_strdup(info->Name);
        feed->end = info->Delivered.Consumer + info->NumPending;
        jsConsumerInfo_Destroy(info);
    }
    return code;
}

int nats_feed_open(struct nats_feed *feed, struct nats_client *client, uint64_t from,
                   struct error *err)
{
    natsInbox *inbox = NULL;
    jsErrCode why = 0;
    *feed = (struct nats_feed){.client = client};
    feed->queue = nats_queue_create();
    if (feed->queue == NULL) {
        return error_set(err, STATUS_IO, "no eventfd can be made: out of descriptors");
    }
    natsStatus code = subscribe(feed, &inbox);
    if (code == NATS_OK) {
        code = add_consumer(feed, inbox, from, &why);
    }
    natsInbox_Destroy(inbox);
    if (code == NATS_OK) {
        feed->running = pthread_create(&feed->thread, NULL, receive, feed) == 0;
    }
    if (feed->running) {
        return STATUS_OK;
    }
    const int status = nats_client_failed(client, "the stream cannot be consumed", code, err);
    nats_feed_close(feed);
    return status;
}

void nats_feed_close(struct nats_feed *feed)
{
    if (feed->queue == NULL) {
        return;
    }
    nats_queue_close(feed->queue);
    if (feed->subscription != NULL) {
        nats_client_end(feed->client, feed->subscription);
    }
    if (feed->running) {
        pthread_join(feed->thread, NULL);
    }
    if (feed->consumer != NULL && !natsConnection_IsClosed(feed->client->connection)) {
        (void)js_DeleteConsumer(feed->client->js, feed->client->source->nats.stream, feed->consumer,
                                NULL, NULL);
    }
    nats_queue_destroy(&feed->queue);
    free(feed->consumer);
    *feed = (struct nats_feed){0};
}

/* ---- Messages ---- */

int nats_feed_take(struct nats_feed *feed, struct nats_message *out, struct error *err)
{
    jsMsgMetaData *about = NULL;
    *out = (struct nats_message){.message = nats_queue_take(feed->queue)};
    if (out->message == NULL) {
        return nats_queue_is_closed(feed->queue)
                   ? nats_client_failed(feed->client, "the connection is lost",
                                        NATS_CONNECTION_CLOSED, err)
                   : STATUS_OK;
    }
    const natsStatus code = natsMsg_GetMetaData(&about, out->message);
    int status =
        code == NATS_OK ? STATUS_OK : nats_client_failed(feed->client, "a message", code, err);
    if (status == STATUS_OK && about->Sequence.Consumer != feed->taken + 1) {
        status = error_set(err, STATUS_IO,
                           "NATS at %s: message %llu of the consumer came behind %llu; what is "
                           "between is read again",
                           feed->client->source->nats.servers[0],
                           (unsigned long long)about->Sequence.Consumer,
                           (unsigned long long)feed->taken);
    }
    if (status == STATUS_OK) {
        feed->taken++;
        out->sequence = about->Sequence.Stream;
        out->time_ns = about->Timestamp;
        feed->known = feed->taken + about->NumPending;
    } else {
        natsMsg_Destroy(out->message);
        out->message = NULL;
    }
    jsMsgMetaData_Destroy(about);
    return status;
}

int nats_feed_next(struct nats_feed *feed, struct nats_message *out, struct error *err)
{
    int status = nats_feed_take(feed, out, err);
    while (status == STATUS_OK && out->message == NULL && !nats_feed_at_end(feed)) {
        struct pollfd fd = {.fd = nats_queue_fd(feed->queue), .events = POLLIN};
        if (poll(&fd, 1, SILENT_MS) <= 0) {
            return error_set(err, STATUS_IO, "NATS at %s: nothing came for %d s",
                             feed->client->source->nats.servers[0], SILENT_MS / 1000);
        }
        nats_queue_hear(feed->queue);
        status = nats_feed_take(feed, out, err);
    }
    return status;
}

int nats_feed_ask(struct nats_feed *feed, uint64_t *delivered, uint64_t *pending, struct error *err)
{
    jsConsumerInfo *info = NULL;
    const natsStatus code = js_GetConsumerInfo(
        &info, feed->client->js, feed->client->source->nats.stream, feed->consumer, NULL, NULL);
    if (code != NATS_OK) {
        return nats_client_failed(feed->client, "the consumer is gone", code, err);
    }
    *delivered = info->Delivered.Consumer;
    *pending = info->NumPending;
    feed->known = info->Delivered.Consumer + info->NumPending;
    jsConsumerInfo_Destroy(info);
    return STATUS_OK;
}
