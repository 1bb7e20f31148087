/* SPDX-License-Identifier: Apache-2.0 */
/* The record of a tile itself, and the tiles that are retired. fold_save.h has the forms. */
#ifndef INGESTOR_FOLD_SAVED_FOLD_RECORDS_H
#define INGESTOR_FOLD_SAVED_FOLD_RECORDS_H

#include "common/codec/mp.h"
#include "ingestor/fold/fold_state.h"

struct fold_record {
    struct str key;          /* the tile's key */
    uint64_t digest;         /* what its state depends on, as a number (fold_digest.h) */
    struct fold_since since; /* the first row that it could know */
    bool complete;           /* no row older than `since` is known to have gone */
    wall_time retired_at;  /* when it was taken out; means nothing for a tile that is not retired */
    struct str place;      /* where the source stood then; STR_NULL: the tile is not retired */
    uint64_t place_number; /* of the place's record (fold_places.h); 0: it stands in this one */
    struct str waits;      /* the rows that waited when it went (waiting.h), or STR_NULL */
    bool spoiled;          /* when it went, the clock was ahead */
};

/* Appends the record of the tile with that number. */
void fold_record_put(const struct fold_record *record, uint64_t number, struct state_changes *out);

/* Reads one; its texts point into the value's document. STATUS_INVALID, STATUS_NEWER. */
int fold_record_get(const mp_value *value, struct fold_record *record);

/* A tile is to be retired at the record's place: notes in it which rows wait now, for it is not
 * there when their time comes. `scratch` keeps them. False, logged and counted, when places or
 * rows of retired tiles take as much already as may be kept. */
bool fold_retired_note_waits(struct fold *fold, struct fold_record *record, struct buf *scratch);

/* Adds a retired tile; the record is copied. recorded: it is saved. */
void fold_retired_add(struct fold *fold, const struct fold_record *record, uint64_t number,
                      bool recorded);

void fold_retired_free(struct fold *fold, struct retired *retired);
void fold_retired_free_all(struct fold *fold);

#endif
