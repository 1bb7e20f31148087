/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/source/kafka/kafka_again.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/xalloc.h"
#include "common/codec/mp_check.h"
#include "common/program/log.h"
#include "ingestor/source/kafka/kafka_gather.h"
#include "ingestor/source/records.h"

#define RECORDS ((size_t)512) /* gone through together, at most; a power of 8 */
#define MESSAGES 4096         /* no more are taken then */

/* ---- The journal ---- */

static struct str rest_of(const struct kafka_source *s)
{
    return (struct str){s->journal.data + s->journal_at, s->journal.len - s->journal_at};
}

bool kafka_replay_open(struct kafka_source *s, struct str journal)
{
    uint64_t number = s->state.record;
    const bool ok =
        journal.p != NULL && records_behind(journal, kafka_record_number, &number, &s->journal);
    if (!ok) {
        buf_free(&s->journal);
        s->state.record = number; /* so that what follows is not taken for what is there */
    }
    return ok;
}

bool kafka_replay_left(const struct kafka_source *s)
{
    return s->journal_at < s->journal.len;
}

/* ---- Reading runs again ---- */

/* Runs are in the order of delivery, and those of one partition in that of their offsets, too, so
 * that each partition has one run that its next message can be of. */
struct again {
    struct kafka_source *s;
    struct batch *batch;
    wall_time now;
    const struct kafka_run *runs;
    size_t run_count;
    uint32_t *found; /* messages of each run */
    struct kafka_piece *pieces;
    size_t *partitions; /* of each piece: its index in the state */
    size_t *run_at;     /* of each piece: the run that is looked at */
    size_t piece_count;
    uint64_t from; /* ordinal of the first message that is wanted */
    size_t most;   /* bytes that the batch may take */
    bool too_long; /* It would take more. */
};

/* True when the run with that index, or one behind it, has the message: *index is then that one. */
static bool find_run(const struct again *a, size_t partition, int64_t offset, size_t *index)
{
    while (*index < a->run_count &&
           (a->runs[*index].partition != partition || a->runs[*index].next <= offset)) {
        (*index)++;
    }
    return *index < a->run_count && a->runs[*index].first <= offset;
}

static uint64_t ordinal_of(const struct kafka_run *run, int64_t offset)
{
    return run->ordinal + (uint64_t)(offset - run->first);
}

static bool take_again(void *arg, size_t piece, rd_kafka_message_t *message)
{
    struct again *a = arg;
    size_t *run = &a->run_at[piece];
    if (find_run(a, a->partitions[piece], message->offset, run)) {
        const uint64_t ordinal = ordinal_of(&a->runs[*run], message->offset);
        a->found[*run]++;
        if (ordinal >= a->from) {
            kafka_client_add_event(&a->s->client, a->batch, message, a->pieces[piece].topic,
                                   ordinal, a->now, &a->s->unusable);
        }
        a->too_long = batch_bytes(a->batch) > a->most;
    }
    return !a->too_long;
}

/* One piece for each partition: from its first run to its last one. */
static void make_pieces(struct again *a)
{
    const struct kafka_state *state = &a->s->state;
    a->pieces = x_calloc(state->count + 1, sizeof *a->pieces);
    a->partitions = x_calloc(state->count + 1, sizeof *a->partitions);
    a->run_at = x_calloc(state->count + 1, sizeof *a->run_at);
    a->found = x_calloc(a->run_count + 1, sizeof *a->found);
    for (size_t p = 0; p < state->count; p++) {
        a->pieces[p] = (struct kafka_piece){.topic = state->partitions[p].topic,
                                            .number = state->partitions[p].number,
                                            .first = -1};
    }
    for (size_t i = 0; i < a->run_count; i++) {
        struct kafka_piece *piece = &a->pieces[a->runs[i].partition];
        if (a->runs[i].count != 0) {
            piece->first = piece->first < 0 ? a->runs[i].first : piece->first;
            piece->end = a->runs[i].next;
        }
    }
    for (size_t p = 0; p < state->count; p++) {
        if (a->pieces[p].first >= 0 && a->s->feeds[p].wanted) {
            a->partitions[a->piece_count] = p;
            a->pieces[a->piece_count++] = a->pieces[p];
        }
    }
}

/* Fills the batch with the messages of the runs that are still there, partition by partition. */
static int read_again(struct again *a, uint64_t *missing, struct error *err)
{
    a->now = clock_wall();
    make_pieces(a);
    const int status = kafka_gather(&a->s->client, a->pieces, a->piece_count, take_again, a, err);
    for (size_t i = 0; i < a->run_count; i++) {
        *missing += a->runs[i].count - a->found[i];
    }
    free(a->pieces);
    free(a->partitions);
    free(a->run_at);
    free(a->found);
    return status;
}

static int by_ordinal(const void *a, const void *b)
{
    const struct event *x = a;
    const struct event *y = b;
    return (x->ordinal > y->ordinal) - (x->ordinal < y->ordinal);
}

/* Brings a finished batch into the order of delivery. */
static void sort_events(struct batch *batch)
{
    if (batch->count > 1) {
        qsort(batch->events, batch->count, sizeof *batch->events, by_ordinal);
    }
}

/* ---- Records ---- */

/* Records that are gone through together. To look at a partition and to begin with it takes several
 * answers of a broker, whatever is read of it then: one by one, the hundreds of records that a busy
 * second journals took minutes. */
struct together {
    struct kafka_source *s;
    struct mp_doc docs[RECORDS];
    struct kafka_record records[RECORDS];
    size_t count;
    size_t len; /* bytes of all */
    struct kafka_run *runs;
    size_t run_count;
    uint64_t messages;
};

static void free_together(struct together *t)
{
    for (size_t i = 0; i < t->count; i++) {
        kafka_record_free(&t->records[i]);
        mp_doc_free(&t->docs[i]);
    }
    free(t->runs);
    free(t);
}

/* True when the record's messages stand behind those of the records before it, as they do unless a
 * partition was made anew, or has lost some. */
static bool goes_on(const struct together *t, const struct kafka_record *record)
{
    for (size_t i = 0; i < record->count; i++) {
        size_t k = t->run_count;
        while (k != 0 && t->runs[k - 1].partition != record->runs[i].partition) {
            k--;
        }
        if (k != 0 && record->runs[i].first < t->runs[k - 1].next) {
            return false;
        }
    }
    return true;
}

static void add_runs(struct together *t, const struct kafka_record *record)
{
    t->runs = x_reallocarray(t->runs, t->run_count + record->count + 1, sizeof *t->runs);
    for (size_t i = 0; i < record->count; i++) {
        t->runs[t->run_count++] = record->runs[i];
        t->messages += record->runs[i].count;
    }
}

/* Takes the next record, if it may go together with those that were taken. */
static bool take_record(struct together *t, struct str rest, struct error *err, int *status)
{
    const struct str at = {rest.p + t->len, rest.len - t->len};
    const size_t len = mp_length(at.p, at.len);
    struct mp_doc *doc = &t->docs[t->count];
    struct kafka_record *record = &t->records[t->count];
    mp_doc_init(doc);
    (void)mp_parse(doc, at.p, len); /* as it was when it was taken over */
    const bool whole = kafka_record_read(&t->s->state, &doc->root, record);
    const bool takes = whole && (t->count == 0 || goes_on(t, record));
    if (takes) {
        add_runs(t, record);
        t->count++;
        t->len += len;
        return true;
    }
    if (!whole && t->count == 0) {
        *status = error_set(err, STATUS_INVALID, "a record of the journal is damaged");
    }
    kafka_record_free(record);
    mp_doc_free(doc);
    return false;
}

/* What was read of the records is the next batch. */
static void deliver_again(struct together *t, struct batch *batch, uint64_t missing)
{
    struct kafka_source *s = t->s;
    const struct str records = {rest_of(s).p, t->len};
    for (size_t i = 0; i < t->count; i++) {
        kafka_state_apply(&s->state, &t->records[i]);
    }
    s->journal_at += t->len;
    batch->more = true; /* the present comes next */
    if (missing != 0) {
        log_warn("%llu messages that were delivered are not there any more, and the state "
                 "from before them is: tiles lack them, and streams begin anew",
                 (unsigned long long)missing);
        kafka_state_renumber(&s->state);
    }
    kafka_finish(s, batch, records, false);
    sort_events(batch);
}

/* Goes through at most so many records. *too_long: together they are more than a batch may take, so
 * that nothing was done. */
static int replay(struct kafka_source *s, size_t records, struct batch **out, bool *too_long,
                  struct error *err)
{
    struct together *t = x_calloc(1, sizeof *t);
    uint64_t missing = 0;
    int status = STATUS_OK;
    t->s = s;
    *out = batch_create(s->config->source.extra_count);
    while (t->count < records && t->messages < MESSAGES && t->len < rest_of(s).len &&
           take_record(t, rest_of(s), err, &status)) {
    }
    kafka_feeds_grow(s);
    struct again a = {.s = s,
                      .batch = *out,
                      .runs = t->runs,
                      .run_count = t->run_count,
                      .most = t->count > 1 ? BATCH_BYTES_MAX : SIZE_MAX};
    if (status == STATUS_OK) {
        status = read_again(&a, &missing, err);
    }
    *too_long = a.too_long;
    if (status == STATUS_OK && !a.too_long) {
        deliver_again(t, *out, missing);
    } else {
        batch_destroy(out);
    }
    free_together(t);
    return status;
}

int kafka_replay_records(struct kafka_source *s, struct batch **out, struct error *err)
{
    bool too_long = true;
    int status = STATUS_OK;
    for (size_t records = RECORDS; too_long && status == STATUS_OK; records /= 8) {
        status = replay(s, records, out, &too_long, err);
    }
    return status;
}

/* ---- History ---- */

/* The runs of messages from an ordinal on. One that begins before it is cut where offsets say where
 * that is, so that less is read. The caller frees them. */
static struct kafka_run *newest(const struct kafka_state *state, uint64_t from, size_t *count)
{
    struct kafka_run *runs = x_calloc(state->run_count + 1, sizeof *runs);
    *count = 0;
    for (size_t i = 0; i < state->run_count; i++) {
        struct kafka_run run = state->runs[i];
        if (run.ordinal + run.count <= from) {
            continue;
        }
        if (run.ordinal < from) {
            const uint32_t before = (uint32_t)(from - run.ordinal);
            run.first += before;
            run.count -= before;
            run.ordinal = from;
        }
        runs[(*count)++] = run;
    }
    return runs;
}

/* The newest messages, as many as a batch of history may take: half as many when it would be more,
 * until they fit. */
static int read_history(struct kafka_source *s, struct batch **out, struct error *err)
{
    uint64_t wanted = s->state.ordinal < s->state.keep ? s->state.ordinal : s->state.keep;
    struct again a;
    int status;
    do {
        uint64_t missing = 0;
        batch_destroy(out);
        *out = batch_create(s->config->source.extra_count);
        a = (struct again){.s = s,
                           .batch = *out,
                           .from = s->state.ordinal - wanted + 1,
                           .most = BATCH_HISTORY_BYTES_MAX};
        struct kafka_run *runs = newest(&s->state, a.from, &a.run_count);
        a.runs = runs;
        status = read_again(&a, &missing, err);
        free(runs);
        wanted /= 2;
    } while (status == STATUS_OK && a.too_long);
    return status;
}

int kafka_replay_history(struct kafka_source *s, struct batch **out, struct error *err)
{
    struct batch *batch = NULL;
    const int status = read_history(s, &batch, err);
    if (status != STATUS_OK) {
        batch_destroy(&batch);
        return status;
    }
    batch->history = true;
    /* Ordinals are ours and not Kafka's, and what a partition has lost begins a new numbering. So
     * of these it was retention or compaction that took what is not there. */
    batch->accounted = s->state.ordinal;
    batch->unusable = 0;              /* they were counted the first time */
    s->state.record_bytes = SIZE_MAX; /* the state that we were given may be another's */
    kafka_finish(s, batch, STR(""), false);
    sort_events(batch);
    *out = batch;
    return STATUS_OK;
}
