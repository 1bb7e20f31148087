/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/ingestor_build.h"

#include <string.h>

#include "common/program/log.h"
#include "ingestor/fold/fold_put_off.h"
#include "ingestor/ingestor_clock.h"
#include "ingestor/ingestor_publish.h"
#include "ingestor/source/sources.h"

/* Rows that were put off are read again for a fifth of the time at most. A producer whose clock is
 * always ahead has so many of them that another reading is due as soon as one has ended. */
#define PUT_OFF_SHARE 5

static void fold_past(struct ingestor *ingestor, struct batch *batch)
{
    struct ingestor_build *build = &ingestor->build;
    const struct moment now = ingestor_now(ingestor);
    build->rows += batch->count;
    build->gone |= batch_gone(batch);
    dedupe_past(ingestor->dedupe, batch);
    for (size_t i = 0; i < batch->count; i++) {
        build->rows_of[batch->events[i].source]++;
        if (build->put_off) {
            fold_put_off_event(ingestor->fold, &batch->events[i], now);
        } else {
            fold_build_event(ingestor->fold, &batch->events[i], now);
        }
    }
    if (build->put_off) {
        fold_put_off_progress(ingestor->fold, batch->state, batch->progress, now);
        ingestor->saving.unsaved = true;
    } else {
        fold_build_progress(ingestor->fold, batch->progress, now);
    }
}

/* Tells what has become of tiles that were built anew: what they showed before, and do not any
 * more, is gone for everybody. */
static void publish_anew(struct ingestor *ingestor)
{
    ingestor_publish_all(ingestor, ingestor_now(ingestor));
    ingestor->build.anew = false;
}

/* What was put off has come, as far as it is still there; not even that, without `all`. */
static void finish_put_off(struct ingestor *ingestor, bool all)
{
    struct ingestor_build *build = &ingestor->build;
    const struct moment now = ingestor_now(ingestor);
    uint64_t sources;
    const uint64_t missing = fold_put_off_end(ingestor->fold, &sources, now);
    build->put_off_at.us = now.mono.us + (now.mono.us - build->begun.us) * (PUT_OFF_SHARE - 1);
    ingestor->saving.unsaved = true;
    ingestor->saving.at_once = true; /* a crash would cost the work */
    if (!all || missing != 0) {
        log_warn("%llu rows whose timestamps were in the future, and which were too many to wait, "
                 "are gone now that their time has come: the tiles say \"complete\": false",
                 (unsigned long long)missing);
        fold_sources_gone(ingestor->fold, all ? sources : UINT64_MAX, now);
    } else {
        log_info("rows from the future that were too many to wait are read again, their time has "
                 "come");
    }
    ingestor_build_stop(ingestor);
}

/* The rows of the past have all come. */
static void finish(struct ingestor *ingestor)
{
    struct ingestor_build *build = &ingestor->build;
    uint64_t gone = build->gone;
    if (config_has_sources(ingestor->config)) {
        gone |= ingestor->source.gone; /* of one that was read for the first time meanwhile */
    }
    for (size_t i = 0; i < CONFIG_SOURCES_MAX; i++) {
        gone |= (uint64_t)(build->rows_of[i] < build->expected[i]) << i;
    }
    const bool complete = gone == 0;
    fold_build_end(ingestor->fold, gone, ingestor_now(ingestor));
    ingestor->saving.unsaved = true;
    ingestor->saving.at_once = true; /* a crash would cost the work */
    if (build->anew && fold_builds(ingestor->fold) == 0) {
        publish_anew(ingestor);
    }
    if (build->returning) {
        log_info("tiles that have come back are up to date, after %llu rows",
                 (unsigned long long)build->rows);
    } else if (complete) {
        log_info("new tiles are built, from %llu rows", (unsigned long long)build->rows);
    } else {
        log_warn(
            "new tiles are built, from %llu rows that are still there; older ones are gone, so "
            "these tiles say \"complete\": false",
            (unsigned long long)build->rows);
    }
    ingestor_build_stop(ingestor);
}

static int on_past(zloop_t *loop, zmq_pollitem_t *item, void *arg)
{
    (void)loop;
    (void)item;
    struct ingestor *ingestor = arg;
    struct past_message message;
    if (!past_receive(ingestor->build.past, &message)) {
        return 0;
    }
    switch (message.kind) {
    case PAST_BATCH: {
        const bool more = message.batch->more;
        fold_past(ingestor, message.batch);
        batch_destroy(&message.batch);
        past_credit(ingestor->build.past);
        if (!more && ingestor->build.put_off) {
            finish_put_off(ingestor, true);
            ingestor_build_next(ingestor);
        } else if (!more) {
            finish(ingestor);
            ingestor_build_next(ingestor);
        }
        break;
    }
    case PAST_DOWN:
        log_warn("%s; tiles that are being built wait until it can be read", message.error.text);
        break;
    case PAST_REFUSED:
        if (ingestor->build.put_off) {
            log_warn("%s", message.error.text);
            finish_put_off(ingestor, false);
            ingestor_build_next(ingestor);
            break;
        }
        log_warn("%s: it is built anew from the rows that are there", message.error.text);
        fold_build_anew(ingestor->fold);
        ingestor->build.anew = true;
        ingestor_build_stop(ingestor);
        ingestor_build_next(ingestor);
        break;
    case PAST_STOPPED:
        break;
    }
    ingestor_flush(ingestor, ingestor_now(ingestor));
    return 0;
}

/* Whether rows that were put off may be read again: what was folded before is saved first. */
static bool may_read_put_off(const struct ingestor *ingestor, mono_time now)
{
    const struct ingestor_saving *saving = &ingestor->saving;
    return now.us >= ingestor->build.put_off_at.us && !saving->at_once && !saving->under_way;
}

/* Has the rows read between the states, behind what was done. */
static void read_past(struct ingestor *ingestor, struct str from, struct str to, struct str done)
{
    struct ingestor_build *build = &ingestor->build;
    if (from.len == 0) {
        dedupe_past_begin(ingestor->dedupe);
    }
    build->past = past_create(ingestor->config, sources_find(ingestor->config), from, to, done);
    zmq_pollitem_t item = {past_socket(build->past), 0, ZMQ_POLLIN, 0};
    zloop_poller(ingestor->loop, &item, on_past, ingestor);
    zloop_poller_set_tolerant(ingestor->loop, &item);
}

/* Begins to read what was put off, or goes on with it. False: there is nothing to read by now. */
static bool read_put_off(struct ingestor *ingestor, struct moment now)
{
    struct ingestor_build *build = &ingestor->build;
    const struct put_off *reading = fold_put_off_reading(ingestor->fold);
    const bool resumed = reading != NULL;
    if (!resumed && (!may_read_put_off(ingestor, now.mono) ||
                     !fold_put_off_begin(ingestor->fold, buf_str(&ingestor->source.state), now))) {
        return false;
    }
    reading = fold_put_off_reading(ingestor->fold);
    *build = (struct ingestor_build){
        .put_off = true, .anew = build->anew, .begun = now.mono, .put_off_at = build->put_off_at};
    read_past(ingestor, STR(""), buf_str(&reading->to), buf_str(&reading->done));
    log_info(resumed ? "reading the rows again that were too many to wait goes on"
                     : "rows from the future were too many to wait, and their time has come: they "
                       "are read again beside the others");
    return true;
}

void ingestor_build_next(struct ingestor *ingestor)
{
    struct ingestor_build *build = &ingestor->build;
    struct str from;
    if (build->past != NULL) {
        return;
    }
    const struct moment now = ingestor_now(ingestor);
    if (read_put_off(ingestor, now) || !fold_build_next(ingestor->fold, now, &from)) {
        return;
    }
    *build = (struct ingestor_build){.returning = from.len != 0,
                                     .anew = build->anew,
                                     .begun = now.mono,
                                     .put_off_at = build->put_off_at};
    if (!build->returning) {
        memcpy(build->expected, ingestor->source.delivered_of, sizeof build->expected);
    }
    read_past(ingestor, from, buf_str(&ingestor->source.state), STR(""));
    log_info("%zu tile definitions are new or have come back: they are built beside the others, "
             "which go on",
             fold_builds(ingestor->fold));
}

void ingestor_build_stop(struct ingestor *ingestor)
{
    struct ingestor_build *build = &ingestor->build;
    if (build->past != NULL) {
        if (ingestor->loop != NULL) {
            zmq_pollitem_t item = {past_socket(build->past), 0, ZMQ_POLLIN, 0};
            zloop_poller_end(ingestor->loop, &item);
        }
        past_destroy(&build->past);
        dedupe_past_end(ingestor->dedupe);
    }
}
