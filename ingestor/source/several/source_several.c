/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Several sources as one, so that the fold, and all after it, sees one order of rows. Each has a
 * thread of its own (several_child.h). A batch of one of them is a batch of all, in the order in
 * which they come; that order is journaled (several_state.h), because nobody can tell it later on.
 */
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <utlist.h>

#include "common/base/fnv.h"
#include "common/base/xalloc.h"
#include "common/program/log.h"
#include "common/state/table.h"
#include "ingestor/source/batch.h"
#include "ingestor/source/one_source.h"
#include "ingestor/source/several/several_again.h"
#include "ingestor/source/several/several_event.h"
#include "ingestor/source/several/several_past.h"
#include "ingestor/source/several/several_room.h"
#include "ingestor/source/several/source_several.h"

#define PATIENCE_MS 5000
#define TURN_MS 100

static struct several_source *several_of(struct source *source)
{
    return (struct several_source *)source;
}

void source_several_wait_for(struct source *source, int64_t patience_ms)
{
    struct several_source *s = several_of(source);
    s->patience_ms = patience_ms;
    s->patience = mono_add_ms(clock_mono(), patience_ms);
}

/* ---- Opening and closing ---- */

static void stop_children(struct several_source *s)
{
    for (size_t i = 0; i < s->count; i++) {
        several_child_tell_stop(&s->children[i]);
    }
    for (size_t i = 0; i < s->count; i++) {
        struct batch *batch;
        several_child_stop(&s->children[i]);
        while ((batch = s->taken[i].list) != NULL) {
            DL_DELETE(s->taken[i].list, batch);
            batch_destroy(&batch);
        }
        s->taken[i].bytes = 0;
        s->pending[i] = 0;
    }
    s->count = 0;
}

static void several_close(struct source *source)
{
    struct several_source *s = several_of(source);
    stop_children(s);
    several_state_free(&s->state);
    buf_free(&s->plan);
    if (s->told_fd >= 0) {
        close(s->told_fd);
    }
    free(s);
}

/* Which table it reads, in the words of its kind: the state of another kind means nothing to it. */
static uint64_t table_of(const struct several_child *child, const struct config_source *source)
{
    return fnv1a(state_table(source), str_of(child->ops->scheme));
}

static int start_child(struct several_source *s, size_t index, struct str journal, uint64_t epoch,
                       struct error *err)
{
    const struct config_source *source = &s->config->sources[index];
    struct several_child *child = &s->children[index];
    struct buf own = {0};
    *child = (struct several_child){.config = *s->config, .told_fd = s->told_fd};
    child->config.source = *source;
    child->ops = one_source_find(&child->config);
    const bool begun = several_state_begun(&s->state, source->name);
    child->place = several_state_place(&s->state, source->name, table_of(child, source));
    const struct several_place *place = &s->state.places[child->place];
    if (begun && place->state.len == 0) {
        log_warn("source %s reads another table than it did: tiles that count its rows are built "
                 "anew",
                 source->name);
        s->anew |= UINT64_C(1) << index;
    }
    if (journal.p != NULL) {
        several_record_journal(journal, source->name, &own);
    }
    const struct str state = place->state.len != 0 ? buf_str(&place->state) : STR_NULL;
    const struct str known = journal.p == NULL ? STR_NULL : own.len != 0 ? buf_str(&own) : STR("");
    const int status = several_child_start(child, state, known, epoch, err);
    buf_free(&own);
    s->count++; /* also one without a thread is to be stopped */
    return status;
}

static int start_children(struct several_source *s, struct str journal, uint64_t epoch,
                          struct error *err)
{
    int status = STATUS_OK;
    for (size_t i = 0; i < s->config->source_count && status == STATUS_OK; i++) {
        status = start_child(s, i, journal, epoch, err);
    }
    s->patience = mono_add_ms(clock_mono(), s->patience_ms);
    return status;
}

static void load_state(struct several_source *s, struct str state, struct str journal)
{
    if (state.p == NULL) {
        return;
    }
    const bool good = several_state_load(&s->state, state);
    const size_t forgotten = good ? several_make_room(&s->state, s->config) : 0;
    if (forgotten != 0) {
        log_info("the state knows %d sources, and has room for no more: of those that are not "
                 "configured any more the %zu that went first are forgotten",
                 SEVERAL_PLACES_MAX, forgotten);
    }
    if (!good) {
        log_warn("the checkpoint's place in the sources is that of another version: all tiles are "
                 "built again from them");
        several_state_free(&s->state);
        s->state.origin = source_new_origin(0);
        s->restarted = true;
    } else if (!several_again_open(s, journal)) {
        log_warn("records are missing in the journal, so the order of delivery since the "
                 "checkpoint is not known: streams begin anew, and tiles go on");
        buf_free(&s->plan);
        several_state_lose_order(&s->state);
    } else {
        s->history_due = true;
    }
}

static int several_open(const struct config *config, struct str state, struct str journal,
                        uint64_t epoch, struct source **out, struct error *err)
{
    struct several_source *s = x_calloc(1, sizeof *s);
    s->base.ops = &source_several;
    s->config = config;
    s->promised = true;
    s->patience_ms = PATIENCE_MS;
    s->state.origin = epoch;
    s->told_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    s->state.keep = config->ingestor.events;
    load_state(s, state, journal);
    s->state.keep = config->ingestor.events;
    int status = s->told_fd >= 0
                     ? STATUS_OK
                     : error_set(err, STATUS_IO, "no eventfd can be made: out of descriptors");
    if (status == STATUS_OK) {
        status = start_children(s, journal, epoch, err);
    }
    if (s->anew != 0) {
        (void)several_state_renumber(&s->state);
    }
    if (status != STATUS_OK) {
        several_close(&s->base);
        return status;
    }
    *out = &s->base;
    return STATUS_OK;
}

/* ---- Reading ---- */

/* The next batch of the child that is to be delivered; NULL: there is none. */
static struct batch *next_of(struct several_source *s, size_t child)
{
    if (s->taken[child].list == NULL) {
        (void)several_take(s, child);
    }
    struct batch *batch = s->taken[child].list;
    if (batch != NULL) {
        DL_DELETE(s->taken[child].list, batch);
        s->taken[child].bytes -= batch_bytes(batch);
    }
    if (batch != NULL && batch->history) {
        batch_destroy(&batch); /* The log has begun without it: the child was down. */
    }
    return batch;
}

/* Destroys the child's batch. */
static void deliver(struct several_source *s, size_t child, struct batch *from, struct batch **out)
{
    struct buf change = {0};
    struct buf journal = {0};
    struct batch *batch = several_batch(s);
    const size_t place = s->children[child].place;
    if (from->restarted && s->state.places[place].state.len != 0) {
        several_state_anew(&s->state, place);
        batch->anew_of = UINT64_C(1) << child;
    }
    const struct several_news news = {from->origin, from->count != 0 ? from->events[0].ordinal : 0,
                                      from->ordinal, from->count};
    const struct several_run run = several_state_advance(&s->state, place, &news);
    const bool again = s->state.places[place].again;
    for (size_t i = 0; i < from->count; i++) {
        several_event_add(s->config, child, &from->events[i],
                          several_ordinal(&run, from->events[i].ordinal), batch)
            ->redelivered = again ? s->state.origin : 0;
    }
    s->state.places[place].again = again && from->more;
    if (run.to != run.from || from->journal.len != 0) {
        s->state.record++;
        several_record_put(&s->state, &run, 1, from->journal, &journal);
    }
    several_note(s, child, from, &run, batch, &change);
    batch_destroy(&from);
    several_finish(s, batch, &change, buf_str(&journal));
    buf_free(&change);
    buf_free(&journal);
    *out = batch;
}

/* The others have delivered since what the database that went back has lost, so all go on from what
 * was saved, as a single source does. */
static int check_lost(struct several_source *s, struct error *err)
{
    for (size_t i = 0; i < s->count; i++) {
        if (several_child_lost_past(&s->children[i])) {
            s->base.other_past = true;
            return error_set(err, STATUS_IO,
                             "the database of source %s may have lost rows that were read, as "
                             "after a failover or when it was restored",
                             s->config->sources[i].name);
        }
    }
    return STATUS_OK;
}

static void read_next(struct several_source *s, struct batch **out)
{
    for (size_t i = 0; i < s->count; i++) {
        const size_t child = (s->next + i) % s->count;
        struct batch *from = next_of(s, child);
        if (from == NULL) {
            continue;
        }
        s->next = child + 1;
        deliver(s, child, from, out);
        return;
    }
}

static int several_read(struct source *source, size_t max_rows, struct batch **out,
                        struct error *err)
{
    struct several_source *s = several_of(source);
    uint64_t told;
    (void)max_rows; /* Batches are those of the children. */
    (void)!read(s->told_fd, &told, sizeof told);
    *out = NULL;
    if (s->history_due) {
        s->history_due = false;
        several_again_history(s, out);
        return STATUS_OK;
    }
    if (s->plan.len != 0) {
        several_again_plan(s, out);
        if (*out != NULL) {
            return STATUS_OK;
        }
    }
    const int status = check_lost(s, err);
    if (status == STATUS_OK) {
        read_next(s, out);
    }
    if (status == STATUS_OK && *out == NULL && s->promised) {
        const struct buf nothing = {0};
        struct pollfd item = {.fd = s->told_fd, .events = POLLIN};
        (void)poll(&item, 1, several_is_behind(s) ? TURN_MS : 0);
        *out = several_batch(s);
        several_finish(s, *out, &nothing, STR(""));
    }
    return status;
}

static int several_wait(struct source *source, int wake_fd, int timeout_ms, bool *woken,
                        struct error *err)
{
    struct several_source *s = several_of(source);
    struct pollfd items[] = {{.fd = s->told_fd, .events = POLLIN},
                             {.fd = wake_fd, .events = POLLIN}};
    (void)err;
    *woken = poll(items, 2, timeout_ms) > 0 && items[0].revents != 0;
    return STATUS_OK;
}

/* What it has of a source whose table is another one now means nothing. */
static bool several_part_is_newer(const struct config *config, struct str saved)
{
    struct several_state state = {0};
    bool newer = false;
    const bool good = several_state_load(&state, saved);
    for (size_t i = 0; i < config->source_count && good && !newer; i++) {
        struct several_child child = {.config = *config};
        child.config.source = config->sources[i];
        child.ops = one_source_find(&child.config);
        const struct several_place *place = several_state_known(
            &state, config->sources[i].name, table_of(&child, &config->sources[i]));
        newer = place != NULL && place->state.len != 0 &&
                child.ops->state_is_newer(buf_str(&place->state));
    }
    several_state_free(&state);
    return newer;
}

uint64_t source_several_unknown(const struct config *config, struct str saved)
{
    struct several_state state = {0};
    uint64_t unknown = 0;
    const bool good = several_state_load(&state, saved);
    for (size_t i = 0; i < config->source_count && good; i++) {
        unknown |= (uint64_t)!several_state_begun(&state, config->sources[i].name) << i;
    }
    several_state_free(&state);
    return unknown;
}

static uint64_t several_renumber(struct source *source)
{
    return several_state_renumber(&several_of(source)->state);
}

static void several_lag(struct source *source, struct lag *out)
{
    struct several_source *s = several_of(source);
    for (size_t i = 0; i < s->count; i++) {
        struct several_child *child = &s->children[i];
        pthread_mutex_lock(&child->mutex);
        const struct lag own = child->lag;
        pthread_mutex_unlock(&child->mutex);
        if (own.known) {
            lag_add(out, str_of(s->config->sources[i].name), own.messages);
            out->missing += own.missing;
        }
    }
}

static uint64_t several_missing(struct source *source)
{
    struct several_source *s = several_of(source);
    uint64_t missing = 0;
    for (size_t i = 0; i < s->count; i++) {
        const struct several_standing standing = several_child_standing(&s->children[i]);
        if (standing.down || !s->state.places[s->children[i].place].read_once) {
            missing |= UINT64_C(1) << i;
        }
    }
    return missing;
}

static bool several_trouble(struct source *source, size_t *which, struct error *why)
{
    struct several_source *s = several_of(source);
    for (size_t i = 0; i < s->count; i++) {
        if (several_child_trouble(&s->children[i], why)) {
            *which = i;
            return true;
        }
    }
    return false;
}

const struct source_ops source_several = {
    .scheme = "several",
    .journals = true,
    .open = several_open,
    .close = several_close,
    .open_past = several_past_open,
    .state_is_newer = several_state_is_newer,
    .part_is_newer = several_part_is_newer,
    .read = several_read,
    .wait = several_wait,
    .lag = several_lag,
    .missing = several_missing,
    .trouble = several_trouble,
    .renumber = several_renumber,
};
