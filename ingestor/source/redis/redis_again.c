/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/source/redis/redis_again.h"

#include <stdlib.h>

#include "common/codec/mp_check.h"
#include "common/program/log.h"
#include "ingestor/source/records.h"

/* ---- The journal ---- */

static struct str rest_of(const struct redis_source *s)
{
    return (struct str){s->journal.data + s->journal_at, s->journal.len - s->journal_at};
}

bool redis_replay_open(struct redis_source *s, struct str journal)
{
    uint64_t number = s->state.record;
    const bool ok =
        journal.p != NULL && records_behind(journal, redis_record_number, &number, &s->journal);
    if (!ok) {
        buf_free(&s->journal);
        s->state.record = number; /* so that what follows is not taken for what is there */
    }
    return ok;
}

bool redis_replay_left(const struct redis_source *s)
{
    return s->journal_at < s->journal.len;
}

/* ---- Runs ---- */

/* Appends the entries of a run that are still there, with their ordinals, as long as none is
 * missing. *found: how many there are. */
static int read_run(struct redis_source *s, const struct redis_run *run, struct batch *batch,
                    size_t *found, struct error *err)
{
    const wall_time now = clock_wall();
    struct redis_id from = run->first;
    bool more = true;
    *found = 0;
    while (more) {
        redisReply *entries = NULL;
        const int status =
            redis_client_range(&s->client, from, run->last.id, REDIS_RUN_MAX, &entries, &more, err);
        if (status != STATUS_OK) {
            return status;
        }
        const size_t before = *found;
        for (size_t i = 0; i < entries->elements; i++) {
            struct redis_entry entry;
            if (redis_client_entry(&s->client, entries, i, &entry)) {
                redis_client_add_event(&s->client, batch, &entry, run->ordinal + (*found)++, now,
                                       &s->unusable);
                from = redis_id_next(entry.id);
            }
        }
        more = more && *found != before && redis_id_compare(from, run->last.id) <= 0;
        freeReplyObject(entries);
    }
    return STATUS_OK;
}

static int read_record(struct redis_source *s, const struct redis_record *record,
                       struct batch *batch, bool *whole, struct error *err)
{
    int status = STATUS_OK;
    for (size_t i = 0; i < record->runs.count && status == STATUS_OK; i++) {
        size_t found;
        status = read_run(s, &record->runs.list[i], batch, &found, err);
        *whole = *whole && found == record->runs.list[i].count;
    }
    return status;
}

int redis_replay_record(struct redis_source *s, struct batch **out, struct error *err)
{
    struct mp_doc doc;
    struct redis_record record;
    struct batch *batch = batch_create(s->config->source.extra_count);
    const struct str rest = rest_of(s);
    const size_t len = mp_length(rest.p, rest.len);
    bool whole = true;
    mp_doc_init(&doc);
    (void)mp_parse(&doc, rest.p, len); /* as it was when it was taken over */
    int status = redis_record_read(&doc.root, &record)
                     ? read_record(s, &record, batch, &whole, err)
                     : error_set(err, STATUS_INVALID, "a record of the journal is damaged");
    if (status == STATUS_OK) {
        redis_state_apply(&s->state, &record);
        s->journal_at += len;
        batch->more = true; /* the present comes next */
        if (!whole) {
            log_warn("entries of stream \"%s\" of Redis that were delivered are not there any "
                     "more, and the state from before them is: tiles lack them, and event streams "
                     "begin anew",
                     s->config->source.redis.stream);
            redis_state_renumber(&s->state);
        }
        redis_finish(s, batch, (struct str){rest.p, len}, false);
        *out = batch;
    } else {
        batch_destroy(&batch);
    }
    redis_record_free(&record);
    mp_doc_free(&doc);
    return status;
}

/* ---- History ---- */

static int by_ordinal(const void *a, const void *b)
{
    const struct event *x = a;
    const struct event *y = b;
    return (x->ordinal > y->ordinal) - (x->ordinal < y->ordinal);
}

/* From the newest run back, until there are enough, or one is not whole: which of its entries are
 * missing cannot be told, and so not which ordinals the others had. */
static int read_history(struct redis_source *s, struct batch *batch, struct error *err)
{
    const struct redis_state *state = &s->state;
    int status = STATUS_OK;
    bool whole = true;
    for (size_t i = state->runs.count; i > 0 && whole && status == STATUS_OK; i--) {
        const struct redis_run *run = &state->runs.list[i - 1];
        const size_t before = batch->count;
        size_t found;
        if (run->ordinal < state->numbered || batch->count >= state->keep ||
            batch_bytes(batch) > BATCH_HISTORY_BYTES_MAX) {
            break;
        }
        status = read_run(s, run, batch, &found, err);
        whole = found == run->count;
        batch->count = whole ? batch->count : before;
    }
    return status;
}

int redis_replay_history(struct redis_source *s, struct batch **out, struct error *err)
{
    struct batch *batch = batch_create(s->config->source.extra_count);
    const int status = read_history(s, batch, err);
    if (status != STATUS_OK) {
        batch_destroy(&batch);
        return status;
    }
    batch->history = true;
    batch->unusable = 0;              /* they were counted the first time */
    s->state.record_bytes = SIZE_MAX; /* the state that we were given may be another's */
    redis_finish(s, batch, STR(""), false);
    if (batch->count > 1) {
        qsort(batch->events, batch->count, sizeof *batch->events, by_ordinal);
    }
    *out = batch;
    return STATUS_OK;
}
