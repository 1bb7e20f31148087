/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What of a state's records a person is told: where the source stood, and which tiles there are.
 * Their forms are those of ingestor/snapshot.h and ingestor/fold/saved/fold_save.h. Pure.
 */
#ifndef CTL_STATE_RECORDS_H
#define CTL_STATE_RECORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/error.h"
#include "common/base/time/clock.h"
#include "common/config/config.h"
#include "common/state/changes.h"

struct record_tile {
    uint64_t number;      /* of its records */
    char *key;            /* NULL: the records are damaged; nothing but the number counts then */
    size_t records;       /* how many it has, with those of its members and items */
    size_t bytes;         /* of the records' values */
    char *position;       /* of the first row that it could know; NULL: not known */
    wall_time since;      /* that row's timestamp, or when the tile began */
    bool complete;        /* False when older rows are known to be gone. */
    bool retired;         /* It is configured no more, and forgotten a day after retired_at. */
    wall_time retired_at; /* when that was; means nothing unless it is retired */
};

/* The tiles of a state, in the order of their records. */
struct record_tiles {
    struct record_tile *list; /* owned */
    size_t count;             /* how many there are */
};

/* Reads the tiles of a state that was loaded (state_store.h). On success the caller frees them with
 * records_free_tiles. STATUS_INVALID: nobody can go on from the state; STATUS_NEWER: a newer
 * version wrote it, or a tile of it. A state of a version before 0.2 is STATUS_INVALID. */
int records_read_tiles(const struct state_changes *records, struct record_tiles *out,
                       struct error *err);
void records_free_tiles(struct record_tiles *tiles);

/* Whether an ingestor with that configuration could go on from the state. STATUS_INVALID: its place
 * is in another table, or there is none. */
int records_check_place(const struct state_changes *records, const struct config *config,
                        struct error *err);

#endif
