/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The last raw events, in delivery order. Their order is that of their ordinals, and the same in
 * every process: resuming after an id means all that stands behind it here, not all with a greater
 * id.
 *
 *   entries   [ 5 | 6 | 9 | 7 | 10 ]   ids, in delivery order: 7 came late
 *   ordinals    5   6   9   10  11     strictly increasing
 *
 * Bounded: the oldest leave when `capacity` is reached. Pure. One thread.
 */
#ifndef COMMON_STORE_EVENTLOG_H
#define COMMON_STORE_EVENTLOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/blob.h"
#include "common/base/clock.h"
#include "common/base/str.h"
#include "common/codec/mp.h"

struct eventlog_entry {
    uint64_t ordinal; /* > 0 */
    int64_t id;
    struct blob *fields;   /* MessagePack map: id, timestamp, event_type, … */
    struct str event_type; /* points into fields */
    wall_time arrival;     /* at the ingestor */
    wall_time published_at;
    wall_time timestamp; /* fields.timestamp of what came live; {0} of what a snapshot brought */
    void *cache;         /* the gateway's encoding; freed by free_cache */
};

struct eventlog;

/* capacity >= 1. free_cache may be NULL. */
struct eventlog *eventlog_create(size_t capacity, void (*free_cache)(void *cache));
void eventlog_destroy(struct eventlog **log);

/*
 * Appends an event. Returns the entry, or NULL when it was dropped as a duplicate: its ordinal is
 * not above the last. An event of another origin empties the log first. fields holds a well-formed
 * map that has event_type.
 */
struct eventlog_entry *eventlog_append(struct eventlog *log, uint64_t origin, uint64_t ordinal,
                                       int64_t id, struct str fields, wall_time arrival,
                                       wall_time published_at);

/* Empties the log and begins the numbering of that origin, or the same one after events that cannot
 * be had: in either case readers must start over, and the generation grows. */
void eventlog_reset(struct eventlog *log, uint64_t origin);

/* The numbering that the ordinals belong to. */
uint64_t eventlog_origin(const struct eventlog *log);

/* Grows by one with each change of origin: a reader that has seen another number must start over.
 */
uint32_t eventlog_generation(const struct eventlog *log);

/* Of the newest event seen; 0 when there was none. */
uint64_t eventlog_last(const struct eventlog *log);

/* All events with ordinals above this one are here (those up to it may have left, or never came).
 */
uint64_t eventlog_floor(const struct eventlog *log);

/* Says that events up to this ordinal exist but are not here (a replica that joined later). Raises
 * the floor, and the last ordinal if it is below. */
void eventlog_skip_to(struct eventlog *log, uint64_t ordinal);

/* The first entry with an ordinal above after, or NULL. O(log n). */
struct eventlog_entry *eventlog_after(const struct eventlog *log, uint64_t after);

/* Entry i, counted from the oldest (0) to the newest (eventlog_count - 1). */
struct eventlog_entry *eventlog_at(const struct eventlog *log, size_t index);
size_t eventlog_count(const struct eventlog *log);

/* The entry with that id (the newest, should an id occur twice), or NULL. O(1). */
const struct eventlog_entry *eventlog_find(const struct eventlog *log, int64_t id);

/* Where one goes on who has seen all events up to the one with that id, or none yet (0): sets
 * *after to the ordinal above which the next one is. False when that cannot be told: it is not
 * here, or for 0 some have left. */
bool eventlog_resume(const struct eventlog *log, int64_t id, uint64_t *after);

/* Of an event that is not here: may it come yet? One with an id below the oldest that is kept has
 * been here, and left. */
bool eventlog_may_come(const struct eventlog *log, int64_t id);

#endif
