/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What replica.c (messages, lanes), replica_sync.c (what is asked, and when) and replica_reply.c
 * (what is answered) share. Nobody else includes it.
 */
#ifndef COMMON_REPLICA_REPLICA_STATE_H
#define COMMON_REPLICA_REPLICA_STATE_H

#include "common/replica/pending.h"
#include "common/replica/replica.h"

#define PINGS_KEPT 4 /* an answer to one of the last so many pings counts */

struct lane {
    bool synced;              /* a snapshot made it whole once; `last` means something */
    struct version last;      /* applied without a gap */
    struct version announced; /* the highest heard of; >= last */
    struct pending pending;
    bool gap;
    mono_time gap_since;
    mono_time heard_at;
    bool heard;
    char position[STORE_POSITION_MAX];
    wall_time as_of;
};

struct upstream_state {
    bool answered; /* ever */
    mono_time answered_at;
    mono_time pinged_at;
    bool serving;
    unsigned lanes;
    uint64_t lanes_owned;
    char instance[64];
    uint32_t ping_tags[PINGS_KEPT];
    size_t next_ping;
};

/* A walk through an upstream's snapshot, then its events. At most one is under way. */
enum sync_step { SYNC_IDLE, SYNC_TILES, SYNC_EVENTS };

struct sync {
    enum sync_step step;
    unsigned upstream;
    uint32_t tag;
    mono_time asked_at;
    uint32_t mark;
    uint64_t next;
    uint64_t asked_after;         /* ordinal; 0: for the newest events */
    uint64_t wanted;              /* bit i: it was begun for lane i */
    char instance[64];            /* of the server, from the first page on */
    uint64_t lanes_owned;         /* by the server, in the last page */
    struct version s1[LANES_MAX]; /* versions in the last page of tiles */
    mono_time retry_at;           /* no new one before this */
    unsigned failures;            /* in a row */
};

struct replica {
    struct store *store;
    struct eventlog *events;
    struct replica_ops ops;
    unsigned upstream_count;
    size_t events_max;
    unsigned lane_count; /* 0: not known yet */
    struct lane lanes[LANES_MAX];
    struct upstream_state upstreams[REPLICA_UPSTREAMS_MAX];
    struct sync sync;
    uint32_t next_tag;
    bool ready;
    size_t pending_count;
    size_t pending_bytes;
    struct replica_counters counters;
    struct mp_doc body;
    struct mp_doc reply;
};

/* In sync, with nothing missing that we know of. */
static inline bool lane_whole(const struct lane *lane)
{
    return lane->synced && !lane->gap;
}

/* The lane stands at the state S1 >= last now: applies what waits and follows; whole or not. */
void replica_lane_jump(struct replica *r, struct lane *lane, struct version s1, mono_time now);

/* Drops what waits in that lane. */
void replica_lane_forget(struct replica *r, struct lane *lane);

/* After anything that may have made a lane whole. */
void replica_note_ready(struct replica *r);

static inline bool time_passed(mono_time since, int64_t ms, mono_time now)
{
    return now.us - since.us >= ms * US_PER_MS;
}

/* The next page of the walk that is under way. */
void replica_ask_tiles(struct replica *r, mono_time now);
void replica_ask_events(struct replica *r, mono_time now);

/* The walk failed, or was of no use: try again soon, later and later while it goes on failing. */
void replica_sync_abandon(struct replica *r, mono_time now);

/* Pings, timeouts and the start of snapshots. */
void replica_sync_tick(struct replica *r, mono_time now);
mono_time replica_sync_due(const struct replica *r, mono_time now);

#endif
