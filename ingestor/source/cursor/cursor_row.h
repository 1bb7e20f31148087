/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What reading by `source.cursor` asks of a database: rows in the order of a pair, the cursor's
 * column and the id. Values of both are opaque here: only the database compares them, by its own
 * rules, and hands them out to be given back.
 */
#ifndef INGESTOR_SOURCE_CURSOR_CURSOR_ROW_H
#define INGESTOR_SOURCE_CURSOR_CURSOR_ROW_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/error.h"
#include "common/base/str.h"
#include "common/base/time/clock.h"
#include "ingestor/source/batch.h"
#include "ingestor/source/unusable.h"

/* Where a row stands, as its database has it. Borrowed. */
struct cursor_key {
    struct str time; /* of the cursor's column */
    struct str id;   /* of the id's */
};

/* A row in hand, valid during the call of `take`. */
struct cursor_row {
    bool placed;           /* It has both values, and a time can be made of the first one. */
    struct cursor_key key; /* meaningful only when it is placed */
    bool key_lasts;        /* The key is valid until the row after the next one is handed out. */
    wall_time time;        /* of the cursor's column; meaningful only when it is placed */
    struct str id;         /* as text, as the event has it, if that is a valid id */
    size_t asked;          /* which of the keys that `find` was given it stands at */
    const char *failure;   /* NULL; or what the database says of a row that it fails at, of which
                              only the key can be read */
};

/* Returns false when no further row is wanted. */
typedef bool cursor_take(void *arg, const struct cursor_row *row);

/* Rows behind `after` up to `until`; NULL: from the first one, and to the last. */
struct cursor_range {
    const struct cursor_key *after; /* rows behind this key; NULL: from the first one */
    const struct cursor_key
        *until;      /* rows up to this key, itself included; NULL: to the last one */
    bool keys_only;  /* Only keys are asked for: `fill` is not called. */
    size_t max_rows; /* so many of those with a place are enough; CURSOR_ALL_ROWS: no limit */
};

#define CURSOR_ALL_ROWS ((size_t)1 << 62)

struct cursor_db {
    void *arg; /* what all functions are called with */

    /* Hands out the rows of a range in their order. *more: it came to max_rows. STATUS_IO. */
    int (*scan)(void *arg, const struct cursor_range *range, cursor_take *take, void *take_arg,
                bool *more, struct error *err);

    /* Hands out the rows that stand at some keys, those that there are, in the order of the keys.
     * STATUS_IO. */
    int (*find)(void *arg, const struct cursor_key *keys, size_t count, cursor_take *take,
                void *take_arg, struct error *err);

    /* The time of the row that `behind` others are behind, in their order; 0: of the last one.
     * *found is false when there is none, or it has no place. NULL: the database is not asked.
     * STATUS_IO. */
    int (*newest)(void *arg, size_t behind, wall_time *time, bool *found, struct error *err);

    /* Fills an event from the row in hand, all but its id, ordinal and arrival; its timestamp is
     * that of the cursor's column already. Returns why the row cannot be used, or UNUSABLE_KINDS.
     */
    enum unusable (*fill)(void *arg, struct batch *batch, struct event *event);

    /* True when the table of the one identity is that of the other, with all rows that were read
     * and not deleted. NULL: when they are equal. */
    bool (*same)(void *arg, struct str before, struct str now);
};

#endif
