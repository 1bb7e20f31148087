/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/ingestor_past.h"

/* An order that could not be kept has a new origin. */
static void note_first(struct ingestor *ingestor, const struct batch *batch)
{
    struct ingestor_source *source = &ingestor->source;
    source->told = true;
    source->continues = batch->runs_on && !batch->restarted ? source->saved_epoch : 0;
    source->accounted = batch->accounted;
    source->redelivers = ingestor->phase == INGESTOR_RESUMING && !batch->restarted &&
                         batch->origin != source->origin && !config_has_sources(ingestor->config);
}

/* Marks a row that comes again, and one that did so before this life. */
static void mark(struct snapshot_again *again, struct event *event, bool comes_again,
                 uint64_t origin)
{
    if (comes_again || event->redelivered != 0) {
        again->first = again->last == 0 ? event->ordinal : again->first;
        again->last = event->ordinal;
    }
    const bool is = event->ordinal >= again->first && event->ordinal <= again->last;
    event->redelivered = is ? origin : 0;
}

void ingestor_note_past(struct ingestor *ingestor, struct batch *batch)
{
    struct ingestor_source *source = &ingestor->source;
    if (!source->told) {
        note_first(ingestor, batch);
    }
    if (batch->restarted) {
        source->again = (struct snapshot_again){0, 0};
    }
    const bool all = source->redelivers && !batch->history;
    for (size_t i = 0; i < batch->count; i++) {
        mark(&source->again, &batch->events[i], all, batch->origin);
    }
    /* Nothing behind the first end can have been delivered before. */
    source->redelivers = source->redelivers && (batch->history || batch->more);
}
