/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/push/push_writer.h"

#include <czmq.h>
#include <stdatomic.h>

#include "common/base/handover.h"
#include "common/base/xalloc.h"
#include "common/codec/mp.h"
#include "common/program/log.h"
#include "common/push/pushed_event.h"
#include "common/replica/answer.h"
#include "common/replica/query_request.h"
#include "ingestor/push/push_table.h"

#define GROUP_JOBS 1024               /* pushes of one transaction */
#define GROUP_BYTES ((size_t)8 << 20) /* of them, about */
#define SWEEP_MAX_MS 60000            /* between two looks for what is too old */
#define SWEEP_MIN_MS 100
#define SWEEP_ROWS 2000 /* deleted at once, so that pushes never wait for long */

struct push_writer {
    /* The main thread's. */
    zactor_t *actor; /* the pipe to the writer's thread; owned */
    size_t jobs;     /* that the writer's thread has */
    size_t bytes;    /* of their requests */

    /* Both threads'; it was set before the writer's began, and never changes. */
    const struct config_source *source; /* borrowed */

    /* The main thread sets it, and the writer reads it: the id up to which tiles have been saved.
     */
    _Atomic uint64_t saved;

    /* The writer's thread adds to these, and the main thread reads them. */
    _Atomic uint64_t commits; /* transactions made */
    _Atomic uint64_t deleted; /* events that were too old */
    _Atomic uint64_t failed;  /* transactions that could not be made */
};

/* ---- Jobs ---- */

struct push_job *push_job_create(void)
{
    return x_calloc(1, sizeof(struct push_job));
}

void push_job_destroy(struct push_job **job_p)
{
    struct push_job *job = *job_p;
    if (job == NULL) {
        return;
    }
    for (size_t i = 0; i < PUSH_FRAMES_MAX; i++) {
        buf_free(&job->envelope[i]);
    }
    buf_free(&job->request);
    buf_free(&job->reply);
    free(job);
    *job_p = NULL;
}

/* ---- The writer's thread ---- */

/* All of it is the writer's thread's alone. */
struct writer_thread {
    struct push_writer *writer; /* what it shares with the main thread */
    void *socket;               /* its end of the pipe */
    bool stop;                  /* The main thread wants it to end. */
    struct push_table *table;   /* NULL: the file is not open */
    struct mp_doc doc;          /* scratch */
    struct push_job *first;     /* what is to be written, oldest first */
    struct push_job **end;      /* where the next one is hung in */
    mono_time sweep_at;         /* when to look next for what is too old */
};

static void refuse(struct push_job *job, int status, const struct error *err)
{
    const char *code = status == STATUS_INVALID  ? ANSWER_BAD_REQUEST
                       : status == STATUS_DENIED ? ANSWER_CONFLICT
                       : status == STATUS_FULL   ? ANSWER_FULL
                                                 : ANSWER_UNAVAILABLE;
    const struct answer_error error = {str_of(code), str_of(err->text)};
    buf_clear(&job->reply);
    answer_put_error(&job->reply, &error);
    job->failed = true;
    job->events = 0;
    job->repeated = false;
}

static int read_wish(struct writer_thread *t, const struct push_job *job, struct push_wish *out,
                     struct error *err)
{
    const mp_value *root = &t->doc.root;
    *out = (struct push_wish){STR_NULL, NULL};
    if (mp_parse(&t->doc, job->request.data, job->request.len) != STATUS_OK) {
        return error_set(err, STATUS_INVALID, "the request is no MessagePack");
    }
    const mp_value *key = mp_get(root, QUERY_ARG_KEY);
    out->events = mp_get(root, QUERY_ARG_EVENTS);
    if (!mp_is_nil(key) &&
        (!mp_as_str(key, &out->key) || out->key.len == 0 || out->key.len > PUSH_SCOPED_KEY_MAX)) {
        return error_set(err, STATUS_INVALID, "`key` is a text of 1 to %d bytes",
                         PUSH_SCOPED_KEY_MAX);
    }
    if (!mp_is_array(out->events) || mp_count(out->events) == 0 ||
        mp_count(out->events) > PUSH_EVENTS_MAX) {
        return error_set(err, STATUS_INVALID, "`events` is an array of 1 to %d events",
                         PUSH_EVENTS_MAX);
    }
    return STATUS_OK;
}

/* Adds a push to the transaction, and writes its reply. Returns what makes the transaction useless.
 */
static int add(struct writer_thread *t, struct push_job *job, wall_time now, struct error *err)
{
    struct push_wish wish;
    struct push_outcome outcome;
    int status = read_wish(t, job, &wish, err);
    if (status == STATUS_OK) {
        status = push_table_add(t->table, &wish, now, &outcome, err);
    }
    if (status == STATUS_OK) {
        job->events = outcome.events;
        job->repeated = outcome.repeated;
        const struct answer_pushed pushed = {
            .source = str_of(t->writer->source->name),
            .first = outcome.first,
            .count = outcome.events,
            .repeated = outcome.repeated,
        };
        answer_put_pushed(&job->reply, &pushed);
        return STATUS_OK;
    }
    refuse(job, status, err);
    return status == STATUS_INVALID || status == STATUS_DENIED ? STATUS_OK : status;
}

static int open_table(struct writer_thread *t, struct error *err)
{
    return t->table != NULL ? STATUS_OK : push_table_open(t->writer->source->path, &t->table, err);
}

/* Writes the jobs in one transaction. Returns how many it took; all of them are answered. */
static size_t write_group(struct writer_thread *t)
{
    struct error err = {{0}};
    const wall_time now = clock_wall();
    size_t count = 0;
    size_t bytes = 0;
    int status = open_table(t, &err);
    if (status == STATUS_OK) {
        status = push_table_begin(t->table, &err);
    }
    for (struct push_job *job = t->first;
         status == STATUS_OK && job != NULL && count < GROUP_JOBS && bytes < GROUP_BYTES;
         job = job->next) {
        status = add(t, job, now, &err);
        bytes += job->request.len;
        count++;
    }
    if (status == STATUS_OK) {
        status = push_table_commit(t->table, &err);
    }
    if (status == STATUS_OK) {
        atomic_fetch_add(&t->writer->commits, 1);
        return count;
    }
    /* Nothing of it is stored. The file is opened anew, as after any failure of a disk. */
    atomic_fetch_add(&t->writer->failed, 1);
    log_warn("pushed events cannot be stored: %s", err.text);
    push_table_close(&t->table);
    count = 0;
    for (struct push_job *job = t->first; job != NULL; job = job->next) {
        refuse(job, status == STATUS_FULL ? STATUS_FULL : STATUS_IO, &err);
        count++;
    }
    return count;
}

static void give_back(struct writer_thread *t, size_t count)
{
    for (struct push_job *job = t->first; count > 0 && job != NULL; job = t->first, count--) {
        t->first = job->next;
        if (t->first == NULL) {
            t->end = &t->first;
        }
        job->next = NULL;
        handover_give(job);
        zmq_send(t->socket, &job, sizeof(struct push_job *), 0);
    }
}

/* Takes all that has come; with a timeout, waits for the first one. NULL tells it to stop. */
static void take_jobs(struct writer_thread *t, int timeout_ms)
{
    zmq_pollitem_t item = {t->socket, 0, ZMQ_POLLIN, 0};
    while (!t->stop && zmq_poll(&item, 1, timeout_ms) > 0) {
        struct push_job *job = NULL;
        if (zmq_recv(t->socket, &job, sizeof(struct push_job *), 0) !=
            (int)sizeof(struct push_job *)) {
            continue;
        }
        if (job == NULL) {
            t->stop = true;
            return;
        }
        handover_take(job);
        *t->end = job;
        t->end = &job->next;
        timeout_ms = 0;
    }
}

static int sweep_interval_ms(const struct config_source *source)
{
    const int64_t tenth = source->keep_ms / 10;
    return (int)(tenth < SWEEP_MIN_MS ? SWEEP_MIN_MS : tenth < SWEEP_MAX_MS ? tenth : SWEEP_MAX_MS);
}

static void sweep(struct writer_thread *t)
{
    struct push_writer *writer = t->writer;
    struct error err = {{0}};
    const wall_time now = clock_wall();
    const uint64_t saved = atomic_load(&writer->saved);
    const wall_time before = {now.us - writer->source->keep_ms * US_PER_MS};
    const wall_time keys_before = {now.us - PUSH_KEY_KEPT_MS * US_PER_MS};
    struct push_swept swept;
    t->sweep_at = mono_add_ms(clock_mono(), sweep_interval_ms(writer->source));
    if (saved == 0) {
        return; /* it is not for us to delete: no tile has been saved */
    }
    if (open_table(t, &err) != STATUS_OK ||
        push_table_sweep(t->table, before, (int64_t)saved, keys_before, SWEEP_ROWS, &swept, &err) !=
            STATUS_OK) {
        log_warn("pushed events that are too old cannot be deleted: %s", err.text);
        push_table_close(&t->table);
        return;
    }
    atomic_fetch_add(&writer->deleted, swept.events);
    if (swept.more) {
        t->sweep_at = clock_mono();
    }
}

static void writer_thread_main(zsock_t *pipe, void *arg)
{
    struct writer_thread t = {.writer = arg, .socket = zsock_resolve(pipe)};
    t.end = &t.first;
    handover_take(arg);
    mp_doc_init(&t.doc);
    zsock_signal(pipe, 0);
    while (!t.stop) {
        take_jobs(&t, t.first != NULL ? 0 : mono_ms_until(clock_mono(), t.sweep_at, SWEEP_MAX_MS));
        if (t.first != NULL) {
            give_back(&t, write_group(&t));
        }
        if (!t.stop && clock_mono().us >= t.sweep_at.us) {
            sweep(&t);
        }
    }
    while (t.first != NULL) { /* they were not stored, and nobody was told that they were */
        struct push_job *job = t.first;
        t.first = job->next;
        push_job_destroy(&job);
    }
    push_table_close(&t.table);
    mp_doc_free(&t.doc);
    handover_give(arg);
    struct push_job *none = NULL;
    zmq_send(t.socket, &none, sizeof(struct push_job *), 0);
}

/* ---- The main thread ---- */

struct push_writer *push_writer_create(const struct config_source *source)
{
    struct push_writer *writer = x_calloc(1, sizeof *writer);
    writer->source = source;
    handover_give(writer);
    writer->actor = zactor_new(writer_thread_main, writer);
    return writer;
}

void *push_writer_socket(const struct push_writer *writer)
{
    return zsock_resolve(writer->actor);
}

static void send_job(struct push_writer *writer, struct push_job *job)
{
    handover_give(job);
    zmq_send(push_writer_socket(writer), &job, sizeof(struct push_job *), 0);
}

void push_writer_destroy(struct push_writer **writer_p)
{
    struct push_writer *writer = *writer_p;
    if (writer == NULL) {
        return;
    }
    send_job(writer, NULL);
    for (;;) { /* what it gives back until it has ended is ours to free */
        struct push_job *job = NULL;
        if (zmq_recv(push_writer_socket(writer), &job, sizeof(struct push_job *), 0) > 0 &&
            job == NULL) {
            break;
        }
        handover_take(job);
        push_job_destroy(&job);
    }
    handover_take(writer);
    zactor_destroy(&writer->actor);
    free(writer);
    *writer_p = NULL;
}

bool push_writer_give(struct push_writer *writer, struct push_job *job)
{
    if (writer->jobs == PUSH_JOBS_MAX || writer->bytes + job->request.len > PUSH_JOBS_BYTES_MAX) {
        return false;
    }
    writer->jobs++;
    writer->bytes += job->request.len;
    send_job(writer, job);
    return true;
}

struct push_job *push_writer_take(struct push_writer *writer)
{
    struct push_job *job = NULL;
    if (zmq_recv(push_writer_socket(writer), &job, sizeof(struct push_job *), ZMQ_DONTWAIT) !=
        (int)sizeof(struct push_job *)) {
        return NULL;
    }
    handover_take(job);
    writer->jobs--;
    writer->bytes -= job->request.len;
    return job;
}

void push_writer_saved(struct push_writer *writer, uint64_t id)
{
    atomic_store(&writer->saved, id);
}

struct push_counters push_writer_counters(const struct push_writer *writer)
{
    return (struct push_counters){atomic_load(&writer->commits), atomic_load(&writer->deleted),
                                  atomic_load(&writer->failed)};
}
