/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/source/kafka/kafka_past.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/xalloc.h"
#include "ingestor/source/kafka/kafka_gather.h"
#include "ingestor/source/kafka/kafka_state.h"
#include "ingestor/source/kafka/kafka_topics.h"

#define LOOK_AGAIN_MS 1000 /* later, at most, for what was not there */

struct kafka_past {
    struct source base; /* first: a struct source is one of these */
    struct kafka_client client;
    struct kafka_state to;
    struct kafka_piece *pieces; /* one a partition of `to`; what is left of them */
    struct kafka_gather gather; /* of the pieces, from one read to the next */
    bool gathering;
    uint64_t all; /* messages at the start, as offsets count them */
    bool from_start;
    struct unusable_log unusable;
    struct batch *batch; /* being filled */
    size_t messages;
    size_t max_rows;
};

static struct kafka_past *past_of(struct source *source)
{
    return (struct kafka_past *)source;
}

static void past_close(struct source *source)
{
    struct kafka_past *p = past_of(source);
    kafka_gather_close(&p->gather);
    kafka_client_close(&p->client);
    kafka_state_free(&p->to);
    free(p->pieces);
    free(p);
}

static uint64_t left_of(const struct kafka_past *p)
{
    uint64_t left = 0;
    for (size_t i = 0; i < p->to.count; i++) {
        const struct kafka_piece *piece = &p->pieces[i];
        left += piece->end > piece->first ? (uint64_t)(piece->end - piece->first) : 0;
    }
    return left;
}

static bool any_cut(const struct kafka_past *p)
{
    for (size_t i = 0; i < p->to.count; i++) {
        if (p->pieces[i].cut) {
            return true;
        }
    }
    return false;
}

static bool take_past(void *arg, size_t piece, rd_kafka_message_t *message)
{
    struct kafka_past *p = arg;
    kafka_client_add_event(&p->client, p->batch, message, p->pieces[piece].topic, 0, clock_wall(),
                           &p->unusable);
    p->messages++;
    return p->messages < p->max_rows && !batch_is_full(p->batch);
}

/* [first, …] of the pieces */
static void save_done(const struct kafka_past *p, struct buf *out)
{
    mp_put_array(out, p->to.count);
    for (size_t i = 0; i < p->to.count; i++) {
        mp_put_int(out, p->pieces[i].first);
    }
}

static bool load_done(struct kafka_past *p, struct str done)
{
    struct mp_doc doc;
    mp_doc_init(&doc);
    bool ok = mp_parse(&doc, done.p, done.len) == STATUS_OK && mp_count(&doc.root) == p->to.count;
    for (size_t i = 0; ok && i < p->to.count; i++) {
        ok = mp_as_int(mp_at(&doc.root, i), &p->pieces[i].first);
    }
    mp_doc_free(&doc);
    return ok;
}

static void note_there(void *arg, const char *topic, int32_t number)
{
    struct kafka_past *p = arg;
    for (size_t i = 0; i < p->to.count; i++) {
        struct kafka_piece *piece = &p->pieces[i];
        if (piece->number == number && strcmp(piece->topic, topic) == 0) {
            piece->gone = false;
        }
    }
}

static bool any_gone(const struct kafka_past *p)
{
    for (size_t i = 0; i < p->to.count; i++) {
        if (p->pieces[i].gone) {
            return true;
        }
    }
    return false;
}

/* What is left of a topic that was deleted is nothing. A tile would lack for ever what is taken for
 * gone, and a broker that has just started may not know of all, so it is looked for twice. */
static int list_topics(struct kafka_past *p, struct error *err)
{
    struct kafka_missing missing;
    for (size_t i = 0; i < p->to.count; i++) {
        p->pieces[i].gone = true;
    }
    int status = kafka_topics_list(&p->client, note_there, p, &missing, err);
    if ((status == STATUS_OK || status == STATUS_NOT_FOUND) && any_gone(p)) {
        (void)rd_kafka_poll(p->client.handle, LOOK_AGAIN_MS);
        status = kafka_topics_list(&p->client, note_there, p, &missing, err);
    }
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

/* Goes on where the last read ended, so that what librdkafka has fetched meanwhile is not fetched
 * again. */
static int gather(struct kafka_past *p, struct error *err)
{
    int status = STATUS_OK;
    if (!p->gathering) {
        status = list_topics(p, err);
        if (status == STATUS_OK) {
            status = kafka_gather_open(&p->gather, &p->client, p->pieces, p->to.count, err);
        }
    }
    if (status == STATUS_OK) {
        status = kafka_gather_take(&p->gather, take_past, p, err);
    }
    p->gathering = status == STATUS_OK;
    if (!p->gathering) {
        kafka_gather_close(&p->gather);
    }
    return status;
}

/* A gather that stopped early left its pieces at the next message; one that was cut off at their
 * ends is past them. */
static int past_read(struct source *source, size_t max_rows, struct batch **out, struct error *err)
{
    struct kafka_past *p = past_of(source);
    struct buf done = {0};
    p->batch = batch_create(p->client.config->source.extra_count);
    p->messages = 0;
    p->max_rows = max_rows;
    int64_t *asked = x_calloc(p->to.count + 1, sizeof *asked);
    for (size_t i = 0; i < p->to.count; i++) {
        asked[i] = p->pieces[i].first;
    }
    const int status = gather(p, err);
    if (status != STATUS_OK) {
        for (size_t i = 0; i < p->to.count; i++) { /* the batch is not handed on */
            p->pieces[i].first = asked[i];
        }
        free(asked);
        batch_destroy(&p->batch);
        return status;
    }
    p->batch->more = p->messages >= max_rows || batch_is_full(p->batch);
    p->batch->history = true;
    p->batch->older_gone = p->from_start && any_cut(p);
    p->from_start = false;
    p->batch->progress = p->all != 0 ? 1 - (double)left_of(p) / (double)p->all : 1;
    save_done(p, &done);
    batch_finish(p->batch, buf_str(&done), STR(""));
    buf_free(&done);
    free(asked);
    *out = p->batch;
    p->batch = NULL;
    return STATUS_OK;
}

static const struct source_ops past_ops = {.close = past_close, .read = past_read};

/* The piece of a partition that `from` knows begins where that ends. */
static void make_pieces(struct kafka_past *p, const struct kafka_state *from)
{
    p->pieces = x_calloc(p->to.count + 1, sizeof *p->pieces);
    for (size_t i = 0; i < p->to.count; i++) {
        const struct kafka_partition *to = &p->to.partitions[i];
        p->pieces[i] =
            (struct kafka_piece){.topic = to->topic, .number = to->number, .end = to->next};
        for (size_t k = 0; k < from->count; k++) {
            const struct kafka_partition *known = &from->partitions[k];
            if (known->number == to->number && strcmp(known->topic, to->topic) == 0 &&
                known->next > 0) {
                p->pieces[i].first = known->next;
            }
        }
    }
    p->all = left_of(p);
}

int kafka_past_open(const struct config *config, struct str from, struct str to, struct str done,
                    struct source **out, struct error *err)
{
    struct kafka_past *p = x_calloc(1, sizeof *p);
    struct kafka_state before = {0};
    p->base.ops = &past_ops;
    p->from_start = from.len == 0 && done.p == NULL;
    bool ok = from.len == 0 || kafka_state_load(&before, from);
    ok = ok && kafka_state_load(&p->to, to);
    if (ok) {
        make_pieces(p, &before);
    }
    kafka_state_free(&before);
    ok = ok && (done.p == NULL || load_done(p, done));
    const int status =
        ok ? kafka_client_open(&p->client, config, KAFKA_AHEAD_PAST_KIB, err)
           : error_set(err, STATUS_INVALID,
                       "a tile's place in the topics is that of another source or version");
    if (status != STATUS_OK) {
        past_close(&p->base);
        return status;
    }
    *out = &p->base;
    return STATUS_OK;
}
