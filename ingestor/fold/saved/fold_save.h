/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fold's state as records (common/state/changes.h), each one MessagePack value:
 *
 *   the tile   t 0 0   [1, key, digest, position, time, complete]   position nil: not known
 *                      [1, key, digest, position, time, complete, retired at, place, waits,
 *                       spoiled]   when it is retired; 2 instead of 1: the place is the number of
 *                                  a record of its own (fold_places.h)
 *   a member   t m 0   [group or nil, latest, hidden, what its type saves, tally,
 *                       status]   status as trouble_save writes it; older versions have none
 *   an item    t m i   what its type saves of an item
 *   rows that wait     [row, …]
 *   rows put off       [from, how many at least], or nil: see waiting.h
 *
 * `tally` (common/wire/tally.h) is that of the rows that are in it.
 *
 * Only what has changed since the last save is saved. `digest` is that of all that the tile depends
 * on (fold_digest.h): a tile whose digest is another one is built anew, beside the others, which go
 * on.
 *
 * A tile that is configured no more is retired: its records stay for RETIRED_KEEP_US, with the
 * place that the source was at. When it comes back until then, it needs only the rows since; and
 * of those that waited then (`waits`, as waiting_save writes them, or nil) the ones whose time has
 * come meanwhile. `spoiled`: the clock was ahead when it went.
 */
#ifndef INGESTOR_FOLD_SAVED_FOLD_SAVE_H
#define INGESTOR_FOLD_SAVED_FOLD_SAVE_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/error.h"
#include "common/base/str.h"
#include "common/base/time/clock.h"
#include "common/state/changes.h"

#define RETIRED_KEEP_US (86400 * US_PER_S)

struct fold;

/* Appends all that has changed since the last call; the caller keeps it until it is stored. */
void fold_save(struct fold *fold, wall_time now, struct state_changes *out);

/* The changes that are not stored yet take too much: they are cut down to those that cannot be told
 * anew, and the next fold_save is to append everything behind them. */
void fold_unsave(struct fold *fold, struct state_changes *changes);

/* The store has nothing any more: the next fold_save is to append everything. */
void fold_unsave_all(struct fold *fold);

/* How a saved state is loaded. */
struct fold_load {
    struct str place;  /* where the source stood when it was saved */
    wall_time now;     /* the moment of loading */
    wall_time reached; /* the moment that its tiles had come to; {0}: not known */
    bool was_ahead;    /* The clock was ahead when it was saved: what forgets, has forgotten too
                          much. */
    size_t loaded;     /* out: tiles that go on */
    size_t damaged;    /* out: tiles whose records are damaged, and which are built anew */
};

/* Loads the state into a fold that was just created. Tiles that are not in it are to be built
 * (fold_build.h); those in it that are not configured any more are retired. STATUS_INVALID when
 * what is not of a single tile is damaged, and STATUS_NEWER when a newer version wrote it; the fold
 * is then only good for fold_destroy. */
int fold_load(struct fold *fold, const struct state_changes *saved, struct fold_load *how,
              struct error *err);

/* Takes a tile's records out of the active ones, when it is configured no more. */
struct family;
void fold_retire(struct fold *fold, struct family *family, struct str place, wall_time now);

#endif
