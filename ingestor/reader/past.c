/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/reader/past.h"

#include <czmq.h>

#include "common/base/backoff.h"
#include "common/base/handover.h"
#include "common/base/xalloc.h"

#define READ_ROWS 1000 /* rows of a batch: folding them must not hold up what is new */
#define WAKE_MS 1000   /* the longest sleep */

enum command { COMMAND_CREDIT, COMMAND_STOP };

struct past {
    zactor_t *actor;
};

/* What the thread works with; its own from the start on. */
struct past_thread {
    const struct config *config;
    const struct source_ops *ops;
    struct buf from;
    struct buf to;
    struct buf done; /* the state of the last batch; empty: none was read */
    void *socket;    /* of the pipe */
    struct source *source;
    struct backoff backoff;
    mono_time open_at;
    unsigned credits;
    bool down; /* PAST_DOWN was told */
    bool over; /* there is nothing more to read */
    bool stop;
};

/* ---- The thread ---- */

static void tell(struct past_thread *t, const struct past_message *message)
{
    handover_give(message->batch);
    zmq_send(t->socket, message, sizeof *message, 0);
}

static void take_commands(struct past_thread *t, int timeout_ms)
{
    zmq_pollitem_t item = {t->socket, 0, ZMQ_POLLIN, 0};
    while (!t->stop && zmq_poll(&item, 1, timeout_ms) > 0) {
        enum command command;
        if (zmq_recv(t->socket, &command, sizeof command, 0) == (int)sizeof command) {
            t->credits += command == COMMAND_CREDIT;
            t->stop = command == COMMAND_STOP;
        }
        timeout_ms = 0;
    }
}

static void close_source(struct past_thread *t)
{
    if (t->source != NULL) {
        t->source->ops->close(t->source);
        t->source = NULL;
    }
}

/* Tries again later; or never, if what we were given is no good. */
static void fail(struct past_thread *t, int status, const struct error *err)
{
    struct past_message message = {.kind = PAST_DOWN, .error = *err};
    close_source(t);
    if (status == STATUS_INVALID) {
        message.kind = PAST_REFUSED;
        t->over = true;
    }
    if (!t->down || t->over) {
        tell(t, &message);
    }
    t->down = true;
    t->open_at = mono_add_ms(clock_mono(), backoff_next_ms(&t->backoff));
}

static void open_source(struct past_thread *t)
{
    struct error err = {{0}};
    const struct str from = t->from.len != 0 ? buf_str(&t->from) : STR_NULL;
    const struct str done = t->done.len != 0 ? buf_str(&t->done) : STR_NULL;
    const int status = t->ops->open_past(t->config, from, buf_str(&t->to), done, &t->source, &err);
    if (status != STATUS_OK) {
        t->source = NULL;
        fail(t, status, &err);
    }
}

static void read_source(struct past_thread *t)
{
    struct error err = {{0}};
    struct past_message message = {.kind = PAST_BATCH};
    const int status = t->source->ops->read(t->source, READ_ROWS, &message.batch, &err);
    if (status != STATUS_OK) {
        fail(t, STATUS_IO, &err);
        return;
    }
    t->down = false;
    backoff_reset(&t->backoff);
    buf_clear(&t->done);
    buf_append_str(&t->done, message.batch->state);
    t->over = !message.batch->more;
    t->credits--;
    tell(t, &message);
}

static void take_turn(struct past_thread *t)
{
    const int wait = t->source == NULL ? mono_ms_until(clock_mono(), t->open_at, WAKE_MS) : 0;
    take_commands(t, t->over || t->credits == 0 ? WAKE_MS : wait);
    if (t->stop || t->over || t->credits == 0) {
        return;
    }
    if (t->source != NULL) {
        read_source(t);
    } else if (clock_mono().us >= t->open_at.us) {
        open_source(t);
    }
}

static void thread_main(zsock_t *pipe, void *arg)
{
    struct past_thread t = *(const struct past_thread *)arg;
    t.socket = zsock_resolve(pipe);
    handover_give(arg);
    zsock_signal(pipe, 0); /* `arg` is gone from here on */
    while (!t.stop) {
        take_turn(&t);
    }
    close_source(&t);
    buf_free(&t.from);
    buf_free(&t.to);
    buf_free(&t.done);
    const struct past_message stopped = {.kind = PAST_STOPPED};
    tell(&t, &stopped);
}

/* ---- The main thread ---- */

struct past *past_create(const struct config *config, const struct source_ops *source,
                         struct str from, struct str to, struct str done)
{
    struct past *past = x_calloc(1, sizeof *past);
    struct past_thread thread = {
        .config = config,
        .ops = source,
        .backoff = {100, 5000, 0, (uint64_t)clock_wall().us},
        .credits = PAST_BATCHES,
    };
    buf_append_str(&thread.from, from);
    buf_append_str(&thread.to, to);
    buf_append_str(&thread.done, done);
    past->actor = zactor_new(thread_main, &thread); /* returns when it is read */
    handover_take(&thread);
    return past;
}

static void command(struct past *past, enum command command)
{
    zmq_send(past_socket(past), &command, sizeof command, 0);
}

void past_destroy(struct past **past_p)
{
    struct past *past = *past_p;
    if (past == NULL) {
        return;
    }
    struct past_message message = {.kind = PAST_BATCH};
    command(past, COMMAND_STOP);
    while (message.kind != PAST_STOPPED) { /* what it sends until then is ours to free */
        zmq_pollitem_t item = {past_socket(past), 0, ZMQ_POLLIN, 0};
        zmq_poll(&item, 1, -1);
        if (past_receive(past, &message) && message.batch != NULL) {
            batch_destroy(&message.batch);
        }
    }
    zactor_destroy(&past->actor);
    free(past);
    *past_p = NULL;
}

void *past_socket(const struct past *past)
{
    return zsock_resolve(past->actor);
}

bool past_receive(struct past *past, struct past_message *out)
{
    *out = (struct past_message){.kind = PAST_DOWN};
    if (zmq_recv(past_socket(past), out, sizeof *out, ZMQ_DONTWAIT) != (int)sizeof *out) {
        return false;
    }
    handover_take(out->batch);
    return true;
}

void past_credit(struct past *past)
{
    command(past, COMMAND_CREDIT);
}
