/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/source/kafka/kafka_state.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/xalloc.h"
#include "common/codec/mp_check.h"

#define KIND "kafka"
#define FORMAT 1
#define PARTITION_FIELDS 7
#define RUN_FIELDS 4

void kafka_state_free(struct kafka_state *state)
{
    for (size_t i = 0; i < state->count; i++) {
        free(state->partitions[i].topic);
    }
    free(state->partitions);
    free(state->runs);
    *state = (struct kafka_state){0};
}

static size_t add_partition(struct kafka_state *state, struct str topic, int32_t number)
{
    state->partitions =
        x_reallocarray(state->partitions, state->count + 1, sizeof *state->partitions);
    state->partitions[state->count] = (struct kafka_partition){
        .topic = x_strndup(topic.p, topic.len),
        .number = number,
        .next = -1,
        .first = {.offset = -1},
        .last = {.offset = -1},
    };
    return state->count++;
}

static size_t find_partition(const struct kafka_state *state, struct str topic, int32_t number)
{
    size_t i = 0;
    while (i < state->count &&
           (state->partitions[i].number != number || !str_is(topic, state->partitions[i].topic))) {
        i++;
    }
    return i;
}

size_t kafka_state_partition(struct kafka_state *state, const char *topic, int32_t number)
{
    const size_t found = find_partition(state, str_of(topic), number);
    return found < state->count ? found : add_partition(state, str_of(topic), number);
}

uint64_t kafka_state_renumber(struct kafka_state *state)
{
    state->origin = source_new_origin(state->origin);
    state->run_count = 0; /* their ordinals belong to the old one */
    state->record_bytes = SIZE_MAX;
    return state->origin;
}

/* ---- Runs ---- */

static void push(struct kafka_run **runs, size_t *count, size_t *cap, struct kafka_run run)
{
    if (*count == *cap) {
        *cap = *cap != 0 ? *cap * 2 : 64;
        *runs = x_reallocarray(*runs, *cap, sizeof **runs);
    }
    assert(*runs != NULL);
    (*runs)[(*count)++] = run;
}

/* Forgets the oldest ones: those that the event log does not reach back to. Half of them at a time,
 * so that moving the rest costs little. */
static void trim(struct kafka_state *state)
{
    const uint64_t from = state->ordinal > state->keep ? state->ordinal - state->keep : 0;
    size_t gone = state->run_count > KAFKA_RUNS_MAX ? state->run_count - KAFKA_RUNS_MAX : 0;
    while (gone < state->run_count &&
           state->runs[gone].ordinal + state->runs[gone].count <= from + 1) {
        gone++;
    }
    if (gone > state->run_count / 2) {
        state->run_count -= gone;
        memmove(state->runs, state->runs + gone, state->run_count * sizeof *state->runs);
    }
}

/* Adds a run to the state's; one that goes on where the last one ended is joined to it. */
static void keep_run(struct kafka_state *state, const struct kafka_run *run)
{
    struct kafka_run *last = state->run_count != 0 ? &state->runs[state->run_count - 1] : NULL;
    if (run->count == 0) {
        return;
    }
    if (last != NULL && last->partition == run->partition && last->next == run->first &&
        last->ordinal + last->count == run->ordinal && last->count < UINT32_MAX - run->count) {
        last->count += run->count;
        last->next = run->next;
    } else {
        push(&state->runs, &state->run_count, &state->run_cap, *run);
    }
}

/* ---- Records ---- */

uint64_t kafka_draft_deliver(struct kafka_draft *draft, struct kafka_state *state, size_t partition,
                             int64_t offset)
{
    struct kafka_partition *p = &state->partitions[partition];
    struct kafka_run *last = draft->count != 0 ? &draft->runs[draft->count - 1] : NULL;
    const uint64_t ordinal = ++state->ordinal;
    if (last != NULL && last->partition == partition && last->count != 0 && last->next == offset) {
        last->count++;
        last->next = offset + 1;
    } else {
        push(&draft->runs, &draft->count, &draft->cap,
             (struct kafka_run){(uint32_t)partition, 1, offset, offset + 1, ordinal});
    }
    p->next = offset + 1;
    return ordinal;
}

void kafka_state_anchor(struct kafka_state *state, size_t partition, struct kafka_anchor anchor)
{
    struct kafka_partition *p = &state->partitions[partition];
    p->last = anchor;
    if (p->first.offset < 0) {
        p->first = anchor;
    }
}

void kafka_draft_skip(struct kafka_draft *draft, struct kafka_state *state, size_t partition,
                      int64_t next)
{
    state->partitions[partition].next = next;
    push(&draft->runs, &draft->count, &draft->cap,
         (struct kafka_run){(uint32_t)partition, 0, next, next, state->ordinal + 1});
}

bool kafka_draft_empty(const struct kafka_draft *draft)
{
    return draft->count == 0;
}

/* Anchors are those of the partitions that the record moves, as they are behind it. */
static void put_partition(const struct kafka_partition *p, struct buf *out)
{
    mp_put_text(out, p->topic);
    mp_put_int(out, p->number);
    mp_put_int(out, p->next);
    mp_put_int(out, p->first.offset);
    mp_put_uint(out, p->first.digest);
    mp_put_int(out, p->last.offset);
    mp_put_uint(out, p->last.digest);
}

/* *topic is borrowed from the list; out->topic is not set. */
static bool read_partition(const mp_value *list, size_t at, struct str *topic,
                           struct kafka_partition *out)
{
    int64_t number;
    if (!mp_as_str(mp_at(list, at), topic) || topic->len == 0 || topic->len > KAFKA_TOPIC_MAX ||
        memchr(topic->p, '\0', topic->len) != NULL || !mp_as_int(mp_at(list, at + 1), &number) ||
        number < 0 || number > INT32_MAX || !mp_as_int(mp_at(list, at + 2), &out->next) ||
        !mp_as_int(mp_at(list, at + 3), &out->first.offset) ||
        !mp_as_uint(mp_at(list, at + 4), &out->first.digest) ||
        !mp_as_int(mp_at(list, at + 5), &out->last.offset) ||
        !mp_as_uint(mp_at(list, at + 6), &out->last.digest)) {
        return false;
    }
    out->number = (int32_t)number;
    return true;
}

static void put_runs(const struct kafka_run *runs, size_t count, struct buf *out)
{
    mp_put_array(out, count * RUN_FIELDS);
    for (size_t i = 0; i < count; i++) {
        mp_put_uint(out, runs[i].partition);
        mp_put_uint(out, runs[i].count);
        mp_put_int(out, runs[i].first);
        mp_put_int(out, runs[i].next);
    }
}

/* Their ordinals follow one another from `ordinal` on. */
static bool read_runs(const mp_value *list, uint64_t ordinal, struct kafka_run **runs,
                      size_t *count)
{
    const size_t fields = mp_count(list);
    if (!mp_is_array(list) || fields % RUN_FIELDS != 0) {
        return false;
    }
    *count = fields / RUN_FIELDS;
    *runs = x_calloc(*count + 1, sizeof **runs);
    for (size_t i = 0; i < *count; i++) {
        struct kafka_run *run = &(*runs)[i];
        uint64_t partition;
        uint64_t messages;
        if (!mp_as_uint(mp_at(list, i * RUN_FIELDS), &partition) ||
            partition >= KAFKA_PARTITIONS_MAX ||
            !mp_as_uint(mp_at(list, i * RUN_FIELDS + 1), &messages) || messages > UINT32_MAX ||
            !mp_as_int(mp_at(list, i * RUN_FIELDS + 2), &run->first) || run->first < 0 ||
            !mp_as_int(mp_at(list, i * RUN_FIELDS + 3), &run->next) || run->next < run->first ||
            (uint64_t)(run->next - run->first) != messages) {
            return false;
        }
        run->partition = (uint32_t)partition;
        run->count = (uint32_t)messages;
        run->ordinal = ordinal;
        ordinal += messages;
    }
    return true;
}

/* [number, ordinal before, [partition as it is behind the record, …], [run, …]], where runs name
 * partitions by their place in the record. */
void kafka_draft_put(struct kafka_draft *draft, struct kafka_state *state, struct buf *out)
{
    uint64_t messages = 0;
    uint32_t touched = 0;
    uint32_t *place = x_calloc(state->count + 1, sizeof *place); /* and 1; 0: not touched */
    struct buf partitions = {0};
    for (size_t i = 0; i < draft->count; i++) {
        struct kafka_run *run = &draft->runs[i];
        messages += run->count;
        keep_run(state, run);
        if (place[run->partition] == 0) {
            put_partition(&state->partitions[run->partition], &partitions);
            place[run->partition] = ++touched;
        }
        run->partition = place[run->partition] - 1;
    }
    mp_put_array(out, 4);
    mp_put_uint(out, ++state->record);
    mp_put_uint(out, state->ordinal - messages);
    mp_put_array(out, (size_t)touched * PARTITION_FIELDS);
    buf_append_str(out, buf_str(&partitions));
    put_runs(draft->runs, draft->count, out);
    trim(state);
    draft->count = 0;
    buf_free(&partitions);
    free(place);
}

void kafka_draft_free(struct kafka_draft *draft)
{
    free(draft->runs);
    *draft = (struct kafka_draft){0};
}

uint64_t kafka_record_number(const mp_value *value)
{
    uint64_t number;
    return mp_as_uint(mp_at(value, 0), &number) ? number : 0;
}

/* The state's index of the partition at that place of a record; it is added when it is not known.
 * False when there is none. */
static bool partition_at(struct kafka_state *state, const mp_value *list, size_t place,
                         uint32_t *out)
{
    struct kafka_partition saved;
    struct str topic;
    if (!read_partition(list, place * PARTITION_FIELDS, &topic, &saved)) {
        return false;
    }
    size_t index = find_partition(state, topic, saved.number);
    if (index == state->count) {
        index = add_partition(state, topic, saved.number);
    }
    *out = (uint32_t)index;
    return true;
}

bool kafka_record_read(struct kafka_state *state, const mp_value *value, struct kafka_record *out)
{
    uint64_t ordinal;
    *out =
        (struct kafka_record){.number = kafka_record_number(value), .partitions = mp_at(value, 2)};
    bool ok = out->number != 0 && mp_as_uint(mp_at(value, 1), &ordinal) &&
              mp_is_array(out->partitions) && mp_count(out->partitions) % PARTITION_FIELDS == 0 &&
              read_runs(mp_at(value, 3), ordinal + 1, &out->runs, &out->count);
    for (size_t i = 0; ok && i < out->count; i++) {
        ok = partition_at(state, out->partitions, out->runs[i].partition, &out->runs[i].partition);
    }
    return ok;
}

void kafka_record_free(struct kafka_record *record)
{
    free(record->runs);
    *record = (struct kafka_record){0};
}

void kafka_state_apply(struct kafka_state *state, const struct kafka_record *record)
{
    const size_t places = mp_count(record->partitions) / PARTITION_FIELDS;
    for (size_t place = 0; place < places; place++) {
        struct kafka_partition saved;
        struct str topic;
        uint32_t index;
        if (partition_at(state, record->partitions, place, &index) &&
            read_partition(record->partitions, place * PARTITION_FIELDS, &topic, &saved)) {
            saved.topic = state->partitions[index].topic;
            state->partitions[index] = saved;
        }
    }
    for (size_t i = 0; i < record->count; i++) {
        keep_run(state, &record->runs[i]);
        state->ordinal = record->runs[i].ordinal + record->runs[i].count - 1;
    }
    state->record = record->number;
    trim(state);
}

/* ---- The saved form ---- */

void kafka_state_save(struct kafka_state *state, struct buf *out)
{
    const size_t before = out->len;
    mp_put_array(out, 8);
    mp_put_int(out, FORMAT);
    mp_put_text(out, KIND);
    mp_put_uint(out, state->origin);
    mp_put_uint(out, state->record);
    mp_put_uint(out, state->ordinal);
    mp_put_array(out, state->count * PARTITION_FIELDS);
    for (size_t i = 0; i < state->count; i++) {
        put_partition(&state->partitions[i], out);
    }
    mp_put_uint(out, state->run_count != 0 ? state->runs[0].ordinal : state->ordinal + 1);
    put_runs(state->runs, state->run_count, out);
    state->whole_bytes = out->len - before;
    state->record_bytes = 0;
}

static bool load_whole(struct kafka_state *state, const mp_value *value)
{
    struct str kind;
    int64_t format;
    uint64_t first;
    const mp_value *partitions = mp_at(value, 5);
    const size_t fields = mp_count(partitions);
    bool ok = mp_as_int(mp_at(value, 0), &format) && format == FORMAT &&
              mp_as_str(mp_at(value, 1), &kind) && str_is(kind, KIND) &&
              mp_as_uint(mp_at(value, 2), &state->origin) &&
              mp_as_uint(mp_at(value, 3), &state->record) &&
              mp_as_uint(mp_at(value, 4), &state->ordinal) && mp_is_array(partitions) &&
              fields % PARTITION_FIELDS == 0 && fields / PARTITION_FIELDS <= KAFKA_PARTITIONS_MAX;
    for (size_t at = 0; ok && at < fields; at += PARTITION_FIELDS) {
        struct kafka_partition saved;
        struct str topic;
        ok = read_partition(partitions, at, &topic, &saved);
        if (ok) {
            const size_t index = add_partition(state, topic, saved.number);
            saved.topic = state->partitions[index].topic;
            state->partitions[index] = saved;
        }
    }
    ok = ok && mp_as_uint(mp_at(value, 6), &first) &&
         read_runs(mp_at(value, 7), first, &state->runs, &state->run_count);
    state->run_cap = state->run_count;
    for (size_t i = 0; ok && i < state->run_count; i++) {
        ok = state->runs[i].partition < state->count;
    }
    return ok;
}

static bool load_record(struct kafka_state *state, const mp_value *value)
{
    struct kafka_record record;
    const bool ok = kafka_record_read(state, value, &record) && record.number == state->record + 1;
    if (ok) {
        kafka_state_apply(state, &record);
    }
    kafka_record_free(&record);
    return ok;
}

bool kafka_state_load(struct kafka_state *state, struct str saved)
{
    struct mp_doc doc;
    bool ok = saved.len != 0;
    mp_doc_init(&doc);
    for (bool first = true; ok && saved.len != 0; first = false) {
        const size_t len = mp_length(saved.p, saved.len);
        ok = len != 0 && mp_parse(&doc, saved.p, len) == STATUS_OK &&
             (first ? load_whole(state, &doc.root) : load_record(state, &doc.root));
        saved = (struct str){saved.p + len, saved.len - len};
    }
    mp_doc_free(&doc);
    state->record_bytes = SIZE_MAX;
    return ok;
}

bool kafka_state_is_newer(struct str saved)
{
    return source_state_is_newer((struct str){saved.p, mp_length(saved.p, saved.len)}, FORMAT);
}
