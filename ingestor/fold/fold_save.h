/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fold's state as MessagePack, for a checkpoint:
 *
 *   [1, [[key, digest, group or nil, latest, hidden, state, tally], …]]
 *   [2, [[key, digest, group or nil, latest, hidden, state, tally], …], rows that wait]
 *
 * with one element for each member. The second form is written when rows from the future wait for
 * their time (waiting.h). `digest` is that of the tile's definition (fold_digest.h), and
 * `state` what the tile's type writes. `tally` (tally.h) is that of the rows that are in it; it is
 * missing in what older programs wrote, and then it is not known until the tile is built again.
 */
#ifndef INGESTOR_FOLD_FOLD_SAVE_H
#define INGESTOR_FOLD_FOLD_SAVE_H

#include <stdbool.h>

#include "common/base/buf.h"
#include "common/base/error.h"
#include "common/base/str.h"

struct fold;

/* Appends the state. */
void fold_save(const struct fold *fold, struct buf *out);

/* Loads a saved state into a fold that was just created. Tiles that are no longer configured are
 * left out. *rebuild is set when a tile's definition has changed since, or a tile is new: then the
 * caller must fold the whole table again, into a fresh fold. STATUS_INVALID when data is no such
 * state, and STATUS_NEWER when a newer version wrote it; the fold is then only good for
 * fold_destroy. */
int fold_load(struct fold *fold, struct str data, bool *rebuild, struct error *err);

#endif
