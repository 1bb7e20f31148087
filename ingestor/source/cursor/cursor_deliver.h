/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of reading by a cursor share, and what a batch says: the same for rows of the
 * present (cursor.c) and for those that are gone through again after a crash (cursor_replay.c). */
#ifndef INGESTOR_SOURCE_CURSOR_CURSOR_DELIVER_H
#define INGESTOR_SOURCE_CURSOR_CURSOR_DELIVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ingestor/source/cursor/cursor_row.h"
#include "ingestor/source/cursor/cursor_state.h"

/* When to look at rows again that the position has passed. */
struct cursor_recheck {
    mono_time due_at; /* when the next one is due */
    bool asked;       /* Something may have been written since the last one. */
};

struct cursor {
    struct cursor_state state;      /* what has been delivered */
    struct cursor_db db;            /* how rows are asked for */
    struct unusable_log unusable;   /* rows that were passed over, as far as the log has told */
    struct cursor_recheck hot;      /* of the last seconds */
    struct cursor_recheck thorough; /* of all the late window, and of the future */
    bool history_due;          /* What was delivered before the state is read for the event log. */
    bool building;             /* The table is read for the first time. */
    bool settling;             /* It is read from its start, and the rows lie before settled_us. */
    int64_t settled_us;        /* so far behind that rows before it are never met again */
    bool caught_up;            /* The last poll came to its end. */
    bool started_over;         /* The next batch begins anew. */
    struct buf journal;        /* records to be gone through again, one behind the other */
    size_t journal_at;         /* where the next of these records begins */
    uint64_t skipped;          /* Rows without a place that were met behind the position. */
    struct cursor_draft draft; /* what the poll under way delivers */
    struct buf position;       /* scratch */
};

/* Appends the row in hand as an event with that ordinal, or counts it as unusable. */
void cursor_add_event(struct cursor *cursor, struct batch *batch, const struct cursor_row *row,
                      uint64_t ordinal, wall_time now);

/* Finishes a batch that is delivered: with the record, and the state behind it. */
void cursor_finish(struct cursor *cursor, struct batch *batch, struct str record, bool journaled);

#endif
