/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ids that are missing below the position, and may still come: serial ids do not commit in order.
 *
 *   ids     … 97 98 [99 100] 101 102 [103] 104     99 and 100 are missing, and 103
 *                    └ range ┘        └ range      position = 104
 *
 * A hole carries the fence: xmax of the snapshot in which it was seen, so that every transaction
 * that could have held the id then has an xid below it. When xmin of a later snapshot has passed
 * the fence those have all ended. That proves nothing alone: an id can be taken before its
 * transaction has an xid, and pooled allocators insert ids minutes after they reserved them. So a
 * hole is forgotten only when late_window is over as well.
 *
 * Pure. Ranges are sorted and do not touch; at most HOLES_MAX.
 */
#ifndef INGESTOR_SOURCE_POSTGRES_HOLES_H
#define INGESTOR_SOURCE_POSTGRES_HOLES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/buf.h"
#include "common/base/time/clock.h"
#include "common/codec/mp.h"

/* Ranges. Beyond that, those with the smallest ids are given up, and counted. */
#define HOLES_MAX 50000

struct hole {
    int64_t first;   /* the first id that is missing */
    int64_t last;    /* the last id that is missing */
    uint64_t fence;  /* xid */
    wall_time since; /* when it was first seen */
    bool polled;     /* in the poll under way: chosen, or added */
};

struct holes {
    struct hole *list; /* ascending; owned */
    size_t count;      /* how many there are */
    size_t cap;        /* how many there is memory for */
    uint64_t given_up; /* ranges beyond HOLES_MAX */
    int64_t reached;   /* how far the thorough polls' round has come: the last id chosen */
};

void holes_free(struct holes *holes);

/* first..last is missing. Above all that is known. */
void holes_add(struct holes *holes, int64_t first, int64_t last, uint64_t fence, wall_time since);

/* The id has come. False when it was not missing. In the middle of a range it makes two of it. */
bool holes_fill(struct holes *holes, int64_t id);

/* Is it missing? */
bool holes_miss(const struct holes *holes, int64_t id);

/*
 * Chooses the ranges to poll, so that a poll's cost is bounded however many there are: the newest
 * HOLES_NEWEST that are hot; and in a thorough poll the next HOLES_ROUND of all, in a round that
 * goes on with the next thorough one. Calls each with those, in the order of ids. Returns how many.
 */
#define HOLES_NEWEST 1024
#define HOLES_ROUND 4096
size_t holes_choose(struct holes *holes, uint64_t xmin, bool thorough,
                    void (*each)(void *arg, const struct hole *hole), void *arg);

/* Forgets those that were polled, whose fence xmin has passed and whose late_window is over.
 * Returns how many. */
size_t holes_forget(struct holes *holes, uint64_t xmin, wall_time now, int64_t late_window_ms);

/* True when it must be polled on each wake-up, for its transaction may be open; else thorough polls
 * are enough. */
static inline bool hole_is_hot(const struct hole *hole, uint64_t xmin)
{
    return xmin < hole->fence;
}

/* How many ids are missing; and since when the longest. WALL_NEVER when none. */
uint64_t holes_ids(const struct holes *holes);
wall_time holes_oldest(const struct holes *holes);

/* 32 bytes a range: it is part of the state of each batch. */
void holes_save(const struct holes *holes, struct buf *out);
bool holes_load(struct holes *holes, const mp_value *value);

#endif
