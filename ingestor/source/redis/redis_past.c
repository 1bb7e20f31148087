/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/source/redis/redis_past.h"

#include <stdlib.h>

#include "common/base/xalloc.h"
#include "ingestor/source/redis/redis_check.h"

struct redis_past {
    struct source base; /* first: a struct source is one of these */
    struct redis_client client;
    struct redis_id first; /* of the first entry that is wanted */
    struct redis_id next;  /* of the next one */
    struct redis_id last;
    bool from_start;
    bool older_gone;
    struct unusable_log unusable;
};

static struct redis_past *past_of(struct source *source)
{
    return (struct redis_past *)source;
}

static void past_close(struct source *source)
{
    struct redis_past *p = past_of(source);
    redis_client_close(&p->client);
    free(p);
}

/* By the time that ids are made of. */
static double progress(const struct redis_past *p)
{
    const uint64_t all = p->last.ms - p->first.ms;
    return p->next.ms >= p->last.ms || all == 0 ? 1
                                                : (double)(p->next.ms - p->first.ms) / (double)all;
}

static void add_entries(struct redis_past *p, const redisReply *entries, struct batch *batch)
{
    const wall_time now = clock_wall();
    for (size_t i = 0; i < entries->elements; i++) {
        struct redis_entry entry;
        if (redis_client_entry(&p->client, entries, i, &entry)) {
            redis_client_add_event(&p->client, batch, &entry, 0, now, &p->unusable);
            p->next = redis_id_next(entry.id);
            p->first = redis_id_is_zero(p->first) ? entry.id : p->first;
        }
    }
}

static int past_read(struct source *source, size_t max_rows, struct batch **out, struct error *err)
{
    struct redis_past *p = past_of(source);
    struct buf done = {0};
    redisReply *entries = NULL;
    bool more;
    const int status =
        redis_client_range(&p->client, p->next, p->last, max_rows, &entries, &more, err);
    if (status != STATUS_OK) {
        return status;
    }
    struct batch *batch = batch_create(p->client.config->source.extra_count);
    add_entries(p, entries, batch);
    batch->more = more && redis_id_compare(p->next, p->last) <= 0;
    batch->history = true;
    batch->older_gone = p->older_gone;
    batch->progress = batch->more ? progress(p) : 1;
    p->older_gone = false;
    mp_put_array(&done, 2);
    mp_put_uint(&done, p->next.ms);
    mp_put_uint(&done, p->next.seq);
    batch_finish(batch, buf_str(&done), STR(""));
    buf_free(&done);
    freeReplyObject(entries);
    *out = batch;
    return STATUS_OK;
}

static const struct source_ops past_ops = {.close = past_close, .read = past_read};

/* Entries are known to be gone when more were added than are there. */
static int check(struct redis_past *p, struct error *err)
{
    struct redis_info info;
    redisReply *reply = NULL;
    int status = redis_client_send(&p->client, err, "XINFO", "STREAM",
                                   p->client.config->source.redis.stream, NULL);
    if (status == STATUS_OK) {
        status = redis_client_await_any(&p->client, &reply, err);
    }
    if (status == STATUS_OK && reply->type == REDIS_REPLY_ARRAY) {
        redis_check_info(reply, &info);
        p->older_gone = info.added > (int64_t)info.length;
    }
    freeReplyObject(reply);
    return status;
}

static bool load_done(struct redis_past *p, struct str done)
{
    struct mp_doc doc;
    mp_doc_init(&doc);
    const bool ok = mp_parse(&doc, done.p, done.len) == STATUS_OK &&
                    mp_as_uint(mp_at(&doc.root, 0), &p->next.ms) &&
                    mp_as_uint(mp_at(&doc.root, 1), &p->next.seq);
    mp_doc_free(&doc);
    return ok;
}

static bool find_ends(struct redis_past *p, const char *stream, struct str from, struct str to)
{
    struct redis_state before = {0};
    struct redis_state after = {0};
    const bool ok = (from.len == 0 || redis_state_load(&before, stream, from)) &&
                    redis_state_load(&after, stream, to);
    p->next = from.len == 0 ? (struct redis_id){0} : redis_id_next(before.position);
    p->first = p->next;
    p->last = after.position;
    redis_state_free(&before);
    redis_state_free(&after);
    return ok;
}

int redis_past_open(const struct config *config, struct str from, struct str to, struct str done,
                    struct source **out, struct error *err)
{
    struct redis_past *p = x_calloc(1, sizeof *p);
    p->base.ops = &past_ops;
    p->from_start = from.len == 0 && done.p == NULL;
    const bool ok = find_ends(p, config->source.redis.stream, from, to) &&
                    (done.p == NULL || load_done(p, done));
    int status = ok ? redis_client_open(&p->client, config, err)
                    : error_set(err, STATUS_INVALID,
                                "a tile's place in the stream is that of another source or "
                                "version");
    if (status == STATUS_OK && p->from_start) {
        status = check(p, err);
    }
    if (status != STATUS_OK) {
        past_close(&p->base);
        return status;
    }
    *out = &p->base;
    return STATUS_OK;
}
