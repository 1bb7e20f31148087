/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The newest rows that were read, by what stood in them. SQLite gives an id out again when the
 * newest rows were deleted, and a backup that is restored brings back ids that others had since. In
 * both cases ids go on growing, and only the rows at them tell.
 *
 *   read        … 103 a   104 b                 position 104
 *   the table   … 103 a   104 c   105 d         104 was given out again: c is not b
 *
 * Pure.
 */
#ifndef INGESTOR_SOURCE_SQLITE_SQLITE_ANCHORS_H
#define INGESTOR_SOURCE_SQLITE_SQLITE_ANCHORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/buf.h"
#include "common/codec/mp.h"
#include "ingestor/source/anchor.h"

#define SQLITE_ANCHORS_MAX 64 /* rows; 1.2 KB of a saved state. Beyond, the oldest is given up. */

/* Zero-initialised: none. */
struct sqlite_anchors {
    struct anchor rows[SQLITE_ANCHORS_MAX]; /* a ring, in the order of reading */
    size_t count;
    size_t next; /* place of the next one */
};

enum sqlite_anchors_match {
    SQLITE_ANCHORS_UNKNOWN, /* no such row is remembered */
    SQLITE_ANCHORS_SAME,
    SQLITE_ANCHORS_OTHER, /* another row has that id now */
};

void sqlite_anchors_add(struct sqlite_anchors *anchors, struct anchor row);

/* Adds the newest rows of a batch that is not finished yet. again: they may have been read before,
 * and those that are remembered stay as they are. */
void sqlite_anchors_add_batch(struct sqlite_anchors *anchors, const struct batch *batch,
                              bool again);

/* What stands at the row's id now, against what stood there. */
enum sqlite_anchors_match sqlite_anchors_match(const struct sqlite_anchors *anchors,
                                               const struct anchor *row);

/* As an array of anchors, the oldest first. */
void sqlite_anchors_save(const struct sqlite_anchors *anchors, struct buf *out);

/* False, and none, when the value is no such array. */
bool sqlite_anchors_load(struct sqlite_anchors *anchors, const mp_value *value);

#endif
