/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The state of a replica, which its files share. Nobody else includes this. One thread has it all.
 *
 *     replica_reply.c    what becomes of replies
 *     replica.c          messages, time, and where the replica stands
 *     replica_sync.c     what is asked for, and when
 *     upstreams.c        which upstreams live and serve
 *     lanes.c            the sequence of each lane
 *     history.c          whether the events held are those of the ingestor's history
 *     replica_state.h    this
 *
 * Each uses only what stands below it here.
 */
#ifndef COMMON_REPLICA_REPLICA_STATE_H
#define COMMON_REPLICA_REPLICA_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/time/clock.h"
#include "common/codec/mp.h"
#include "common/replica/pace.h"
#include "common/replica/pending.h"
#include "common/replica/replica_ops.h"
#include "common/store/eventlog.h"
#include "common/store/store.h"
#include "common/wire/lane.h"
#include "common/wire/version.h"

/* An answer to any one of the last so many pings counts as a sign of life. */
#define REPLICA_PINGS_KEPT 4

/* The longest name of a server's run, with its NUL. */
#define REPLICA_INSTANCE_SIZE 64

/*
 * What is known of a lane. `synced` and `gap` say in which of three states it is:
 *
 *                      a snapshot reaches          a message, a heartbeat or a new epoch
 *                      what was announced          tells of something that has not come
 *      ┌───────────┐                   ┌─────────┐                   ┌─────────────────┐
 *      │  unknown  ├──────────────────►│  whole  ├──────────────────►│  with a gap     │
 *      │  !synced  │                   │  synced │◄──────────────────┤  synced && gap  │
 *      └───────────┘                   │  !gap   │                   └─────────────────┘
 *            ▲                         └────┬────┘  another upstream's copies, or a snapshot
 *            └──────────────────────────────┘
 *      a patch has no base here, or events are numbered anew
 *
 * A message is applied when it follows on `last`, in either of the states that are synced; else it
 * waits in `pending`. A snapshot that ends short of what was announced leaves a lane with a gap; so
 * does the first one, of an unknown lane.
 */
struct replica_lane {
    bool synced;              /* a snapshot has brought it to a version, and nothing broke since */
    bool gap;                 /* something is missing between `last` and `announced` */
    mono_time gap_since;      /* only with `gap` */
    struct version last;      /* all up to this one is applied */
    struct version announced; /* the highest that was heard of; at least `last` */
    struct pending pending;   /* messages above `last` that came ahead of a gap */
    bool heard;               /* something was heard of it since the start */
    mono_time heard_at;       /* only with `heard`: when that was, at last */
    char position[STORE_POSITION_MAX]; /* of the source, by the last heartbeat or snapshot */
    wall_time as_of;                   /* the moment that the position was true for */
};

/* A ping that may be answered yet. */
struct replica_ping {
    uint32_t tag;      /* 0: there is none */
    mono_time sent_at; /* when it was sent; means nothing without a tag */
};

/* What is known of an upstream, by its answers to pings. */
struct replica_upstream {
    bool answered;                        /* it has answered a ping since the start */
    mono_time answered_at;                /* only with `answered`: when it did so last */
    mono_time arriving_at;                /* when bytes of an answer came last; 0: never */
    mono_time pinged_at;                  /* when it was pinged last */
    mono_time moved_at;                   /* when an answer said last that it went on */
    wall_time as_of;                      /* by its last answer */
    uint64_t published;                   /* by its last answer: its versions, summed up */
    bool serving;                         /* it can be asked for snapshots */
    unsigned lanes;                       /* how many the deployment has, by this upstream */
    uint64_t lanes_owned;                 /* bit i: lane i is whole there */
    char instance[REPLICA_INSTANCE_SIZE]; /* its run, by its last answer; "": none yet */
    struct pace pace;                     /* how large a page it is asked for */
    struct replica_ping pings[REPLICA_PINGS_KEPT]; /* a ring */
    size_t next_ping;                              /* index of the oldest in the ring */
};

enum replica_sync_step { REPLICA_SYNC_IDLE, REPLICA_SYNC_TILES, REPLICA_SYNC_EVENTS };

/* The snapshot that is being fetched from an upstream, tiles first, then events. At most one is
 * under way: see replica_sync.h. */
struct replica_sync {
    enum replica_sync_step step; /* what is waited for */
    unsigned upstream;           /* the one that is asked, or was asked last */
    uint32_t tag;                /* of the request that is not answered yet */
    mono_time asked_at;          /* when that was sent */
    bool overtaken;       /* a later request was answered: the page is lost, or long in coming */
    uint32_t mark;        /* number of the snapshot: see store_mark, store_sweep */
    uint64_t next;        /* change number that the next page of tiles begins at; 0: the first one;
                             when idle, where a snapshot that stalled can go on */
    uint64_t forgotten;   /* by the first page: see answer_snapshot */
    bool asked_newest;    /* the newest events were asked for, as none were held */
    bool new_epoch;       /* with events: the log is of an earlier epoch, and is compared */
    bool paged;           /* with events: a page came */
    uint64_t asked_after; /* ordinal; 0 with `asked_newest` */
    uint64_t confirmed;   /* with events: as in struct replica, by the pages so far */
    uint64_t vouched;     /* with events: what of it the ingestor vouches for */
    uint64_t generation;  /* with events: of the server's log, by the first page */
    uint64_t continues;   /* by the server, in the last page of tiles so far */
    uint64_t accounted;   /* the same */
    uint64_t wanted;      /* bit i: the snapshot was begun for lane i */
    char instance[REPLICA_INSTANCE_SIZE]; /* of the server, by its first page */
    uint64_t lanes_owned;                 /* by the server, in the last page of tiles so far */
    struct version reached[LANES_MAX];    /* the versions in that page: S in docs/protocol.md */
    mono_time retry_at;                   /* no new snapshot is begun before this */
    unsigned failures;                    /* in a row */
};

struct replica {
    struct store *store;                  /* borrowed */
    struct eventlog *events;              /* borrowed */
    struct replica_ops ops;               /* how it speaks to its owner; copied */
    unsigned upstream_count;              /* 1 to REPLICA_UPSTREAMS_MAX */
    size_t events_max;                    /* how many events are fetched when none are here */
    unsigned lane_count;                  /* 0: not known yet */
    struct replica_lane lanes[LANES_MAX]; /* how far each lane is; the first lane_count are used */
    struct replica_upstream upstreams[REPLICA_UPSTREAMS_MAX]; /* how far each upstream is; the first
                                                                 upstream_count are used */
    struct replica_sync sync;                                 /* the snapshot that is under way */
    uint32_t next_tag;         /* the last tag that was given away; never 0 in a request */
    bool ready;                /* all lanes were whole at once */
    uint64_t confirmed;        /* ordinal up to which events were confirmed in lane 0's epoch */
    uint64_t continues;        /* as the ingestor says: see struct answer_standing */
    uint64_t accounted;        /* the same */
    size_t pending_count;      /* messages that wait in all lanes */
    size_t pending_bytes;      /* bytes of them */
    struct wire_clocks clocks; /* by the last heartbeat of lane 0 */
    struct lag lag;            /* likewise */
    struct sources_up sources; /* likewise */
    struct replica_counters counters; /* what metrics show */
    struct mp_doc body;               /* scratch for a message */
    struct mp_doc reply;              /* scratch for a reply */
    struct mp_doc held;               /* scratch for an event that is held */
};

/* True when the lane is in sync and nothing is known to be missing. */
static inline bool replica_lane_whole(const struct replica_lane *lane)
{
    return lane->synced && !lane->gap;
}

static inline bool replica_time_passed(mono_time since, int64_t ms, mono_time now)
{
    return now.us - since.us >= ms * US_PER_MS;
}

#endif
