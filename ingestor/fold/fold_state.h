/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the parts of the fold share: member.c (one tile), family.c (the tiles of one definition),
 * fold_save.c (the state), fold.c (rows, time, handing out). Nobody else includes it. One thread.
 *
 *   fold ─┬─ family "orders"    ─── single: member "orders"
 *         │
 *         └─ family "by_shop"   ─┬─ members: member "by_shop/north"
 *              (group_by: shop)  └─          member "by_shop/south"
 *
 * Each member waits in up to two heaps, one for each clock:
 *
 *   wake     wall clock       its window slides, a deadline passes, it becomes idle
 *   publish  monotonic clock  a change that its refresh policy holds back; the keyframe of a tile
 *                             without group_by, while those of families have rounds (refresh.h)
 *
 * What has changed since the last save is in lists, members here and items in their tiles, so that
 * saving costs what has changed (fold_save.h).
 */
#ifndef INGESTOR_FOLD_FOLD_STATE_H
#define INGESTOR_FOLD_FOLD_STATE_H

#include <stdbool.h>

#include "common/base/table.h"

#include "common/base/buf.h"
#include "common/base/heap.h"
#include "common/base/str.h"
#include "common/base/time/clock.h"
#include "common/config/config.h"
#include "common/state/changes.h"
#include "common/wire/tally.h"
#include "ingestor/fold/fold_counters.h"
#include "ingestor/fold/fold_plan.h"
#include "ingestor/fold/fold_since.h"
#include "ingestor/fold/put_off.h"
#include "ingestor/fold/saved/fold_places.h"
#include "ingestor/fold/trouble.h"
#include "ingestor/fold/types/type.h"
#include "ingestor/fold/waiting.h"

/* The key in the wake heap of a member that has something to do at once: before any moment, yet so
 * that the time until then can be computed. */
#define MEMBER_AT_ONCE_US (INT64_MIN / 2)

/* The moment that a tile without rows begins at: before any row, yet so that a window's length or
 * idle_ms can be taken off it without overflow. */
#define FOLD_BEGIN ((struct moment){{INT64_MIN / 4}, {0}})

/* A tile: the only one of its definition, or the one for a group. */
struct member {
    struct family *family; /* borrowed */
    char *key;             /* of the tile, NUL-terminated; owned */
    struct str group;      /* the value of group_by, in its own memory; STR_NULL without group_by */
    wall_time latest;      /* the greatest timestamp of its rows */
    struct tally tally;    /* of its rows; not known when an older version saved it */
    wall_time arrival;     /* of the newest row since it was last handed out; {0} if none */
    wall_time source;      /* that row's timestamp */
    mono_time published;   /* when it was last handed out */
    bool ever_published;   /* handed out at least once since it was last hidden */
    bool dirty;            /* changed since it was last handed out */
    bool whole;            /* to be handed out as a keyframe at once */
    bool hidden;           /* idle: it keeps its state, but is not shown (see member.h) */
    bool urgent;           /* to be handed out at once: its status is another */
    bool status_unsure;    /* what its status looks at may have changed since it was brought up */
    struct trouble status; /* whether it is in trouble (member_status.h) */
    struct heap_item wake; /* when time has something to do for it; in fold.wake */
    struct heap_item publish; /* when it may be handed out; in fold.publish */
    uint64_t number;          /* of its record; from 1, in the order of coming */
    struct member *prev;      /* in family.unsaved */
    struct member *next;      /* the next one in family.unsaved */
    bool unsaved;             /* it is in that list */
    bool recorded; /* there is a record of it, or there is in what was handed over to be saved */
    UT_hash_handle by_group; /* links the members by `group` */
    void *state;             /* in its own memory; its type reads it */
};

/* How a tile that is new, or that was away, gets the rows that others have folded already
 * (fold_build.h). */
enum build_phase {
    BUILD_NONE,    /* it has them */
    BUILD_WAITING, /* it is not its turn yet: no row goes into it */
    BUILD_READING, /* they come in, between those that are new */
};

/* How far the keyframes of a family's members are (refresh.h). */
struct refresh_round {
    mono_time begun;     /* when it began */
    struct member *last; /* the last one that was done; NULL: none was */
    size_t done;         /* how many were */
};

/* A tile definition and its members: one, or one for each group seen. */
struct family {
    const struct tile_config *config; /* borrowed */
    const struct fold_type *type;     /* what its type does */
    struct member *members;           /* uthash by group; NULL without group_by */
    struct member *single;      /* NULL with group_by, and when another ingestor folds the tile */
    struct refresh_round round; /* how far handing them all out again has come */
    bool refused_logged;        /* the log has said that a group was refused */
    uint64_t digest;            /* of what its tiles depend on (fold_digest.h) */
    struct fold_since since;    /* the first row that its tiles could know */
    bool complete;              /* no row older than `since` is known to have gone */
    enum build_phase build;     /* whether it is being built, and how far that is */
    /* Where the rows that it lacks begin; NULL: at the first one. */
    struct fold_place *build_from;
    struct buf build_rows;   /* with build_from: the rows that waited when the tile went */
    int build_permille;      /* BUILD_READING: how much of them it has, as was last told */
    uint64_t number;         /* of its records (common/state/changes.h); 0: it has none yet */
    bool recorded;           /* its own record says what is so */
    uint64_t member_numbers; /* the last one given out */
    struct member *unsaved;  /* utlist: those that have changed since they were saved */
    struct buf gone;         /* numbers of records that have no member any more, as uint64_t */
};

/* A tile that is configured no more, as it is in the state. */
struct retired {
    struct str key;           /* owned, as `waits` is */
    uint64_t digest;          /* what its state depends on (fold_digest.h) */
    uint64_t number;          /* of its records */
    struct fold_since since;  /* the first row that it could know */
    bool complete;            /* no row older than `since` is known to have gone */
    wall_time at;             /* since when */
    struct fold_place *place; /* where the source stood then: it knows no row after that */
    struct str waits;         /* the rows that waited then; STR_NULL: none did */
    bool spoiled;             /* the clock was ahead then: what forgets has forgotten too much */
    bool recorded;            /* its record says so */
    struct retired *next;     /* in fold.retired */
};

struct fold {
    const struct config *config;   /* borrowed */
    uint64_t lanes;                /* those that are ours, a bit each */
    bool *folded;                  /* for each of config's tiles: true when its lane is ours */
    struct family *families;       /* one for each of config's tiles */
    struct fold_plans plans;       /* by type of event: the tiles that it may concern */
    struct heap wake;              /* members, by when time has something to do for them */
    struct heap publish;           /* members that have changed, by when they may be handed out */
    mono_time refresh_at;          /* when members of families are handed out again (refresh.h) */
    bool republish;                /* all tiles are to be handed out whole */
    struct waiting waiting;        /* rows from the future */
    bool waiting_full_logged;      /* the log has said that such a row was put off */
    struct put_off put_off;        /* what was put off, when its time has come */
    struct fold_counters counters; /* what metrics show */
    struct buf value;              /* scratch: the value that is being handed out */
    struct buf figures;            /* scratch: the data that a status is worked out by */
    struct mp_doc figures_doc;     /* the same, parsed */
    uint64_t numbers;              /* the last one that a tile's records got */
    bool fresh;                    /* nothing that was saved before is of any use */
    bool waiting_unsaved;          /* the rows that wait are others than those saved */
    struct state_changes carried;  /* to be saved with the next */
    struct retired *retired;       /* utlist */
    struct fold_places places;     /* where these were, and those that have just come back */
    bool since_wanted;             /* the next row is the first one that its tiles know */
    uint64_t since_seen;           /* bit i: a row of the i-th source came, while since_wanted */
    /* BUILD_READING: the first of the rows that came, of each source. */
    struct fold_since build_since[CONFIG_SOURCES_MAX];
    wall_time build_began;  /* BUILD_READING */
    struct buf build_waits; /* BUILD_READING: tally_id of the rows that waited then, sorted */
    wall_time reached; /* the latest moment until which rows were folded: the clock may go back */
    struct fold_counters build_counters; /* of rows that others have counted already */
};

#endif
