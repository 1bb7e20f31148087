/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tiles that lack rows which the others have: new ones, and those that were away. They are built
 * beside the others, which notice nothing.
 *
 *   rows   ├──── delivered before ────┤──── delivered since ────►
 *          again, by a reader of        by the reader of all tiles,
 *          their own: fold_build_event  to these as well: fold_event
 *
 * Each row comes once, by one of the two ways, and the order does not matter to a tile. A row from
 * the future that was delivered before waits already (waiting.h), and comes to all tiles together:
 * that is why fold_build_next lets those whose time has come go first, and why one that waits then
 * is passed over. One that no tile asked for when it was delivered is kept now, to wait.
 *
 * Tiles that lack the same rows are built together, one such group after the other.
 */
#ifndef INGESTOR_FOLD_FOLD_BUILD_H
#define INGESTOR_FOLD_FOLD_BUILD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/str.h"
#include "common/base/time/clock.h"
#include "common/store/event.h"

struct fold;

/* Tiles that are being built, or are to be. */
size_t fold_builds(const struct fold *fold);

/* Begins to build the next group: from now on fold_event folds into it, too. *from is the state of
 * the source behind which the rows begin that it lacks, or empty: all; borrowed until the build
 * ends. False when there is none. No build may be under way. */
bool fold_build_next(struct fold *fold, struct moment now, struct str *from);

/* Folds a row that was delivered before the build began. */
void fold_build_event(struct fold *fold, const struct event *event, struct moment now);

/* How much of the rows has come: 0 to 1. */
void fold_build_progress(struct fold *fold, double done, struct moment now);

/* The build is done: its tiles are as the others. gone, for tiles that are new: bit i is set when
 * rows of the i-th source are known to have gone before its first one; with the one `source` that
 * is the first. */
void fold_build_end(struct fold *fold, uint64_t gone, struct moment now);

/* The rows that tiles lack cannot be had: they are to be built from all that there are. The build
 * ends. */
void fold_build_anew(struct fold *fold);

/* The same for tiles that were folded from the first row on, all together, without a build: they
 * have come to the end of what there was. */
void fold_built(struct fold *fold, uint64_t gone, struct moment now);

/* ---- Several sources ---- */

/* The tables of these sources began anew: their tiles, and those of all sources, forget what they
 * have, and are to be built from the rows that there are. */
void fold_sources_anew(struct fold *fold, uint64_t sources);

/* Rows of these sources turn out to have gone before the first one. */
void fold_sources_gone(struct fold *fold, uint64_t sources, struct moment now);

#endif
