/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What of the saved state is of no single tile: where the source and the numbering stood. One
 * record (STATE_PLACE), MessagePack: [format, epoch, ordinal, origin, source state, as_of, scheme,
 * table, delivered, pieces].
 *
 * The state of a source may be megabytes, to which each batch appends (batch.state_appends). So its
 * first part lies in so many pieces, records of their own from STATE_PIECE on, and what is in the
 * record itself comes behind them. A save writes what was appended since, and no more than
 * SNAPSHOT_TAIL_MAX again.
 */
#ifndef INGESTOR_SNAPSHOT_H
#define INGESTOR_SNAPSHOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/buf.h"
#include "common/base/error.h"
#include "common/state/changes.h"
#include "ingestor/fold/fold.h"
#include "ingestor/source/source.h"

#define SNAPSHOT_TAIL_MAX ((size_t)16 << 10)

/* How much of the source's state lies in pieces. Zero-initialised: nothing. */
struct snapshot_pieces {
    size_t bytes;   /* of the state, from its first byte on */
    uint64_t count; /* of records */
    uint64_t most;  /* that may have been stored; those behind `count` are of an earlier state */
    bool stale;     /* they are to be taken away */
};

/* The source has another state, which does not begin as the one before did; or it is not known what
 * is stored. */
void snapshot_pieces_anew(struct snapshot_pieces *pieces);

struct snapshot_again {
    uint64_t first; /* the ordinal of the first one */
    uint64_t last;  /* that of the last one; 0: there are none */
};

struct snapshot {
    uint64_t epoch;     /* of the ingestor that saved it */
    uint64_t ordinal;   /* of the last event folded */
    uint64_t origin;    /* the numbering that it belongs to */
    struct str source;  /* its state; borrowed; from snapshot_load: within the changes read, or
                           `joined` */
    struct str scheme;  /* that of the source whose state it is; borrowed as well */
    uint64_t table;     /* a digest of which table it is (state_table); 0: not known */
    uint64_t delivered; /* events that were ever delivered of it; 0: not known */
    wall_time as_of;    /* the moment that the tiles have come to; WALL_NEVER, which older versions
                           wrote: rows are missing; {0} when that is not known */
    struct snapshot_again again;   /* rows that may have been delivered before, in another order */
    struct snapshot_pieces pieces; /* from snapshot_load: how the state lies in the store */
    struct buf joined;             /* from snapshot_load: the state, of all pieces */
};

/* Of what snapshot_load filled. */
void snapshot_free(struct snapshot *snapshot);

/* Adds the record, and a piece of what is not in one and too long for the record. */
void snapshot_put(const struct snapshot *snapshot, struct snapshot_pieces *pieces,
                  struct state_changes *out);

/* How snapshot_load loads. */
struct snapshot_load {
    const struct source_ops *source; /* of the source */
    const struct config *config;     /* of several sources: which they are; else unused */
    uint64_t table;                  /* of the source */
    wall_time now;                   /* the moment of loading */
    bool was_ahead;                  /* out: the tiles are those of a clock that was ahead */
    bool legacy;                     /* out: the state is that of a version before 0.2 */
    size_t loaded;                   /* out: tiles that go on */
    size_t damaged; /* out: tiles whose records are damaged, and which are built anew */
};

/* Fills the snapshot, and the fold, which was just created. STATUS_INVALID: nobody can go on from
 * the state; STATUS_NEWER: a newer version of Tilewire wrote all or part of it, and it must not be
 * written over. err says why. The fold must be destroyed then, and of the snapshot only epoch
 * counts (0: not even that could be read). */
int snapshot_load(struct snapshot *snapshot, const struct state_changes *saved,
                  struct snapshot_load *how, struct fold *fold, struct error *err);

#endif
