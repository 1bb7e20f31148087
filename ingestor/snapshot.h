/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What of the saved state is of no single tile: where the source and the numbering stood. One
 * record (STATE_PLACE), MessagePack: [format, epoch, ordinal, origin, source state, as_of, scheme,
 * table, delivered].
 */
#ifndef INGESTOR_SNAPSHOT_H
#define INGESTOR_SNAPSHOT_H

#include <stdint.h>

#include "common/base/error.h"
#include "common/state/changes.h"
#include "ingestor/fold/fold.h"
#include "ingestor/source/source.h"

struct snapshot {
    uint64_t epoch;
    uint64_t ordinal;   /* of the last event folded */
    uint64_t origin;    /* the numbering that it belongs to */
    struct str source;  /* its state; borrowed; from snapshot_load: within the changes read */
    struct str scheme;  /* that of the source whose state it is; borrowed as well */
    uint64_t table;     /* a digest of which table it is (snapshot_table); 0: not known */
    uint64_t delivered; /* events that were ever delivered of it; 0: not known */
    wall_time as_of;    /* the moment that the tiles have come to; WALL_NEVER: what forgets must not
                           go on from them; {0} when that is not known */
};

/* Which table a source reads, and by which columns: what a place in it means nothing without. */
uint64_t snapshot_table(const struct config_source *source);

/* Adds the record. */
void snapshot_put(const struct snapshot *snapshot, struct state_changes *out);

/* How snapshot_load loads. */
struct snapshot_load {
    const struct source_ops *source;
    uint64_t table; /* of the source */
    wall_time now;
    bool was_ahead; /* out: the tiles are those of a clock that was ahead */
    bool legacy;    /* out: the state is that of a version before 0.2 */
    size_t loaded;  /* out: tiles that go on */
    size_t damaged; /* out: tiles whose records are damaged, and which are built anew */
};

/* Fills the snapshot, and the fold, which was just created. STATUS_INVALID: nobody can go on from
 * the state; STATUS_NEWER: a newer version of Tilewire wrote all or part of it, and it must not be
 * written over. err says why. The fold must be destroyed then, and of the snapshot only epoch
 * counts (0: not even that could be read). */
int snapshot_load(struct snapshot *snapshot, const struct state_changes *saved,
                  struct snapshot_load *how, struct fold *fold, struct error *err);

#endif
