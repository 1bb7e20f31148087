/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the ingestor publishes: numbers deltas within their lane, turns whole values into patches
 * against what was published before, and keeps that, and the last events, for those who ask.
 *
 * Pure: frames go out through a callback.
 */
#ifndef INGESTOR_PUBLISH_PUBLISHER_H
#define INGESTOR_PUBLISH_PUBLISHER_H

#include "common/config/config.h"
#include "common/store/event.h"
#include "common/store/eventlog.h"
#include "common/store/store.h"
#include "common/wire/version.h"
#include "common/wire/wire.h"
#include "ingestor/fold/fold.h"

struct publisher_counters {
    uint64_t deltas;    /* patches and keyframes that say something new */
    uint64_t keyframes; /* that only refresh */
    uint64_t unchanged; /* tiles that the fold handed out though nothing had changed */
    uint64_t events;
};

struct publisher;

/* config is borrowed. send takes three frames, borrowed. */
struct publisher *publisher_create(const struct config *config,
                                   void (*send)(void *arg, const struct str frames[WIRE_FRAMES]),
                                   void *arg);
void publisher_destroy(struct publisher **publisher);

/* Sets the epoch of all that is published from now on; before the first delta. */
void publisher_begin(struct publisher *publisher, uint64_t epoch);

/* Where the source stands: put into the deltas that follow. */
void publisher_position(struct publisher *publisher, uint64_t ordinal, uint64_t origin);

/* A raw event. silent: only kept (events that were delivered before). */
void publisher_event(struct publisher *publisher, const struct event *event, struct moment now,
                     bool silent);

void publisher_tile(struct publisher *publisher, const struct fold_output *output,
                    struct moment now);

/* Removes each tile that was published before, but not since `mark` (see publisher_mark): after a
 * rebuild. */
uint32_t publisher_mark(struct publisher *publisher);
void publisher_sweep(struct publisher *publisher, uint32_t mark, struct moment now);

/* A beat on each lane we own. */
void publisher_beat(struct publisher *publisher, struct moment now);

struct store *publisher_store(const struct publisher *publisher);
struct eventlog *publisher_events(const struct publisher *publisher);
struct version publisher_last(const struct publisher *publisher, unsigned lane);
const char *publisher_position_text(const struct publisher *publisher);
const struct publisher_counters *publisher_counters(const struct publisher *publisher);

#endif
