/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows from the future. A row counts at its own timestamp, so one whose timestamp has not come yet
 * waits here, whole, until it has; no tile knows of it before.
 *
 *   a row ── timestamp > now ──► waiting ── timestamp <= now ──► the tiles that match
 *                                   │
 *                                   └── too many: those furthest ahead are put off
 *
 * Each row stands in two heaps: by the soonest, for what is due, and by the furthest, for what is
 * put off. So a table with rows of the year 9999 does not take the place of those that are due in a
 * minute. It is part of a fold, and belongs to its thread.
 *
 * What is put off is not kept, but read from the table again when its time has come
 * (fold_put_off.h). So it must be known which rows these are, and that is one moment: once a row
 * was put off, all rows from its timestamp on are, and none before it.
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
#include "ingestor/fold/put_off.h"

/* What may wait at most: so many rows, and so many bytes of them. Beyond either, the rows that are
 * furthest ahead are put off. */
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
        furthest; /* by their time, the last one first: it is put off when there is no room */
    size_t bytes; /* what all of them take */
    struct waiting_row *lacking;   /* uthash by key: those that lack a column */
    bool full;                     /* rows are put off */
    wall_time put_off_from;        /* with full: those from that moment on, and no others */
    struct put_off_counts put_off; /* with full: how many were, at least */
};

void waiting_finish(struct waiting *waiting);

/* Copies the row. There may be too many then: see waiting_surplus. */
void waiting_add(struct waiting *waiting, const struct event *event);

/* True when rows of that moment are put off. */
static inline bool waiting_puts_off(const struct waiting *waiting, wall_time at)
{
    return waiting->full && at.us >= waiting->put_off_from.us;
}

/* Takes out the row that is furthest ahead, if there are too many; else NULL. The caller frees it
 * with free. */
struct waiting_row *waiting_surplus(struct waiting *waiting);

/* From now on rows of that moment and behind it are put off: those that wait are taken out.
 * Returns how many these were. */
size_t waiting_put_off(struct waiting *waiting, wall_time from);

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
 * and that is true. There may be too many then. */
bool waiting_complete(struct waiting *waiting, const struct event *event);

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

/* Appends which rows are put off: [from, how many at least, the same of each source
 * (put_off.h)], or nil: none are. */
void waiting_save_put_off(const struct waiting *waiting, const struct config *config,
                          struct buf *out);

/* Loads what waiting_save_put_off wrote. False when the value is no such thing. */
bool waiting_load_put_off(struct waiting *waiting, const struct config *config,
                          const mp_value *value);

/* Drops the rows of these entries of `sources`: bit i for the i-th. */
void waiting_drop_sources(struct waiting *waiting, uint64_t sources);

/* Finds, for rows that were loaded, which of `sources` they are of: their ids begin with its name.
 */
void waiting_find_sources(struct waiting *waiting, const struct config *config);

#endif
