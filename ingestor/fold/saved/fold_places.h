/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The places that retired tiles stood at. By `source.cursor` a place holds the ids of the late
 * window, some megabytes, so tiles that went together share one. A place that is long is a record
 * of its own, MessagePack bytes, the item `number` of the member STATE_RETIRED_PLACES of tile 0,
 * and the tiles' records have its number. A short one, as that of a table whose ids grow, stands
 * in each tile's record, where older versions look for it, too.
 *
 *   retired tile ──┐
 *   retired tile ──┼──► place, counted by its users; the last one to leave takes the record away
 *   tile that has ─┘
 *   come back and is not saved yet
 */
#ifndef INGESTOR_FOLD_SAVED_FOLD_PLACES_H
#define INGESTOR_FOLD_SAVED_FOLD_PLACES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/str.h"
#include "common/state/changes.h"

/* So many bytes stand in the tile's own record. */
#define PLACE_SHORT_MAX 1024

/* What the places of retired tiles may take, in bytes. Who would take more is not kept. */
#define PLACES_BYTES_MAX ((size_t)128 << 20)

struct fold_place {
    struct str bytes;        /* owned */
    uint64_t number;         /* of its record; 0: it is short, and has none */
    size_t users;            /* retired tiles, and families that are built from it */
    bool recorded;           /* its record says so */
    struct fold_place *next; /* in fold_places.list */
};

/* Zeroed memory is none. */
struct fold_places {
    struct fold_place *list;   /* utlist; owned */
    uint64_t numbers;          /* the last one given out */
    size_t bytes;              /* of all of them */
    struct state_changes gone; /* records that have no place any more; for the next save */
};

void fold_places_free(struct fold_places *places);

/* True when there is room for that place, or it is there. */
bool fold_places_fit(const struct fold_places *places, struct str bytes);

/* The place of these bytes, for one user more. */
struct fold_place *fold_place_take(struct fold_places *places, struct str bytes);

/* The user of *place does not need it any more. NULL: there is none. */
void fold_place_leave(struct fold_places *places, struct fold_place **place);

/* Appends what has changed since the last call. */
void fold_places_save(struct fold_places *places, struct state_changes *out);

/* The store has nothing any more: all are to be saved. */
void fold_places_unsave(struct fold_places *places);

/* Loads the records. None goes before fold_places_loaded, even when a tile that took it is damaged.
 */
void fold_places_load(struct fold_places *places, const struct state_changes *saved);

/* The bytes of that number; STR_NULL: there are none, or they were damaged. */
struct str fold_places_find(const struct fold_places *places, uint64_t number);

/* All tiles are loaded: takes away the places that none of them uses. */
void fold_places_loaded(struct fold_places *places);

#endif
