/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows from the future that are too many to wait (waiting.h). They are not kept: when their time
 * has come, all rows are read again, beside the reader that goes on, and those that were put off
 * are picked out.
 *
 *   timestamps    ├──── wait, or count ────┤──── put off ────►
 *                                          │
 *                          waiting.put_off_from, always > fold.reached when it is set
 *
 * While rows are put off, no row from that moment on goes into a tile, not even when the clock is
 * past it. So a row that is read again is one that no tile has, if and only if its timestamp is
 * that moment or a later one; and nothing that a tile has is touched, whatever has become of its
 * rows. What is still of the future then waits, or is put off again.
 *
 * Halfway through, some of these rows are in the tiles and others are not. Which ones the state of
 * the last batch says, so that this is saved with the tiles, together with the state up to which
 * rows are read again, and another life goes on from there. Tiles that are built, or are to be, are
 * not concerned: they read these rows themselves.
 *
 * From the moment that the time of such rows has come until all are read, tiles lack rows that
 * count. They say so as tiles do that are built: `building`.
 */
#ifndef INGESTOR_FOLD_FOLD_PUT_OFF_H
#define INGESTOR_FOLD_FOLD_PUT_OFF_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/str.h"
#include "common/base/time/clock.h"
#include "common/state/changes.h"
#include "common/store/event.h"
#include "ingestor/fold/put_off.h"

struct fold;

/* True when rows were put off whose time has come, and are not being read yet. */
bool fold_put_off_due(const struct fold *fold, wall_time now);

/* How long it is until then, in microseconds; INT64_MAX: never, or it is due already. */
int64_t fold_put_off_wait_us(const struct fold *fold, wall_time now);

/* How many rows are put off, or are being read again and have not come, at least. */
uint64_t fold_put_off_rows(const struct fold *fold);

/* Notes which tiles lack rows by now; part of fold_advance. */
void fold_put_off_note(struct fold *fold, struct moment now);

/* Begins, if it is due: fold_event takes all rows again from now on, and those that were delivered
 * before, up to the source's state `to`, come to fold_put_off_event. False when it is not. No build
 * may be under way. */
bool fold_put_off_begin(struct fold *fold, struct str to, struct moment now);

/* The reading that is under way, perhaps since another life; NULL: none is. The first one must go
 * on, from what it has done, before any build. */
const struct put_off *fold_put_off_reading(const struct fold *fold);

/* Takes a row that was delivered before. */
void fold_put_off_event(struct fold *fold, const struct event *event, struct moment now);

/* A batch of them has come. done: its state, to go on behind it; progress: 0 to 1. */
void fold_put_off_progress(struct fold *fold, struct str done, double progress, struct moment now);

/* The tables of these sources began anew: their rows are not taken any more. */
void fold_put_off_sources_anew(struct fold *fold, uint64_t sources);

/* All have come. Returns how many rows that were put off have not, and of which sources these were:
 * bit i for the i-th. */
uint64_t fold_put_off_end(struct fold *fold, uint64_t *sources, struct moment now);

/* Parts of fold_save and fold_load. */
void fold_put_off_save(struct fold *fold, struct state_changes *out);
void fold_put_off_unsave(struct fold *fold);
bool fold_put_off_load(struct fold *fold, const struct state_changes *saved);

#endif
