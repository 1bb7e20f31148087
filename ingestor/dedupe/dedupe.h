/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `source.dedupe`: an event that comes again counts once. Every batch of every source passes here
 * before anything is folded or published, and leaves without its duplicates.
 *
 * An event is a duplicate when another one counts that has the same name (the value of the
 * configured field), was delivered before, and has a timestamp no further away than the window.
 * What was delivered so long ago that the stream's time has come further than a window since is not
 * remembered. The stream's time is the latest moment that two events in a row have both reached:
 * one event with a wild timestamp does not move it. So it depends on the order of delivery alone
 * what is a duplicate, and not on batches, clocks and restarts.
 *
 *   name     delivered ──►                          window 1h
 *    a       10:00 counts   10:02 duplicate
 *    b                 10:01 counts         11:30 counts: too far away
 *
 * Which row was a duplicate is decided once, when it is delivered, and remembered by the row's id:
 * tiles that are built later read rows in another order, and from another beginning. Both memories
 * have bounds. At that of names the oldest is forgotten, and the window is shorter than configured
 * (`cut`). At that of dropped rows the oldest are decided anew when a tile is built, in the order
 * of reading.
 *
 * Records of the state: STATE_DEDUPE, [format, settings, key, last timestamp, reached, first and
 * end of the names, first and end of the dropped rows, rows forgotten], and the parts of both
 * (known.h).
 *
 * A dedupe belongs to one thread.
 */
#ifndef INGESTOR_DEDUPE_DEDUPE_H
#define INGESTOR_DEDUPE_DEDUPE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/error.h"
#include "common/config/config.h"
#include "common/state/changes.h"
#include "ingestor/source/source.h"

struct dedupe;

struct dedupe_counters {
    uint64_t duplicates; /* events that were left out */
    uint64_t cut;        /* names that were forgotten before the window was over */
    uint64_t known;      /* names that are remembered now */
};

/* NULL when the configuration asks for none; all functions that follow take NULL, and do nothing
 * then. source is borrowed and outlives it. The caller ends it with dedupe_destroy. */
struct dedupe *dedupe_create(const struct config_source *source);
void dedupe_destroy(struct dedupe **dedupe);

/* Goes on from a saved state. STATUS_NOT_FOUND: the state is one of another `dedupe`, so that
 * nobody knows which events count twice in its tiles; STATUS_INVALID: it is damaged; STATUS_NEWER.
 * err says so. It knows nothing then. */
int dedupe_load(struct dedupe *dedupe, const struct state_changes *saved, struct error *err);

/* Takes the records of a state out of the store, because no dedupe is configured any more. */
void dedupe_remove(const struct state_changes *saved, struct state_changes *out);

/* Appends what has changed since the last call. */
void dedupe_save(struct dedupe *dedupe, struct state_changes *out);

/* The store has nothing of it any more: the next dedupe_save is to append everything. */
void dedupe_unsave(struct dedupe *dedupe);

/* Forgets everything: the table began anew. */
void dedupe_clear(struct dedupe *dedupe);

/* Takes the duplicates out of rows that are delivered now. */
void dedupe_new(struct dedupe *dedupe, struct batch *batch);

/* Takes out of rows that were delivered before what was a duplicate then. Between dedupe_past_begin
 * and dedupe_past_end they are all that there are, from the first on, and what is remembered no
 * more is decided anew. */
void dedupe_past(struct dedupe *dedupe, struct batch *batch);
void dedupe_past_begin(struct dedupe *dedupe);
void dedupe_past_end(struct dedupe *dedupe);

/* All zero without one. */
struct dedupe_counters dedupe_counters(const struct dedupe *dedupe);

#endif
