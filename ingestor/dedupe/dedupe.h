/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `source.dedupe`: an event that comes again counts once. Every batch of every source passes here
 * before anything is folded or published, and leaves without its duplicates.
 *
 * With several sources each that has a `dedupe` does so by itself (dedupe_one.h): an id that
 * another source has, too, is another event's.
 *
 * A dedupe belongs to one thread.
 */
#ifndef INGESTOR_DEDUPE_DEDUPE_H
#define INGESTOR_DEDUPE_DEDUPE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/error.h"
#include "common/base/time/clock.h"
#include "common/config/config.h"
#include "common/state/changes.h"
#include "ingestor/dedupe/dedupe_one.h"
#include "ingestor/source/source.h"

struct dedupe;

/* NULL when the configuration has the one `source`, and asks for none; all functions that follow
 * take NULL, and do nothing then. config is borrowed and outlives it. The caller ends it with
 * dedupe_destroy. */
struct dedupe *dedupe_create(const struct config *config);
void dedupe_destroy(struct dedupe **dedupe);

/* Goes on from a saved state. unknown: of these entries of `sources`, bit i for the i-th, no row
 * was ever delivered, so nothing has to be known of their events. STATUS_NOT_FOUND: the state is
 * one of another `dedupe`, so that nobody knows which events count twice in its tiles;
 * STATUS_INVALID: it is damaged; STATUS_NEWER. err says so. It knows nothing then. */
int dedupe_load(struct dedupe *dedupe, const struct state_changes *saved, uint64_t unknown,
                struct error *err);

/* Takes the records of sources out of the store for which no dedupe is configured any more. What is
 * known of a source that is not configured itself stays as long as tiles that are not do: it may
 * come back, and go on (dedupe_retired.h). */
void dedupe_remove(struct dedupe *dedupe, const struct config *config,
                   const struct state_changes *saved, wall_time now, struct state_changes *out);

/* Appends what has changed since the last call. now: that of fold_save, whose tiles go first. */
void dedupe_save(struct dedupe *dedupe, wall_time now, struct state_changes *out);

/* The store has nothing of it any more: the next dedupe_save is to append everything. */
void dedupe_unsave(struct dedupe *dedupe);

/* Forgets everything of these entries of `sources`, bit i for the i-th: their tables began anew.
 * The one `source` is the first. */
void dedupe_clear(struct dedupe *dedupe, uint64_t sources);

/* Takes the duplicates out of rows that are delivered now. When these are all that one of several
 * sources has ever delivered, nothing was known of its events. */
void dedupe_new(struct dedupe *dedupe, struct batch *batch);

/* Takes out of rows that were delivered before what was a duplicate then. Between dedupe_past_begin
 * and dedupe_past_end they are all that there are, from the first on, and what is remembered no
 * more is decided anew. */
void dedupe_past(struct dedupe *dedupe, struct batch *batch);
void dedupe_past_begin(struct dedupe *dedupe);
void dedupe_past_end(struct dedupe *dedupe);

/* True when it is so between the two that rows of the past are decided anew. */
bool dedupe_past_decides(const struct dedupe *dedupe);

/* All zero without one. */
struct dedupe_counters dedupe_counters(const struct dedupe *dedupe);

#endif
