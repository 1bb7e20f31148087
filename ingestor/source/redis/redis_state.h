/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where reading of a stream of Redis stands: behind which id, how many entries had been added to
 * the stream up to there, and what the newest entries were.
 *
 *   the stream    … 7-0  8-0  9-0 │ 10-0 11-0      position 9-0
 *   anchors           8-0  9-0                      the newest entries, each by a digest
 *   runs          [3-0 to 7-0: 5] [8-0 to 9-0: 2]   entries in the order of delivery, by their
 * count
 *
 * Ids may be used again: when a stream is deleted and made anew, or when Redis starts from an older
 * copy of it. By the anchors, and by the last entry of each run, it shows what of it is the stream
 * that was read. A run says which ordinals its entries had, as long as all of them are there.
 *
 * Each batch is journaled as a record. The saved form is a whole state, and behind it the records
 * of the batches since (batch.state_appends).
 *
 *   [ format, "redis", stream, origin, numbered, record, ordinal, added, position, [run, …],
 *     [anchor, …], milestones, verified ]  [ record ]  [ record ] …
 *
 * Pure.
 */
#ifndef INGESTOR_SOURCE_REDIS_REDIS_STATE_H
#define INGESTOR_SOURCE_REDIS_REDIS_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/buf.h"
#include "common/codec/mp.h"
#include "ingestor/source/redis/redis_id.h"
#include "ingestor/source/source.h"

#define REDIS_ANCHORS_MAX 64
#define REDIS_RUN_MAX 128 /* entries of a run: so many lose their ordinals when one is deleted */
#define REDIS_ADDED_UNKNOWN (-1)

/* An entry that was read. */
struct redis_anchor {
    struct redis_id id; /* of the entry */
    uint64_t digest;    /* of its content */
};

/* Entries one behind the other. */
struct redis_run {
    struct redis_id first;    /* of the first entry */
    struct redis_anchor last; /* the last entry */
    uint32_t count;           /* 1 to REDIS_RUN_MAX */
    uint64_t ordinal;         /* of the first one */
};

/* Zero-initialised: empty. */
struct redis_runs {
    struct redis_run *list; /* in the order of delivery; owned */
    size_t count;           /* how many there are */
    size_t cap;             /* how many there is memory for */
};

/* The newest ones, the oldest first. Zero-initialised: none. */
struct redis_anchors {
    struct redis_anchor list[REDIS_ANCHORS_MAX]; /* ascending; the first `count` are used */
    size_t count;                                /* how many there are */
};

struct redis_state {
    struct redis_id position; /* what is behind it is read next */
    /* How many entries had ever been added to the stream when the one at the position was the last;
     * REDIS_ADDED_UNKNOWN: nobody knows. */
    int64_t added;
    struct redis_runs runs; /* the newest ones */
    struct redis_anchors
        anchors; /* the newest entries that were read, by which the stream is known again */
    /* Entries at ever greater distances from the first one: by them a stream is known again that
     * has lost nearly all that was read. */
    struct redis_anchors milestones;
    uint64_t milestone; /* ordinal of the last of them; 0: none */
    /* The newest entry of which it is known that the stream has it behind all that was read before;
     * what was read since may be of a stream that was made anew. Its id is zero when there is none,
     * and what is up to the ordinal will be none. */
    struct redis_anchor verified;
    uint64_t verified_ordinal; /* the ordinal of that entry, or that up to which there is none */
    uint64_t keep;             /* entries that runs are kept for */
    uint64_t origin;           /* that the ordinals belong to */
    uint64_t numbered;         /* ordinals from this one on belong to the origin */
    uint64_t ordinal;          /* of the last entry */
    uint64_t record;           /* number of the last one */
    size_t whole_bytes;        /* bytes of the last whole state */
    size_t record_bytes;       /* of the records since; SIZE_MAX: a whole state is due */
};

void redis_state_free(struct redis_state *state);

/* Ordinals begin a new numbering. Returns its origin. */
uint64_t redis_state_renumber(struct redis_state *state);

/* True for an entry that was read, as far as that is remembered. */
bool redis_state_knows(const struct redis_state *state, struct redis_anchor entry);

/* The stream is the one that was read, up to the last entry that was delivered. */
void redis_state_verify(struct redis_state *state);

/* It is not, or has lost entries: nothing that was delivered is verified from now on. */
void redis_state_doubt(struct redis_state *state);

/* ---- Records ---- */

/* A record that is being made. Zero-initialised: empty. */
struct redis_draft {
    struct redis_runs runs; /* what is delivered, in that order */
    bool moved;             /* The position is another one, whatever was delivered. */
};

/* The entry is the next one: moves the position, and returns its ordinal. */
uint64_t redis_draft_deliver(struct redis_draft *draft, struct redis_state *state,
                             struct redis_anchor entry);

/* The entry is passed over, because it was delivered before. */
void redis_draft_pass(struct redis_draft *draft, struct redis_state *state, struct redis_id id);

/* Reading goes on behind another position. */
void redis_draft_move(struct redis_draft *draft, struct redis_state *state,
                      struct redis_id position, int64_t added);

bool redis_draft_empty(const struct redis_draft *draft);

/* Appends the record, whose runs are part of the state from then on. */
void redis_draft_put(struct redis_draft *draft, struct redis_state *state, struct buf *out);
void redis_draft_free(struct redis_draft *draft);

/* A record that was read. */
struct redis_record {
    uint64_t number;              /* of the record; they grow */
    int64_t added;                /* as in struct redis_state */
    struct redis_id position;     /* as in struct redis_state */
    struct redis_runs runs;       /* the runs delivered with it */
    struct redis_anchors anchors; /* as in struct redis_state */
    struct redis_anchor verified; /* as in struct redis_state */
    uint64_t verified_ordinal;    /* as in struct redis_state */
};

/* Its number alone; 0 when the value is no record. */
uint64_t redis_record_number(const mp_value *value);

/* False when it is none; the caller frees it in either case. */
bool redis_record_read(const mp_value *value, struct redis_record *out);
void redis_record_free(struct redis_record *record);

/* What the record says was delivered. */
void redis_state_apply(struct redis_state *state, const struct redis_record *record);

/* ---- The saved form ---- */

void redis_state_save(struct redis_state *state, const char *stream, struct buf *out);

/* Loads a state of that stream into one that is empty. False when it is none. */
bool redis_state_load(struct redis_state *state, const char *stream, struct str saved);

/* source_ops.state_is_newer */
bool redis_state_is_newer(struct str saved);

#endif
