/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The newest rows that were read, by what stood in them: by these it shows that a database has lost
 * rows and gave their ids to others. SQLite gives an id out again when the
 * newest rows were deleted, and a backup that is restored brings back ids that others had since. In
 * both cases ids go on growing, and only the rows at them tell.
 *
 *   read        … 103 a   104 b                 position 104
 *   the table   … 103 a   104 c   105 d         104 was given out again: c is not b
 *
 * Pure.
 */
#ifndef INGESTOR_SOURCE_ANCHORS_H
#define INGESTOR_SOURCE_ANCHORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/buf.h"
#include "common/codec/mp.h"
#include "ingestor/source/anchor.h"

#define ANCHORS_MAX 64 /* rows; 1.2 KB of a saved state. Beyond, the oldest is given up. */

/* Zero-initialised: none. */
struct anchors {
    struct anchor rows[ANCHORS_MAX]; /* a ring, in the order of reading */
    size_t count;                    /* how many there are */
    size_t next;                     /* place of the next one */
};

enum anchors_match {
    ANCHORS_UNKNOWN, /* no such row is remembered */
    ANCHORS_SAME,
    ANCHORS_OTHER, /* another row has that id now */
};

void anchors_add(struct anchors *anchors, struct anchor row);

/* Adds the newest rows of a batch that is not finished yet. again: they may have been read before,
 * and those that are remembered stay as they are. */
void anchors_add_batch(struct anchors *anchors, const struct batch *batch, bool again);

/* What stands at the row's id now, against what stood there. */
enum anchors_match anchors_match(const struct anchors *anchors, const struct anchor *row);

/* The least id that is remembered; 0: none is. */
int64_t anchors_least(const struct anchors *anchors);

/* As an array of anchors, the oldest first. */
void anchors_save(const struct anchors *anchors, struct buf *out);

/* False, and none, when the value is no such array. */
bool anchors_load(struct anchors *anchors, const mp_value *value);

#endif
