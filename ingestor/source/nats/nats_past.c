/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/source/nats/nats_past.h"

#include <stdlib.h>

#include "common/base/xalloc.h"
#include "ingestor/source/nats/nats_event.h"

struct nats_past {
    struct source base; /* first: a struct source is one of these */
    const struct config *config;
    struct nats_client client;
    struct nats_feed feed;
    struct nats_events events;
    struct nats_state to;
    uint64_t begin; /* sequences from there */
    uint64_t next;  /* up to there are read */
    uint64_t end;   /* and up to there are wanted */
    bool older_gone;
};

static struct nats_past *past_of(struct source *source)
{
    return (struct nats_past *)source;
}

static void past_close(struct source *source)
{
    struct nats_past *p = past_of(source);
    nats_feed_close(&p->feed);
    nats_events_free(&p->events);
    nats_client_close(&p->client);
    free(p);
}

static int fill(struct nats_past *p, size_t max_rows, struct batch *batch, struct error *err)
{
    const wall_time now = clock_wall();
    int status = STATUS_OK;
    for (size_t i = 0;
         status == STATUS_OK && i < max_rows && p->next < p->end && !batch_is_full(batch); i++) {
        struct nats_message message;
        status = nats_feed_next(&p->feed, &message, err);
        if (status == STATUS_OK && message.message != NULL && message.sequence < p->end) {
            p->next = message.sequence + 1;
            nats_events_add(&p->events, &message, 0, now, batch);
        } else if (status == STATUS_OK) {
            p->next = p->end;
        }
        natsMsg_Destroy(message.message);
    }
    return status;
}

static int past_read(struct source *source, size_t max_rows, struct batch **out, struct error *err)
{
    struct nats_past *p = past_of(source);
    struct buf done = {0};
    struct batch *batch = batch_create(p->config->source.extra_count);
    const int status = fill(p, max_rows, batch, err);
    if (status != STATUS_OK) {
        batch_destroy(&batch);
        return status;
    }
    batch->more = p->next < p->end;
    batch->history = true;
    batch->older_gone = p->older_gone;
    p->older_gone = false;
    batch->progress =
        p->end > p->begin ? (double)(p->next - p->begin) / (double)(p->end - p->begin) : 1;
    mp_put_uint(&done, p->next);
    batch_finish(batch, buf_str(&done), STR(""));
    buf_free(&done);
    *out = batch;
    return STATUS_OK;
}

static const struct source_ops past_ops = {.close = past_close, .read = past_read};

/* Where the reading begins and ends, of what is there. Of a stream that was made anew since,
 * nothing is. */
static int find_range(struct nats_past *p, const struct nats_state *from, uint64_t done,
                      struct error *err)
{
    struct nats_stream stream;
    const int status = nats_client_inspect(&p->client, NULL, &stream, err);
    if (status != STATUS_OK) {
        return status;
    }
    const bool same = stream.created == p->to.created;
    const bool went_on = from->created == p->to.created && from->base == p->to.base;
    p->begin = went_on ? from->next : 1;
    p->end = p->to.next < stream.end ? p->to.next : stream.end;
    p->next = done != 0 ? done : p->begin;
    p->older_gone = done == 0 && from->created == 0 && (!same || stream.first > p->begin);
    if (!same) {
        p->next = p->end;
    } else if (p->next < stream.first) {
        p->next = stream.first < p->end ? stream.first : p->end;
    }
    return p->next < p->end ? nats_feed_open(&p->feed, &p->client, p->next, err) : STATUS_OK;
}

static bool load_done(struct str saved, uint64_t *out)
{
    struct mp_doc doc;
    mp_doc_init(&doc);
    const bool ok =
        mp_parse(&doc, saved.p, saved.len) == STATUS_OK && mp_as_uint(&doc.root, out) && *out != 0;
    mp_doc_free(&doc);
    return ok;
}

int nats_past_open(const struct config *config, struct str from, struct str to, struct str done,
                   struct source **out, struct error *err)
{
    struct nats_past *p = x_calloc(1, sizeof *p);
    struct nats_state before = {0};
    uint64_t next_one = 0;
    p->base.ops = &past_ops;
    p->config = config;
    nats_events_init(&p->events, &config->source);
    const bool ok = (from.len == 0 || nats_state_load(&before, from)) &&
                    nats_state_load(&p->to, to) && (done.p == NULL || load_done(done, &next_one));
    int status =
        ok ? nats_client_open(&p->client, config, err)
           : error_set(err, STATUS_INVALID,
                       "a tile's place in the stream is that of another source or version");
    if (status == STATUS_OK) {
        status = find_range(p, &before, next_one, err);
    }
    if (status != STATUS_OK) {
        past_close(&p->base);
        return status;
    }
    *out = &p->base;
    return STATUS_OK;
}
