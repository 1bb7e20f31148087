/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/ingestor_build.h"

#include <string.h>

#include "common/program/log.h"
#include "ingestor/ingestor_clock.h"
#include "ingestor/ingestor_publish.h"
#include "ingestor/source/sources.h"

static void fold_past(struct ingestor *ingestor, struct batch *batch)
{
    struct ingestor_build *build = &ingestor->build;
    const struct moment now = ingestor_now(ingestor);
    build->rows += batch->count;
    build->gone |= batch_gone(batch);
    dedupe_past(ingestor->dedupe, batch);
    for (size_t i = 0; i < batch->count; i++) {
        build->rows_of[batch->events[i].source]++;
        fold_build_event(ingestor->fold, &batch->events[i], now);
    }
    fold_build_progress(ingestor->fold, batch->progress, now);
}

/* Tells what has become of tiles that were built anew: what they showed before, and do not any
 * more, is gone for everybody. */
static void publish_anew(struct ingestor *ingestor)
{
    ingestor_publish_all(ingestor, ingestor_now(ingestor));
    ingestor->build.anew = false;
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
        if (!more) {
            finish(ingestor);
            ingestor_build_next(ingestor);
        }
        break;
    }
    case PAST_DOWN:
        log_warn("%s; tiles that are being built wait until it can be read", message.error.text);
        break;
    case PAST_REFUSED:
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

void ingestor_build_next(struct ingestor *ingestor)
{
    struct ingestor_build *build = &ingestor->build;
    struct str from;
    if (build->past != NULL || !fold_build_next(ingestor->fold, ingestor_now(ingestor), &from)) {
        return;
    }
    *build = (struct ingestor_build){.returning = from.len != 0, .anew = build->anew};
    if (!build->returning) {
        dedupe_past_begin(ingestor->dedupe);
    }
    if (!build->returning) {
        memcpy(build->expected, ingestor->source.delivered_of, sizeof build->expected);
    }
    build->past = past_create(ingestor->config, sources_find(ingestor->config), from,
                              buf_str(&ingestor->source.state));
    zmq_pollitem_t item = {past_socket(build->past), 0, ZMQ_POLLIN, 0};
    zloop_poller(ingestor->loop, &item, on_past, ingestor);
    zloop_poller_set_tolerant(ingestor->loop, &item);
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
