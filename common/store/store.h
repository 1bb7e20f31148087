/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tiles that a process holds: the ingestor's published ones, a cache's or a gateway's replica.
 *
 * Each change of a tile (its value, its stale flag, its removal) gets the next **change number** of
 * this process. A tile has one place in the order of changes, that of its last; walking that order
 * from where one stands gives all that is new, each tile once and with its newest value. Snapshot
 * pages, the first values of a stream, conflation and long polling are all this one walk.
 *
 *   changes   3      7      8      9          store_next(store, 7) is the tile with change 8
 *             │      │      │      │
 *             a      d    gone:c   b          c was removed: a tombstone, until
 * STORE_TOMBSTONES_MAX newer ones
 *
 * A tile expires: it is stale when nothing has refreshed it for ttl, and gone after ttl + grace.
 *
 * Pure: no clock, no sockets. One thread.
 */
#ifndef COMMON_STORE_STORE_H
#define COMMON_STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/table.h"

#include "common/base/blob.h"
#include "common/base/heap.h"
#include "common/base/match/matcher.h"
#include "common/base/str.h"
#include "common/base/time/clock.h"
#include "common/codec/mp.h"
#include "common/wire/version.h"
#include "common/wire/wire.h"

#define STORE_TOMBSTONES_MAX 4096
#define STORE_POSITION_MAX 64 /* bytes of a source position */

/* Read-only for all but the store. Lives until it is removed and forgotten; keep no pointer across
 * calls that change the store. */
struct tile {
    UT_hash_handle by_key;     /* first, beside what else is read when the tile is found */
    char *key;                 /* NUL-terminated */
    size_t key_len;            /* the bytes of `key` */
    struct name_number number; /* stands for the key as long as the tile is here */
    struct blob *value;        /* MessagePack map; NULL: this is a tombstone */
    struct version version;    /* of its last change; of its removal for a tombstone */
    unsigned lane;             /* below LANES_MAX */
    uint64_t change;           /* of this process; > 0 */
    int64_t ttl_ms;            /* stale when nothing refreshes it for so long */
    int64_t grace_ms;          /* gone when it was stale for so long */
    wall_time as_of;           /* the moment that the value is true for */
    wall_time published_at;    /* when that was published */
    wall_time arrival;         /* of the newest event in it at the ingestor; {0}: unknown */
    wall_time source;          /* that event's own timestamp; {0}: unknown */
    struct tally tally;        /* of the rows that are in it; may be unknown */
    mono_time refreshed_at;    /* the last delta or keyframe, as the origin of ttl */
    bool stale;                /* nothing has refreshed it for its ttl */
    bool expired;       /* a tombstone that time made: the same version, refreshed, revives it */
    uint32_t sync_mark; /* the replica's: which snapshot last held it */
    void *cache;        /* the owner's rendering of this change: see store_set_cache */
    char position[STORE_POSITION_MAX]; /* the source's position up to which events are counted in,
                                          NUL-terminated */

    struct heap_item expiry; /* when it turns stale, or is gone, or is forgotten as a tombstone */
    struct tile *newer;      /* in the order of changes */
    struct tile *older;      /* in the order of changes */
};

enum store_change {
    STORE_CHANGED,   /* a new version */
    STORE_REFRESHED, /* the same version, but as_of and position moved on: no new change number */
    STORE_STALE,     /* the stale flag was set or cleared, the value is as before */
    STORE_REMOVED,
};

struct store_listener {
    /* After each change, with the tile as it is now. patch: what the value was merged with, NULL if
     * it was replaced whole (or for any other kind of change). base: the version the patch applies
     * to. */
    void (*changed)(void *arg, const struct tile *tile, enum store_change change,
                    const mp_value *patch, struct version base);
    void (*free_cache)(void *cache); /* Frees what store_set_cache was given. */
    void *arg;                       /* what both are called with */
};

struct store;

/* max_tiles: tombstones not counted. listener may be NULL. */
struct store *store_create(size_t max_tiles, const struct store_listener *listener);
void store_destroy(struct store **store);

/*
 * Applies a decoded delta. One with an older version than the tile here is dropped; one with the
 * same version refreshes it, or revives it if it had expired. age_ms: how long ago the tile was
 * refreshed at the origin (snapshots carry it), so that TTLs do not start again at each hop; a
 * refresh older than the one here is dropped. STATUS_OK also for a dropped one; STATUS_AGAIN: its
 * base is not what is here, ask for the tile; STATUS_FULL: it would be tile max_tiles + 1. ttl_ms,
 * grace_ms and age_ms are at most WIRE_TTL_MAX_MS.
 */
int store_apply(struct store *store, const struct wire_tile *delta, unsigned lane,
                wall_time published_at, int64_t age_ms, mono_time now);

/* Removes a tile (a tombstone with that version stays). STATUS_NOT_FOUND when there is none. */
int store_remove(struct store *store, struct str key, struct version version);

/* Hangs the owner's rendering on a tile (or tombstone): its `cache`. What hung there is freed. */
void store_set_cache(struct store *store, const struct tile *tile, void *cache);

/* The live tile with that key, or NULL. */
const struct tile *store_get(const struct store *store, struct str key);

/* The same, or the tombstone (value is NULL) if that is what there is. */
const struct tile *store_recall(const struct store *store, struct str key);

/* Marks the tile as being in the snapshot of that number; see store_sweep. */
void store_mark(struct store *store, struct str key, uint32_t mark);

/* Removes each live tile of the lane whose mark is another and whose version is at most `limit`.
 * Returns how many. */
size_t store_sweep(struct store *store, unsigned lane, uint32_t mark, struct version limit);

/* Lets expire what is due at now. */
void store_expire(struct store *store, mono_time now);

/* When store_expire has something to do, or before that; MONO_NEVER when nothing is here. */
mono_time store_next_expiry(const struct store *store);

/* Number of the last change; 0 when there was none. */
uint64_t store_last_change(const struct store *store);

/* Changes up to this one may include removals that were forgotten: who stands before it must start
 * over. */
uint64_t store_forgotten(const struct store *store);

/* The same for whoever knows the lane's version that they have come to, here or elsewhere: at an
 * earlier one they may lack a removal that was forgotten. {0, 0} when there is none. */
struct version store_forgotten_version(const struct store *store, unsigned lane);

/* The tile (or tombstone: value is NULL) with the smallest change number above after; NULL when
 * there is none. O(1) when the walk goes on from where it was or near the end; O(log n) otherwise.
 */
const struct tile *store_next(struct store *store, uint64_t after);

size_t store_count(const struct store *store); /* live tiles */

/* How many deltas came on another lane than that of the tile, which is live. A few do when a tile
 * changes its lane; with two that publish one tile it grows on and on. */
uint64_t store_moved(const struct store *store);

/* Calls each for every live tile, in no order. common/store/store_list.h has them sorted. */
void store_each(const struct store *store, void (*each)(void *arg, const struct tile *tile),
                void *arg);

#endif
