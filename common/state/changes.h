/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The state as records, and a list of changes of them. A record has three numbers and a value:
 *
 *   tile  member  item
 *    0      0      w     of the whole state, by `w` (enum state_whole)
 *    0      m      i     part i of what is of the whole state and long (enum state_parts)
 *    t      0      0     the tile t: its key, its definition's digest, since when it counts
 *    t      m      0     a tile, or one member of a family
 *    t      m      i     one item of that member
 *
 * What is in a value is its writer's business. A store (state_store.h) keeps the records in the
 * order of their numbers, and takes a list of changes whole or not at all. The same list, sorted
 * and with values only, is what it gives back.
 *
 * A list owns the bytes of its values. It belongs to one thread at a time.
 */
#ifndef COMMON_STATE_CHANGES_H
#define COMMON_STATE_CHANGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/buf.h"
#include "common/base/str.h"

/* The items of tile 0, member 0. A number is never used for something else later. */
enum state_whole {
    STATE_PLACE = 1,           /* where the source and the numbering stood */
    STATE_WAITING = 2,         /* rows from the future */
    STATE_LEGACY = 3,          /* never stored: a whole checkpoint of a version before 0.2 */
    STATE_WAITING_COLUMNS = 4, /* which columns those rows were read from */
    STATE_DEDUPE = 5,          /* which events are known: see ingestor/dedupe/dedupe.h */
    STATE_SILENCES = 6,        /* of alerts: see ingestor/alerts/alert_record.h */
    STATE_PUT_OFF = 7,         /* which rows from the future are too many to wait */
    STATE_PUT_OFF_READING = 8, /* how far reading these again has come */
    STATE_PUT_OFF_TO = 9,      /* and up to which state of the source it goes */
    STATE_PIECE = 256, /* of the source's state, and the numbers behind it: see snapshot.h */
};

/* The members of tile 0 whose items are parts of something. */
enum state_parts {
    STATE_DEDUPE_KNOWN = 1,   /* ids of events that count */
    STATE_DEDUPE_DROPPED = 2, /* rows that do not, for their ids were known */
    STATE_ALERT = 3,          /* who was told what: see ingestor/alerts/alert_record.h */
    STATE_RETIRED_PLACES = 4, /* where tiles that are configured no more stood */
};

struct state_id {
    uint64_t tile;   /* number of the tile; 0: the record belongs to no tile */
    uint64_t member; /* number of the member in its tile; 0: the tile itself */
    uint64_t item;   /* number of the item in its member; 0: the member itself */
};

enum state_change_kind {
    STATE_PUT,         /* the record has this value now */
    STATE_ITEM_GONE,   /* the record is no more */
    STATE_MEMBER_GONE, /* nor are the member's, and its items' */
    STATE_TILE_GONE,   /* nor are all of the tile */
    STATE_ALL_GONE,    /* nor are all of this state */
};

struct state_change {
    enum state_change_kind kind; /* what happens to the record */
    struct state_id id;          /* as far as its kind looks at it */
    size_t at;                   /* STATE_PUT: where the value begins in `values` */
    size_t len;                  /* STATE_PUT: the bytes of the value */
};

/* Zeroed memory is an empty list. */
struct state_changes {
    struct state_change *list; /* in the order in which they are made; owned */
    size_t count;              /* how many there are */
    size_t cap;                /* how many there is memory for */
    struct buf values;         /* what the changes put, one behind the other */
};

void state_changes_free(struct state_changes *changes);

/* Forgets all changes, but keeps the memory. */
void state_changes_clear(struct state_changes *changes);

/* Adds a value; it is copied. */
void state_put(struct state_changes *changes, struct state_id id, struct str value);

/* The same in two steps, for a value that is written where it will stand: what is appended to the
 * buffer between the two is the value. */
struct buf *state_put_begin(struct state_changes *changes, struct state_id id);
void state_put_end(struct state_changes *changes);

/* Adds a change that takes records away. */
void state_gone(struct state_changes *changes, enum state_change_kind kind, struct state_id id);

/* Appends all of `more`, which is left as it is. */
void state_changes_append(struct state_changes *changes, const struct state_changes *more);

/* The value of a STATE_PUT; valid until the list changes. */
static inline struct str state_value(const struct state_changes *changes,
                                     const struct state_change *change)
{
    return (struct str){changes->values.data != NULL ? changes->values.data + change->at : "",
                        change->len};
}

/* Leaves of each record only what is to become of it: a value that a later change replaces or takes
 * away is dropped. Afterwards the list is sorted by number, and no record is put twice. */
void state_changes_settle(struct state_changes *changes);

/* How much memory the list takes, in bytes. */
static inline size_t state_changes_bytes(const struct state_changes *changes)
{
    return changes->values.cap + changes->cap * sizeof *changes->list;
}

/* A record is damaged: notes what is lost with it, which is its tile, a place of tiles that are
 * away, or what is known of an alert. False when it is of the whole state, so that all is lost. */
bool state_lost(struct state_changes *changes, struct state_id id);

/* The value of a record of the whole state (enum state_whole); STR_NULL when there is none. */
struct str state_whole(const struct state_changes *changes, uint64_t which);

/* A value with a sum of its bytes and of its place behind it, so that a store which keeps no sums
 * of its own gives nothing else back than what was written. */
#define STATE_SUM_BYTES 8
void state_seal(struct buf *out, struct state_id id, struct str value);

/* Takes the sum off. False when it is not that of these bytes at that place. */
bool state_unseal(struct state_id id, struct str sealed, struct str *value);

#endif
