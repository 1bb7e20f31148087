/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows from the future. A row counts at its own timestamp, so one whose timestamp has not come yet
 * waits here, whole, until it has; no tile knows of it before.
 *
 *   a row ── timestamp > now ──► waiting ── timestamp <= now ──► the tiles that match
 *                                   │
 *                                   └── too many: the one furthest ahead is dropped
 *
 * Each row stands in two heaps: by the soonest, for what is due, and by the furthest, for what is
 * dropped. So a table with rows of the year 9999 does not take the place of those that are due in a
 * minute. It is part of a fold, and belongs to its thread.
 *
 * Rows that were saved, and come from other columns than those that are configured now, lack what
 * those said. Only tiles that are built anew read these columns: from the rows of the table, which
 * complete those that wait (waiting_complete).
 */
#ifndef INGESTOR_FOLD_WAITING_H
#define INGESTOR_FOLD_WAITING_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/buf.h"
#include "common/base/heap.h"
#include "common/base/table.h"
#include "common/base/time/clock.h"
#include "common/codec/mp.h"
#include "common/config/config.h"
#include "common/store/event.h"

/* What may wait at most: so many rows, and so many bytes of them. Beyond either, the row that is
 * furthest ahead is dropped. */
#define WAITING_ROWS_MAX 65536
#define WAITING_BYTES_MAX ((size_t)32 * 1024 * 1024)

/* One that waits. Its event's texts are in the same piece of memory. */
struct waiting_row {
    struct event event;        /* its strings lie in this piece of memory */
    size_t bytes;              /* of this piece of memory */
    bool lacking;              /* a column: it is in waiting.lacking */
    int64_t key;               /* tally_id of its id, with lacking */
    UT_hash_handle by_key;     /* links those in waiting.lacking */
    struct heap_item soonest;  /* its place in waiting.soonest */
    struct heap_item furthest; /* its place in waiting.furthest */
};

/* Zeroed memory holds no rows. */
struct waiting {
    struct heap soonest; /* by their time, the next one first */
    struct heap
        furthest; /* by their time, the last one first: it is dropped when there is no room */
    size_t bytes; /* what all of them take */
    struct waiting_row *lacking; /* uthash by key: those that lack a column */
};

void waiting_finish(struct waiting *waiting);

/* Copies the row. Returns how many rows had to be dropped for it; it may be among them. */
size_t waiting_add(struct waiting *waiting, const struct event *event);

/* Takes a row out whose timestamp has come; NULL when there is none. The caller frees it with
 * free. */
struct waiting_row *waiting_take(struct waiting *waiting, wall_time now);

/* When the next row is due; WALL_NEVER when none waits. */
wall_time waiting_next(const struct waiting *waiting);

static inline size_t waiting_count(const struct waiting *waiting)
{
    return waiting->soonest.count;
}

/* The row was read from the table once more: if it waits and lacks a column, it is as this one now,
 * and that is true. *dropped: how many rows had to be dropped for it. */
bool waiting_complete(struct waiting *waiting, const struct event *event, size_t *dropped);

/* Appends [[id, timestamp, event_type, actor_id, target_id, summary, payload, {extra: text}], …].
 * Texts are binaries, and nil where the row has none. A row that lacks a column ends with true. */
void waiting_save(const struct waiting *waiting, struct buf *out);

/* Appends the columns that the rows are read from: [[column or nil, …], {extra: column}]. */
void waiting_save_columns(const struct config_source *source, struct buf *out);

/* Loads what waiting_save wrote. columns: what waiting_save_columns wrote with it; NULL: the
 * columns that are configured. Extras that are no longer configured are left out. When ids,
 * timestamps or types are others, no row is as it was, and none is loaded. False when the value is
 * no such list.
 */
bool waiting_load(struct waiting *waiting, const struct config_source *source,
                  const mp_value *columns, const mp_value *value);

/* Drops the rows of these entries of `sources`: bit i for the i-th. */
void waiting_drop_sources(struct waiting *waiting, uint64_t sources);

/* Finds, for rows that were loaded, which of `sources` they are of: their ids begin with its name.
 */
void waiting_find_sources(struct waiting *waiting, const struct config *config);

#endif
