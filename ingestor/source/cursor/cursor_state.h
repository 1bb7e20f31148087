/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where reading by `source.cursor` stands, and its saved form: a whole state, and behind it one
 * record for each batch since (cursor_record.h). A batch adds its record to the state of the batch
 * before (batch.state_appends), so that its cost is that of its rows, and not of the whole late
 * window. When the records have become as long as the state, the next batch brings a whole one.
 *
 *   [ "cursor", format, identity, … ] [ record ] [ record ] …
 *
 * Pure.
 */
#ifndef INGESTOR_SOURCE_CURSOR_CURSOR_STATE_H
#define INGESTOR_SOURCE_CURSOR_CURSOR_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/config/config.h"
#include "ingestor/source/cursor/cursor_marks.h"
#include "ingestor/source/cursor/cursor_record.h"
#include "ingestor/source/cursor/cursor_set.h"
#include "ingestor/source/source.h"

/* What the ids may take in memory; a row of UUIDs takes some 150 bytes. Beyond, the late window is
 * shorter than configured, and how often is counted. */
#define CURSOR_SET_BYTES_MAX ((size_t)64 << 20)

/* What rows of the future may take of it. Beyond, they are read when their time comes. */
#define CURSOR_AHEAD_BYTES_MAX ((size_t)16 << 20)

struct cursor_state {
    const struct config *config; /* borrowed; NULL: nothing is forgotten by cursor_state_settle */
    struct buf identity;         /* of the table, as its database tells tables apart */
    struct cursor_mark
        position;              /* of the last row that was read in order; its ordinal is the last */
    struct cursor_marks marks; /* how far reading had come at some ordinals */
    struct cursor_set set;     /* ids that were delivered and may be met again */
    uint64_t origin;           /* that the ordinals belong to */
    uint64_t record;           /* number of the last one */
    uint64_t given_up;         /* times that the window was shortened */
    size_t whole_bytes;        /* of the last whole state */
    size_t record_bytes;       /* of the records since; SIZE_MAX: a whole state is due */
};

void cursor_state_free(struct cursor_state *state);

/* Begins anew, under a new origin. */
void cursor_state_start_over(struct cursor_state *state);

/* The last batch has delivered its rows: sets marks, and forgets what is not needed any more. */
void cursor_state_settle(struct cursor_state *state);

/* Does what a record says was done. */
bool cursor_state_apply(struct cursor_state *state, const struct cursor_record *record);

/* Appends a whole state. */
void cursor_state_save(struct cursor_state *state, struct buf *out);

/* Loads a whole state and its records into one that is empty. False when it is none; it is then
 * only good for cursor_state_free. */
bool cursor_state_load(struct cursor_state *state, struct str saved);

/* source_ops.state_is_newer */
bool cursor_state_is_newer(struct str saved);

#endif
