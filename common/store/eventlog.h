/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The last raw events, in delivery order. Their order is that of their ordinals, and the same in
 * every process: a client that resumes after an id gets all that stands behind it here, and not all
 * that have a greater id.
 *
 *                floor                    last
 *                  ▼                        ▼
 *   ordinals   … 4 │  5   6   9   10   11        strictly increasing, with gaps
 *   ids        … 4 │  5   6   9    7   10        7 came late
 *              gone│ └────── here ───────┘
 *
 * At most `capacity` events are here, and at most `max_bytes` of them; the oldest leave to make
 * room, but for the newest one. The log owns its entries: a
 * pointer to one is valid until the next call that changes the log.
 *
 * The folder common/store is what a process holds in memory: its tiles, and its last events. It
 * stands on base, codec and wire.
 *
 * Pure: no clock, no sockets. One thread.
 */
#ifndef COMMON_STORE_EVENTLOG_H
#define COMMON_STORE_EVENTLOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/blob.h"
#include "common/base/match/matcher.h"
#include "common/base/str.h"
#include "common/base/time/clock.h"
#include "common/codec/mp.h"
#include "common/wire/event_id.h"

struct eventlog_entry {
    uint64_t ordinal;        /* > 0 */
    struct event_id id;      /* a text points into fields */
    struct blob *fields;     /* a MessagePack map: id, timestamp, event_type, … */
    struct str event_type;   /* points into fields */
    struct name_number type; /* what stands for event_type, see event_types.h */
    wall_time arrival;       /* when the ingestor read the row */
    wall_time published_at;  /* when the ingestor published it */
    wall_time timestamp;     /* fields.timestamp if it came live; {0} if a snapshot brought it */
    uint64_t redelivered;    /* fields.redelivered: the order that it came again in; 0: none */
    void *cache;   /* the owner's rendering of the event, or NULL; eventlog_set_cache sets it,
                      and free_cache frees it */
    size_t bytes;  /* what the event takes here, with its rendering */
    size_t *total; /* the log's own */
};

struct eventlog;

/* capacity >= 1, in events. max_bytes: memory of the events, with what is kept beside each and with
 * the owner's renderings. free_cache frees what hangs on an entry that leaves; it may be NULL if
 * nothing ever does. */
struct eventlog *eventlog_create(size_t capacity, size_t max_bytes,
                                 void (*free_cache)(void *cache));
void eventlog_destroy(struct eventlog **log);

/*
 * Appends an event. Returns its entry, or NULL when it was dropped as a duplicate, because its
 * ordinal is not above the last one. An event of another origin resets the log first. fields is a
 * well-formed map that has that id, and event_type; it is copied.
 */
struct eventlog_entry *eventlog_append(struct eventlog *log, uint64_t origin, uint64_t ordinal,
                                       struct event_id id, struct str fields, wall_time arrival,
                                       wall_time published_at);

/* Hangs the owner's rendering, which takes so many bytes, on an entry that has none. It counts from
 * here on, and makes others leave at the next append. */
void eventlog_set_cache(struct eventlog_entry *entry, void *cache, size_t bytes);

/* What hangs on the entry takes other memory now: so many bytes less, and so many more. */
void eventlog_resize_cache(struct eventlog_entry *entry, size_t less, size_t more);

/* Memory of the events here, as max_bytes counts it. */
size_t eventlog_bytes(const struct eventlog *log);

/* Empties the log and begins the numbering of that origin. It may be the same origin as before,
 * when events are missing that cannot be had any more. In either case the generation grows, and
 * readers must start over. */
void eventlog_reset(struct eventlog *log, uint64_t origin);

/* The numbering that the ordinals belong to; 0 before the first. */
uint64_t eventlog_origin(const struct eventlog *log);

/* Grows by one with each reset: a reader that has seen another number must start over. */
uint32_t eventlog_generation(const struct eventlog *log);

/* The ordinal of the newest event that was seen; 0 when there was none. */
uint64_t eventlog_last(const struct eventlog *log);

/* The ordinal above which all events are here. Those up to it have left, or never came. */
uint64_t eventlog_floor(const struct eventlog *log);

/* Tells the log that events up to this ordinal exist but are not to be had, as for a replica that
 * joined later. Drops those that are here, and raises the floor, and the last ordinal if it is
 * below. */
void eventlog_skip_to(struct eventlog *log, uint64_t ordinal);

/* The first entry with an ordinal above `after`, or NULL. O(log n). */
struct eventlog_entry *eventlog_after(const struct eventlog *log, uint64_t after);

/* The index of that entry; eventlog_count when there is none. Who looks through the log goes on
 * from there with eventlog_at, which is O(1). */
size_t eventlog_index_after(const struct eventlog *log, uint64_t after);

/* The entry with that index, from the oldest (0) to the newest (eventlog_count - 1). */
struct eventlog_entry *eventlog_at(const struct eventlog *log, size_t index);
size_t eventlog_count(const struct eventlog *log);

/* The entry with that id (the newest, should an id occur twice), or NULL. O(1). */
const struct eventlog_entry *eventlog_find(const struct eventlog *log, struct event_id id);

/* Reads an id as a client gives it: as what the ids of these events are, numbers or texts, or with
 * the order in which it was seen (event_id_put_order), which is a text in any case; "0" is that of
 * no event. False when it cannot be one of them. The id borrows the text. */
bool eventlog_read_id(const struct eventlog *log, struct str text, struct event_id *id);

/* True when what a client hands back, with or without its order, is of the event with that id. */
bool eventlog_means(struct event_id wanted, struct event_id id);

/* The entry that a client means by an id with or without its order, or NULL. One that came again in
 * another order is not meant by its id alone: that may have been seen in the order before. */
const struct eventlog_entry *eventlog_find_seen(const struct eventlog *log, struct event_id id);

/*
 * Finds where a reader goes on that has seen all events up to the one with that id, or none yet (an
 * id that is all zero): sets *after to the ordinal above which its next event is. False, and *after
 * left alone, when that cannot be told: because the event is not here, or was seen in another order
 * (eventlog_find_seen), or because some have left before a reader that has seen none.
 */
bool eventlog_resume(const struct eventlog *log, struct event_id id, uint64_t *after);

/* True when an event with that id, which is not here, may still come. One whose id is a number not
 * above that of the oldest entry is taken to have been here, and to have left. A text tells
 * nothing, so it always may. */
bool eventlog_may_come(const struct eventlog *log, struct event_id id);

#endif
