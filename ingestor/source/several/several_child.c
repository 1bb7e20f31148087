/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/source/several/several_child.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <utlist.h>

#include "ingestor/source/batch.h"

#define READ_ROWS 4000 /* rows of a batch */
#define WAKE_MS 1000   /* the longest sleep */
#define MEASURE_MS 500 /* how often its lag is looked at */
#define RETRY_FIRST_MS 100
#define RETRY_MAX_MS 5000

static void ring(int fd)
{
    static const uint64_t one = 1;
    (void)!write(fd, &one, sizeof one);
}

/* ---- The thread ---- */

static bool stops(struct several_child *c)
{
    pthread_mutex_lock(&c->mutex);
    const bool stop = c->stop;
    pthread_mutex_unlock(&c->mutex);
    return stop;
}

static void note_down(struct several_child *c, const struct error *why)
{
    pthread_mutex_lock(&c->mutex);
    c->told = c->told && c->down && strcmp(c->why.text, why->text) == 0;
    c->down = true;
    c->tried = true;
    c->why = *why;
    pthread_mutex_unlock(&c->mutex);
    ring(c->told_fd);
}

static void note_up(struct several_child *c, bool at_end)
{
    pthread_mutex_lock(&c->mutex);
    const bool news = c->down || !c->tried || (at_end && !c->caught_up);
    c->down = false;
    c->tried = true;
    c->caught_up = c->caught_up || at_end;
    pthread_mutex_unlock(&c->mutex);
    if (news) {
        ring(c->told_fd);
    }
}

static void fail(struct several_child *c, const struct error *why)
{
    if (c->source != NULL) {
        c->source->ops->close(c->source);
        c->source = NULL;
    }
    note_down(c, why);
    struct pollfd item = {.fd = c->stop_fd, .events = POLLIN};
    (void)poll(&item, 1, (int)backoff_next_ms(&c->backoff));
}

static void open_source(struct several_child *c)
{
    struct error err = {{0}};
    const struct str state = c->has_state ? buf_str(&c->state) : STR_NULL;
    const struct str journal = !c->journal_whole     ? STR_NULL
                               : c->journal.len != 0 ? buf_str(&c->journal)
                                                     : STR("");
    if (c->ops->open(&c->config, state, journal, c->epoch, &c->source, &err) != STATUS_OK) {
        c->source = NULL;
        fail(c, &err);
        return;
    }
    pthread_mutex_lock(&c->mutex);
    c->lost_past = c->lost_past || (c->source->other_past && c->opened_before);
    pthread_mutex_unlock(&c->mutex);
}

/* Takes the batch over, and waits until there is room for it. A place of its own goes on behind it
 * when the source has to be opened again. */
static void hand_on(struct several_child *c, struct batch *batch)
{
    if (batch->restarted || !c->journal_whole) {
        buf_clear(&c->journal);
        c->journal_whole = true;
    }
    if (!batch->state_appends) {
        buf_clear(&c->state);
    }
    buf_append_str(&c->state, batch->state);
    c->has_state = true;
    pthread_mutex_lock(&c->mutex);
    while (!c->stop && c->queue_bytes > SEVERAL_QUEUE_BYTES) {
        pthread_cond_wait(&c->room, &c->mutex);
    }
    c->queue_bytes += batch_bytes(batch);
    DL_APPEND(c->queue, batch);
    pthread_mutex_unlock(&c->mutex);
    ring(c->told_fd);
}

/* Returns false when there is nothing more to read at once. */
static bool read_source(struct several_child *c)
{
    struct error err = {{0}};
    struct batch *batch = NULL;
    if (c->source->ops->read(c->source, READ_ROWS, &batch, &err) != STATUS_OK) {
        fail(c, &err);
        return true;
    }
    const bool more = batch != NULL && (batch->more || batch->history);
    backoff_reset(&c->backoff);
    if (batch != NULL && batch->history && c->opened_before) {
        batch_destroy(&batch); /* It was delivered when the source was opened first. */
    }
    if (batch != NULL) {
        hand_on(c, batch);
    }
    c->opened_before = c->opened_before || !more;
    note_up(c, !more);
    return more;
}

static void wait_source(struct several_child *c)
{
    struct error err = {{0}};
    const mono_time until = mono_add_ms(clock_mono(), c->config.source.poll_interval_ms);
    bool woken = false;
    int status = STATUS_OK;
    while (status == STATUS_OK && !woken && !stops(c) && clock_mono().us < until.us) {
        const int wait_ms = mono_ms_until(clock_mono(), until, WAKE_MS);
        status = c->source->ops->wait(c->source, c->stop_fd, wait_ms, &woken, &err);
    }
    if (status != STATUS_OK) {
        fail(c, &err);
    }
}

static void measure(struct several_child *c, mono_time *at)
{
    const mono_time now = clock_mono();
    struct lag lag = {0};
    if (c->source == NULL || c->source->ops->lag == NULL || now.us < at->us) {
        return;
    }
    *at = mono_add_ms(now, MEASURE_MS);
    c->source->ops->lag(c->source, &lag);
    pthread_mutex_lock(&c->mutex);
    c->lag = lag;
    pthread_mutex_unlock(&c->mutex);
}

static void *run(void *arg)
{
    struct several_child *c = arg;
    mono_time measure_at = {0};
    bool more = true;
    while (!stops(c)) {
        if (c->source == NULL) {
            open_source(c);
            more = true;
        } else if (more) {
            more = read_source(c);
        } else {
            wait_source(c);
            more = true;
        }
        measure(c, &measure_at);
    }
    if (c->source != NULL) {
        c->source->ops->close(c->source);
    }
    return NULL;
}

/* ---- The reader's thread ---- */

int several_child_start(struct several_child *child, struct str state, struct str journal,
                        uint64_t epoch, struct error *err)
{
    child->stop_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    child->backoff = (struct backoff){
        .first_ms = RETRY_FIRST_MS, .max_ms = RETRY_MAX_MS, .random = (uint64_t)clock_wall().us};
    child->epoch = epoch;
    child->has_state = state.p != NULL;
    child->opened_before = false;
    child->journal_whole = journal.p != NULL;
    buf_append_str(&child->state, state);
    buf_append_str(&child->journal, journal);
    pthread_mutex_init(&child->mutex, NULL);
    pthread_cond_init(&child->room, NULL);
    if (child->stop_fd < 0 || pthread_create(&child->thread, NULL, run, child) != 0) {
        return error_set(err, STATUS_IO, "no thread can be made for source %s",
                         child->config.source.name);
    }
    child->running = true;
    return STATUS_OK;
}

void several_child_tell_stop(struct several_child *child)
{
    if (child->running) {
        pthread_mutex_lock(&child->mutex);
        child->stop = true;
        pthread_cond_signal(&child->room);
        pthread_mutex_unlock(&child->mutex);
        ring(child->stop_fd);
    }
}

void several_child_stop(struct several_child *child)
{
    if (child->running) {
        several_child_tell_stop(child);
        pthread_join(child->thread, NULL);
    }
    struct batch *batch;
    while ((batch = child->queue) != NULL) {
        DL_DELETE(child->queue, batch);
        batch_destroy(&batch);
    }
    if (child->stop_fd >= 0) {
        close(child->stop_fd);
    }
    pthread_cond_destroy(&child->room);
    pthread_mutex_destroy(&child->mutex);
    buf_free(&child->state);
    buf_free(&child->journal);
}

struct batch *several_child_take(struct several_child *child)
{
    pthread_mutex_lock(&child->mutex);
    struct batch *batch = child->queue;
    if (batch != NULL) {
        DL_DELETE(child->queue, batch);
        child->queue_bytes -= batch_bytes(batch);
        pthread_cond_signal(&child->room);
    }
    pthread_mutex_unlock(&child->mutex);
    return batch;
}

struct several_standing several_child_standing(struct several_child *child)
{
    pthread_mutex_lock(&child->mutex);
    const struct several_standing standing = {
        .waits = child->queue != NULL,
        .down = child->down,
        .tried = child->tried,
        .caught_up = child->caught_up,
    };
    pthread_mutex_unlock(&child->mutex);
    return standing;
}

bool several_child_trouble(struct several_child *child, struct error *why)
{
    pthread_mutex_lock(&child->mutex);
    const bool news = child->down && !child->told;
    if (news) {
        *why = child->why;
        child->told = true;
    }
    pthread_mutex_unlock(&child->mutex);
    return news;
}

bool several_child_lost_past(struct several_child *child)
{
    pthread_mutex_lock(&child->mutex);
    const bool lost = child->lost_past;
    child->lost_past = false;
    pthread_mutex_unlock(&child->mutex);
    return lost;
}
