/* SPDX-License-Identifier: Apache-2.0 */
/*
 * source_ops.open_past of tables that are read by `source.cursor`. What a state says was delivered:
 *
 *            floor             position
 *   rows  ─────┼───────────────────┼──────────────────►
 *          all │ those in the set  │ those in the set, as ahead
 *
 * The rows that come are those that were delivered up to the state `to` and not up to the state
 * `from`, in three parts: up to the floor of `to`, from there to its position, and those ahead. A
 * row of the late window that is not in the set of `to` is left to the source that goes on. Of what
 * lies before a floor nobody knows whether it was delivered: a row that was committed too late for
 * that comes here all the same, if it is there now.
 *
 * Both sets are held in memory, of CURSOR_SET_BYTES_MAX each or some more.
 */
#ifndef INGESTOR_SOURCE_CURSOR_CURSOR_PAST_H
#define INGESTOR_SOURCE_CURSOR_CURSOR_PAST_H

#include <stddef.h>
#include <stdint.h>

#include "ingestor/source/cursor/cursor_deliver.h"

enum cursor_past_part {
    CURSOR_PAST_BEFORE,
    CURSOR_PAST_WINDOW,
    CURSOR_PAST_AHEAD,
    CURSOR_PAST_OVER
};

/* Zero-initialised: not open. */
struct cursor_past {
    struct cursor *cursor;      /* borrowed; its state is `to` */
    struct cursor_state from;   /* empty: nothing was delivered then */
    enum cursor_past_part part; /* which part is being read */
    struct cursor_mark at;      /* the row of the part that was read last */
    int64_t first_us;           /* the time of the first row of all; INT64_MIN: none was read */
    uint64_t ahead;             /* how many of those ahead were read */
};

/* from, to and done as source_ops.open_past is given them; fills *cursor, which is not open and
 * outlives it. STATUS_INVALID: a state is none of a source with a cursor; cursor_past_close and
 * cursor_close are to be called then, too. */
int cursor_past_open(struct cursor_past *past, struct cursor *cursor, const struct config *config,
                     const struct cursor_db *db, struct str from, struct str to, struct str done,
                     struct error *err);
void cursor_past_close(struct cursor_past *past);

/* source_ops.read of such a source. */
int cursor_past_read(struct cursor_past *past, size_t max_rows, struct batch **out,
                     struct error *err);

#endif
