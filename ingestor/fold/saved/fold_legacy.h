/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fold's state as versions before 0.2 wrote it into a checkpoint, all in one piece:
 *
 *   [1, [[key, digest, group or nil, latest, hidden, state], …]]
 *   [2, [[key, digest, group or nil, latest, hidden, state], …], rows that wait]
 *
 * with one element for each member. `digest` is that of the tile's definition alone.
 */
#ifndef INGESTOR_FOLD_SAVED_FOLD_LEGACY_H
#define INGESTOR_FOLD_SAVED_FOLD_LEGACY_H

#include "common/base/error.h"
#include "common/base/str.h"

struct fold;

/* Loads it into a fold that was just created, whose next save begins anew. A tile whose definition
 * is another one has to be built. STATUS_INVALID when data is no such state, and STATUS_NEWER when
 * a newer version wrote it; the fold is then only good for fold_destroy. */
int fold_load_legacy(struct fold *fold, struct str data, struct error *err);

#endif
