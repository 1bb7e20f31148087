/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the ingestor publishes: it gives each message a number within its lane, turns whole values
 * into patches against what was published before, and keeps that, and the last events, for those
 * who ask.
 *
 * Pure: frames go out through a callback, and the caller says what time it is. A publisher belongs
 * to one thread.
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

/* Each only grows. */
struct publisher_counters {
    uint64_t deltas;     /* patches, keyframes and removals that say something new */
    uint64_t keyframes;  /* keyframes that only refresh a tile */
    uint64_t unchanged;  /* tiles that the fold handed out though nothing had changed */
    uint64_t events;     /* raw events that were sent */
    uint64_t events_cut; /* those of them that were too large to be sent whole */
    uint64_t tiles_cut;  /* values of tiles that were */
};

struct publisher;

/* config is borrowed and must outlive the publisher. send gets each message's frames, which are
 * borrowed until it returns. The caller ends the publisher with publisher_destroy, which takes
 * NULL, too. */
struct publisher *publisher_create(const struct config *config,
                                   void (*send)(void *arg, const struct str frames[WIRE_FRAMES]),
                                   void *arg);
void publisher_destroy(struct publisher **publisher);

/* Sets the epoch of all that is published from now on. To be called before the first message. */
void publisher_begin(struct publisher *publisher, uint64_t epoch);

/* Sets where the source stands: the ordinal of the last event delivered, and the origin that it
 * counts from. Each message that follows says so. Another origin empties the event log. */
void publisher_set_position(struct publisher *publisher, uint64_t ordinal, uint64_t origin);

/* Keeps a raw event in the event log, and sends it unless it was there already. A silent one is
 * only kept, because it was sent in an earlier life. */
void publisher_event(struct publisher *publisher, const struct event *event, struct moment now,
                     bool silent);

/* Sends what the output says about its tile, if that is anything (see make_delta). */
void publisher_tile(struct publisher *publisher, const struct fold_output *output,
                    struct moment now);

/* After a rebuild, tiles that were published before may be no more:
 *
 *   mark = publisher_mark (publisher);
 *   … publisher_tile for each tile that there is …
 *   publisher_sweep (publisher, mark, now);
 *
 * publisher_mark begins a round and returns its number; publisher_sweep removes each tile that was
 * not published since that round began. */
uint32_t publisher_mark(struct publisher *publisher);
void publisher_sweep(struct publisher *publisher, uint32_t mark, struct moment now);

/* What the next heartbeats say of clocks. */
void publisher_set_clocks(struct publisher *publisher, const struct wire_clocks *clocks);

/* What the next heartbeats of lane 0 say of how far the source is behind. */
void publisher_set_lag(struct publisher *publisher, const struct lag *lag);

/* What they say of which of several sources are read. */
void publisher_set_sources(struct publisher *publisher, const struct sources_up *sources);

/* Sends a heartbeat on each lane that is ours. caught_up: all rows of the table were delivered. */
void publisher_heartbeat(struct publisher *publisher, bool caught_up, struct moment now);

/* All of these are owned by the publisher. */
struct store *publisher_store(const struct publisher *publisher);
struct eventlog *publisher_events(const struct publisher *publisher);
const struct publisher_counters *publisher_counters(const struct publisher *publisher);

/* The ordinal of the last publisher_set_position as text. Valid until the next. */
const char *publisher_position_text(const struct publisher *publisher);

/* The version of the last message on that lane. */
struct version publisher_last_version(const struct publisher *publisher, unsigned lane);

#endif
