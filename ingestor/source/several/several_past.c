/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/source/several/several_past.h"

#include <stdlib.h>

#include "common/base/xalloc.h"
#include "common/codec/mp.h"
#include "ingestor/source/batch.h"
#include "ingestor/source/one_source.h"
#include "ingestor/source/several/several_event.h"
#include "ingestor/source/several/several_state.h"

struct past {
    struct source base;
    const struct config *config;
    struct config child; /* as if the source under way were the only one */
    struct buf from;
    struct buf to;
    uint64_t over;         /* bit i: the past of the i-th has been read */
    struct buf done;       /* of the child under way; empty: nothing of it was read */
    size_t at;             /* the child under way; source_count: there is none any more */
    struct source *source; /* of it; NULL: it is to be opened */
};

static const struct source_ops past_ops;

static void past_close(struct source *source)
{
    struct past *p = (struct past *)source;
    if (p->source != NULL) {
        p->source->ops->close(p->source);
    }
    buf_free(&p->from);
    buf_free(&p->to);
    buf_free(&p->done);
    free(p);
}

/* The child under way is done with: goes to the next one. */
static void step(struct past *p)
{
    p->over |= UINT64_C(1) << p->at;
    buf_clear(&p->done);
    for (p->at = 0; p->at < p->config->source_count && (p->over >> p->at & 1) != 0;) {
        p->at++;
    }
}

/* Opens the next child of which there is a past. */
static int open_next(struct past *p, struct error *err)
{
    struct buf from = {0};
    struct buf to = {0};
    int status = STATUS_OK;
    while (status == STATUS_OK && p->source == NULL && p->at < p->config->source_count) {
        const struct config_source *source = &p->config->sources[p->at];
        const struct str until = several_state_of(buf_str(&p->to), source->name, &to);
        const struct str since =
            p->from.len != 0 ? several_state_of(buf_str(&p->from), source->name, &from) : STR_NULL;
        const struct str done = p->done.len != 0 ? buf_str(&p->done) : STR_NULL;
        if (until.p == NULL && since.p != NULL) {
            status = error_set(err, STATUS_INVALID, "source %s begins anew", source->name);
        } else if (until.p == NULL) {
            step(p);
        } else {
            p->child = *p->config;
            p->child.source = *source;
            status = one_source_find(&p->child)->open_past(&p->child, since, until, done,
                                                           &p->source, err);
        }
    }
    buf_free(&from);
    buf_free(&to);
    return status;
}

/* The state of a batch: [state of the child under way, its name, the names of those that are done
 * with, …]. An ingestor that is started again may have them in another order. */
static void put_done(const struct past *p, struct str own, struct buf *out)
{
    size_t names = 2;
    for (uint64_t over = p->over; over != 0; over &= over - 1) {
        names++;
    }
    mp_put_array(out, names);
    mp_put_bin(out, own);
    mp_put_text(out, p->at < p->config->source_count ? p->config->sources[p->at].name : "");
    for (size_t i = 0; i < p->config->source_count; i++) {
        if ((p->over >> i & 1) != 0) {
            mp_put_text(out, p->config->sources[i].name);
        }
    }
}

static size_t place_of(const struct past *p, struct str name)
{
    size_t i = 0;
    while (i < p->config->source_count && !str_is(name, p->config->sources[i].name)) {
        i++;
    }
    return i;
}

/* Goes to where a batch of that state stood. */
static void go_on(struct past *p, const mp_value *done)
{
    struct str name;
    struct str own;
    for (size_t i = 2; i < mp_count(done); i++) {
        const size_t at = mp_as_str(mp_at(done, i), &name) ? place_of(p, name) : CONFIG_SOURCES_MAX;
        p->over |= at < p->config->source_count ? UINT64_C(1) << at : 0;
    }
    while (p->at < p->config->source_count && (p->over >> p->at & 1) != 0) {
        p->at++;
    }
    if (mp_as_bin(mp_at(done, 0), &own) && mp_as_str(mp_at(done, 1), &name) &&
        place_of(p, name) < p->config->source_count) {
        p->at = place_of(p, name);
        buf_append_str(&p->done, own);
    }
}

int several_past_open(const struct config *config, struct str from, struct str to, struct str done,
                      struct source **out, struct error *err)
{
    struct past *p = x_calloc(1, sizeof *p);
    struct mp_doc doc;
    p->base.ops = &past_ops;
    p->config = config;
    buf_append_str(&p->from, from);
    buf_append_str(&p->to, to);
    mp_doc_init(&doc);
    if (done.p != NULL && mp_parse(&doc, done.p, done.len) == STATUS_OK) {
        go_on(p, &doc.root);
    }
    mp_doc_free(&doc);
    const int status = open_next(p, err);
    if (status != STATUS_OK) {
        past_close(&p->base);
        return status;
    }
    *out = &p->base;
    return STATUS_OK;
}

static int past_read(struct source *source, size_t max_rows, struct batch **out, struct error *err)
{
    struct past *p = (struct past *)source;
    struct batch *own = NULL;
    struct buf done = {0};
    const double part = 1.0 / (double)p->config->source_count;
    int status =
        p->source != NULL ? p->source->ops->read(p->source, max_rows, &own, err) : STATUS_OK;
    if (status != STATUS_OK) {
        return status;
    }
    struct batch *batch = batch_create(p->config->source.extra_count);
    batch->history = true;
    batch->progress = ((double)p->at + (own != NULL ? own->progress : 0)) * part;
    for (size_t i = 0; own != NULL && i < own->count; i++) {
        (void)several_event_add(p->config, p->at, &own->events[i], own->events[i].ordinal, batch);
    }
    batch->older_gone_of = (uint64_t)(own != NULL && own->older_gone) << p->at;
    put_done(p, own != NULL ? own->state : STR(""), &done);
    if (own != NULL && !own->more) {
        p->source->ops->close(p->source);
        p->source = NULL;
        step(p);
        buf_clear(&done);
        put_done(p, STR(""), &done);
        status = open_next(p, err);
    }
    batch->more = p->source != NULL;
    batch_destroy(&own);
    batch_finish(batch, buf_str(&done), STR(""));
    buf_free(&done);
    if (status != STATUS_OK) {
        batch_destroy(&batch);
        return status;
    }
    *out = batch;
    return STATUS_OK;
}

static const struct source_ops past_ops = {
    .scheme = "several",
    .close = past_close,
    .read = past_read,
};
