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
 * Halfway through, some of these rows are in the tiles and others are not, and no place says which:
 * so nothing may be saved until all have come. Tiles that are built, or are to be, are not
 * concerned: they read these rows themselves.
 */
#ifndef INGESTOR_FOLD_FOLD_PUT_OFF_H
#define INGESTOR_FOLD_FOLD_PUT_OFF_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/time/clock.h"
#include "common/store/event.h"

struct fold;

/* True when rows were put off whose time has come, and are not being read yet. */
bool fold_put_off_due(const struct fold *fold, wall_time now);

/* How long it is until then, in microseconds; INT64_MAX: never, or it is due already. */
int64_t fold_put_off_wait_us(const struct fold *fold, wall_time now);

/* Begins, if it is due: fold_event takes all rows again from now on, and those that were delivered
 * before come to fold_put_off_event. False when it is not. No build may be under way. */
bool fold_put_off_begin(struct fold *fold, struct moment now);

/* True between fold_put_off_begin and fold_put_off_end: the fold must not be saved or reloaded. */
bool fold_put_off_reading(const struct fold *fold);

/* Takes a row that was delivered before. */
void fold_put_off_event(struct fold *fold, const struct event *event, struct moment now);

/* All have come. Returns how many rows that were put off have not. */
uint64_t fold_put_off_end(struct fold *fold);

#endif
