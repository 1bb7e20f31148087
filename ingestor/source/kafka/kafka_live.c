/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/source/kafka/kafka_live.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/xalloc.h"
#include "common/config/partition.h"
#include "common/program/log.h"
#include "ingestor/source/kafka/kafka_doubt.h"
#include "ingestor/source/kafka/kafka_known.h"

#define TURN_MS 100
#define SILENT_MS 10000 /* so long nothing may come before the end of all partitions is reached */

/* ---- Partitions ---- */

static void note_partition(void *arg, const char *topic, int32_t number)
{
    struct kafka_source *s = arg;
    if (!partition_is_read(s->config, number) || s->state.count >= KAFKA_PARTITIONS_MAX) {
        return;
    }
    const size_t index = kafka_state_partition(&s->state, topic, number);
    kafka_feeds_grow(s);
    if (!s->feeds[index].wanted && s->live) {
        log_info(s->state.partitions[index].next < 0
                     ? "partition %s-%d is new, and is read from its start"
                     : "partition %s-%d is there again",
                 topic, number);
    }
    s->feeds[index].wanted = true;
}

int kafka_live_discover(struct kafka_source *s, struct error *err)
{
    struct kafka_missing missing = {.count = 0};
    s->discover_at = mono_add_ms(clock_mono(), s->config->source.poll_interval_ms);
    const int status = kafka_topics_list(&s->client, note_partition, s, &missing, err);
    if (status == STATUS_OK) {
        kafka_topics_log(s->config, &s->missing, &missing);
        s->missing = missing;
    }
    return status;
}

/* ---- Where a partition is gone on from ---- */

/* A partition that is to be consumed. */
struct place {
    size_t index; /* of its feed */
    int64_t low;  /* the offset of the first message that is there */
    int64_t high; /* the offset behind the last one */
};

struct places {
    struct place *all;
    struct kafka_known *known; /* of each, the message by which what was read is known again */
    size_t count;
};

/* What was read is another partition's: its messages are new ones, and their ids were used before.
 */
static void begin_anew(struct kafka_source *s, struct kafka_partition *p, int64_t low)
{
    log_warn("partition %s-%d was made anew: it is read from its start, tiles keep what they have, "
             "and streams begin anew",
             p->topic, p->number);
    p->first.offset = -1;
    p->last.offset = -1;
    kafka_draft_skip(&s->draft, &s->state, (size_t)(p - s->state.partitions), low);
    kafka_state_renumber(&s->state);
}

/* Messages that were read are gone from the end, as when a broker that lacked them became leader.
 */
static void go_back(struct kafka_source *s, struct kafka_partition *p, int64_t high)
{
    log_warn("partition %s-%d has lost %lld messages that were read: tiles keep them, and streams "
             "begin anew",
             p->topic, p->number, (long long)(p->next - high));
    p->last.offset = -1;
    kafka_draft_skip(&s->draft, &s->state, (size_t)(p - s->state.partitions), high);
    kafka_state_renumber(&s->state);
}

/* Retention took messages before they were read. */
static void go_ahead(struct kafka_source *s, struct kafka_partition *p, int64_t low)
{
    log_warn("up to %lld messages of partition %s-%d were gone before they could be read, from "
             "offset %lld on: tiles lack them, and streams begin anew",
             (long long)(low - p->next), p->topic, p->number, (long long)p->next);
    kafka_draft_skip(&s->draft, &s->state, (size_t)(p - s->state.partitions), low);
    kafka_state_renumber(&s->state);
}

/* Sets p->next to what there is. */
static void find_place(struct kafka_source *s, const struct place *place, enum kafka_same same)
{
    struct kafka_partition *p = &s->state.partitions[place->index];
    if (p->next < 0) {
        s->older_gone |= place->low > 0;
    } else if (same == KAFKA_SAME_NO || (p->next > place->high && same == KAFKA_SAME_UNKNOWN)) {
        begin_anew(s, p, place->low);
    } else if (p->next > place->high) {
        go_back(s, p, place->high);
    } else if (p->next < place->low) {
        go_ahead(s, p, place->low);
    }
}

static bool is_due(const struct kafka_feed *feed)
{
    return feed->wanted && !feed->consumed;
}

/* The places of all partitions that are due. */
static int add_places(struct kafka_source *s, struct places *places, struct error *err)
{
    struct kafka_range *ranges = x_calloc(s->feed_count + 1, sizeof *ranges);
    for (size_t i = 0; i < s->feed_count; i++) {
        const struct kafka_partition *p = &s->state.partitions[i];
        if (is_due(&s->feeds[i])) {
            ranges[places->count] = (struct kafka_range){.topic = p->topic, .number = p->number};
            places->all[places->count++].index = i;
        }
    }
    const int status = kafka_client_ranges(&s->client, ranges, places->count, err);
    for (size_t i = 0; i < places->count && status == STATUS_OK; i++) {
        struct place *place = &places->all[i];
        const struct kafka_partition *p = &s->state.partitions[place->index];
        place->low = ranges[i].first;
        place->high = ranges[i].end;
        s->feeds[place->index].end = place->high;
        places->known[i] =
            (struct kafka_known){.topic = p->topic, .number = p->number, .anchor = {.offset = -1}};
        if (p->next >= 0) {
            places->known[i].anchor = p->next > place->high ? p->first : p->last;
        }
    }
    free(ranges);
    return status;
}

static int consume_partition(struct kafka_source *s, size_t index, int64_t low, struct error *err)
{
    const struct kafka_partition *p = &s->state.partitions[index];
    struct kafka_feed *feed = &s->feeds[index];
    const int64_t from = p->next < 0 ? low : p->next;
    const int status = kafka_client_consume(&s->client, p->topic, p->number, from, err);
    feed->consumed = status == STATUS_OK;
    feed->seen = from;
    feed->at_end = from >= feed->end;
    return status;
}

/* Looking at messages again needs a queue alone. A partition that was read and comes back while
 * others are consumed, as when its topic had been deleted, is looked at by a client of its own. */
static int look_again(struct kafka_source *s, struct places *places, struct error *err)
{
    bool consumes = false;
    for (size_t i = 0; i < s->feed_count; i++) {
        consumes = consumes || s->feeds[i].consumed;
    }
    return consumes ? kafka_doubt_look(s, places->known, places->count, err)
                    : kafka_known_look(&s->client, places->known, places->count, err);
}

/* All places are found before anything is consumed. They are looked at together, because a broker
 * answers one question after the other. */
int kafka_live_start(struct kafka_source *s, struct error *err)
{
    struct places places = {
        .all = x_calloc(s->feed_count + 1, sizeof *places.all),
        .known = x_calloc(s->feed_count + 1, sizeof *places.known),
    };
    int status = add_places(s, &places, err);
    if (status == STATUS_OK) {
        status = look_again(s, &places, err);
    }
    for (size_t i = 0; i < places.count && status == STATUS_OK; i++) {
        find_place(s, &places.all[i], places.known[i].same);
    }
    for (size_t i = 0; i < places.count && status == STATUS_OK; i++) {
        status = consume_partition(s, places.all[i].index, places.all[i].low, err);
    }
    free(places.all);
    free(places.known);
    return status;
}

/* ---- Messages ---- */

/* A digest of each message would cost a tenth of all that is done with it, so only that of the last
 * one of a run is made. */
static void anchor_newest(struct kafka_source *s)
{
    if (s->newest != NULL) {
        const struct kafka_anchor anchor = {s->newest->offset, kafka_client_digest(s->newest)};
        kafka_state_anchor(&s->state, s->newest_at, anchor);
        rd_kafka_message_destroy(s->newest);
        s->newest = NULL;
    }
}

/* Takes a message over that was delivered. */
static void note_newest(struct kafka_source *s, size_t index, rd_kafka_message_t *message)
{
    if (s->newest != NULL && s->newest_at == index) {
        rd_kafka_message_destroy(s->newest);
    } else {
        anchor_newest(s);
    }
    s->newest = message;
    s->newest_at = index;
    if (s->state.partitions[index].first.offset < 0) {
        anchor_newest(s);
    }
}

/* The last offsets may be those of no message, but of the end of a transaction. That they were read
 * is remembered, or it would look later as if retention had taken messages before they were. */
static void note_end(struct kafka_source *s, size_t index, int64_t end)
{
    const struct kafka_partition *p = &s->state.partitions[index];
    s->feeds[index].at_end = true;
    s->feeds[index].seen = end;
    if (p->next >= 0 && p->next < end) {
        kafka_draft_skip(&s->draft, &s->state, index, end);
    }
}

/* Takes the message over. */
static int handle(struct kafka_source *s, rd_kafka_message_t *message, struct batch *batch,
                  wall_time now, struct error *err)
{
    size_t index;
    struct kafka_feed *feed = kafka_feed_of(s, message, &index);
    if (feed != NULL && message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
        note_end(s, index, message->offset);
    } else if (feed != NULL && message->err == 0 && message->offset + 1 >= feed->end) {
        feed->at_end = true;
    }
    if (feed == NULL || message->err != RD_KAFKA_RESP_ERR_NO_ERROR ||
        message->offset < s->state.partitions[index].next) {
        const int status = message->err != RD_KAFKA_RESP_ERR_NO_ERROR
                               ? kafka_client_failed(&s->client, message, err)
                               : STATUS_OK;
        rd_kafka_message_destroy(message);
        return status;
    }
    const uint64_t ordinal = kafka_draft_deliver(&s->draft, &s->state, index, message->offset);
    kafka_client_add_event(&s->client, batch, message, s->state.partitions[index].topic, ordinal,
                           now, &s->unusable);
    note_newest(s, index, message);
    return STATUS_OK;
}

/* Delivers messages that wait, as many as go into the batch. */
static int deliver(struct kafka_source *s, size_t max_rows, struct batch *batch, size_t *messages,
                   struct error *err)
{
    const wall_time now = clock_wall();
    int status = STATUS_OK;
    while (s->waiting_at < s->waiting_count && status == STATUS_OK && *messages < max_rows &&
           !batch_is_full(batch)) {
        rd_kafka_message_t *message = s->waiting[s->waiting_at++];
        *messages += message->err == RD_KAFKA_RESP_ERR_NO_ERROR;
        status = handle(s, message, batch, now, err);
    }
    return status;
}

void kafka_live_stop(struct kafka_source *s)
{
    anchor_newest(s);
    while (s->waiting_at < s->waiting_count) {
        rd_kafka_message_destroy(s->waiting[s->waiting_at++]);
    }
}

static bool all_at_end(const struct kafka_source *s)
{
    for (size_t i = 0; i < s->feed_count; i++) {
        if (s->feeds[i].consumed && !s->feeds[i].at_end) {
            return false;
        }
    }
    return true;
}

/* True when partitions reach further than what librdkafka has fetched. */
static bool has_more(struct kafka_source *s, size_t fetched)
{
    uint64_t more = 0;
    for (size_t i = 0; i < s->feed_count && more <= fetched; i++) {
        const struct kafka_partition *p = &s->state.partitions[i];
        const int64_t end =
            s->feeds[i].consumed ? kafka_client_known_end(&s->client, p->topic, p->number) : -1;
        more += end > p->next ? (uint64_t)(end - p->next) : 0;
    }
    return more > fetched;
}

/* Takes from the queue what is there, and sees to it that more comes. */
static ssize_t take_waiting(struct kafka_source *s, int timeout_ms)
{
    const size_t fetched = rd_kafka_queue_length(s->client.queue);
    if (kafka_fetch_is_half(&s->client.fetch, fetched) && has_more(s, fetched)) {
        kafka_fetch_wake(&s->client.fetch, s->client.handle);
    }
    const ssize_t got =
        rd_kafka_consume_batch_queue(s->client.queue, timeout_ms, s->waiting, KAFKA_MESSAGES);
    s->waiting_at = 0;
    s->waiting_count = got > 0 ? (size_t)got : 0;
    return got;
}

/* Takes from the queue until there is nothing, or the batch is full. Before the ends of all
 * partitions were reached, waits for something. */
static int take(struct kafka_source *s, size_t max_rows, struct batch *batch, struct error *err)
{
    const mono_time until = mono_add_ms(clock_mono(), SILENT_MS);
    size_t messages = 0;
    int status = STATUS_OK;
    while (status == STATUS_OK) {
        status = deliver(s, max_rows, batch, &messages, err);
        if (status != STATUS_OK || messages >= max_rows || batch_is_full(batch)) {
            break;
        }
        const bool wait = messages == 0 && s->building && !all_at_end(s);
        const ssize_t got = take_waiting(s, wait ? TURN_MS : 0);
        if (got <= 0 && !wait) {
            break;
        }
        if (got > 0) {
            anchor_newest(s);
            status = kafka_doubt_settle(s, err);
        } else {
            status = kafka_client_serve(&s->client, err);
            if (status == STATUS_OK && clock_mono().us > until.us) {
                status = error_set(err, STATUS_IO, "Kafka at %s: nothing came for %d s",
                                   s->config->source.kafka.brokers, SILENT_MS / 1000);
            }
        }
    }
    return status;
}

/* ---- Batches ---- */

static int poll_topics(struct kafka_source *s, size_t max_rows, struct batch *batch,
                       struct error *err)
{
    int status = kafka_client_serve(&s->client, err);
    if (status == STATUS_OK && clock_mono().us >= s->discover_at.us) {
        status = kafka_live_discover(s, err);
    }
    if (status == STATUS_OK) {
        status = kafka_live_start(s, err);
    }
    if (status == STATUS_OK) {
        status = take(s, max_rows, batch, err);
        anchor_newest(s);
    }
    s->building = s->building && !all_at_end(s);
    batch->more = s->building || s->waiting_at < s->waiting_count ||
                  rd_kafka_queue_length(s->client.queue) > 0;
    return status;
}

int kafka_live_read(struct kafka_source *s, size_t max_rows, struct batch **out, struct error *err)
{
    struct buf record = {0};
    struct batch *batch = batch_create(s->config->source.extra_count);
    const int status = poll_topics(s, max_rows, batch, err);
    if (status != STATUS_OK ||
        (kafka_draft_empty(&s->draft) && batch->unusable == 0 && !batch->more && !s->promised)) {
        batch_destroy(&batch);
        return status;
    }
    if (!kafka_draft_empty(&s->draft)) {
        kafka_draft_put(&s->draft, &s->state, &record);
    }
    batch->older_gone = s->older_gone;
    s->older_gone = false;
    kafka_finish(s, batch, buf_str(&record), true);
    buf_free(&record);
    *out = batch;
    return STATUS_OK;
}

/* ---- How far it is behind ---- */

static uint64_t behind(struct kafka_source *s, size_t index)
{
    const struct kafka_partition *p = &s->state.partitions[index];
    const struct kafka_feed *feed = &s->feeds[index];
    const int64_t known = kafka_client_known_end(&s->client, p->topic, p->number);
    const int64_t end = known > feed->end ? known : feed->end;
    const int64_t at = p->next > feed->seen ? p->next : feed->seen;
    return end > at ? (uint64_t)(end - at) : 0;
}

void kafka_live_lag(struct kafka_source *s, struct lag *out)
{
    char name[KAFKA_TOPIC_MAX + 16];
    for (size_t i = 0; i < s->feed_count; i++) {
        if (s->feeds[i].consumed) {
            const struct kafka_partition *p = &s->state.partitions[i];
            const int len = snprintf(name, sizeof name, "%s-%d", p->topic, p->number);
            lag_add(out, (struct str){name, (size_t)len}, behind(s, i));
        }
    }
    out->missing = s->missing.count;
}
