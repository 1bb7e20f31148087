/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The oracle of `tilewire verify`: what every tile has to be, worked out anew from all rows, by
 * brute force and by code of its own. It shares nothing with ingestor/: what both get wrong in the
 * same way has to be wrong in docs/tiles.md.
 *
 *   rows ─► oracle_select: which rows go into which tile or member ─► oracle_tile: its value at a
 *           moment, from those of its rows that had been delivered by then
 *
 * Pure: no clock, no sockets, no database.
 */
#ifndef CTL_ORACLE_ORACLE_H
#define CTL_ORACLE_ORACLE_H

#include <stdbool.h>

#include "common/base/buf.h"
#include "common/base/time/clock.h"
#include "common/wire/tally.h"
#include "ctl/oracle/type.h"

/* A tile, or a member of a family, and the rows that go into it. */
struct oracle_member {
    char *key;        /* of the tile, NUL-terminated; owned */
    struct str group; /* its value of group_by, owned by the rows; STR_NULL when no family's */
    uint32_t *picked; /* indices of rows, in the order of their ids */
    size_t count;     /* of picked */
    size_t cap;       /* of picked */
};

/* A definition's members, sorted by key. */
struct oracle_members {
    const struct oracle_rows *rows; /* borrowed */
    const struct tile_config *tile; /* the definition; borrowed */
    struct oracle_member *list;     /* in no order; owned */
    size_t count;                   /* how many there are */

    /* True when there are more groups than max_groups, or more breakdown values than are told
     * apart: what is shown then depends on when rows came, not on the rows alone. */
    bool over_limit;
};

/* The key of the tile, or of the family's member for that group. The caller frees it. */
char *oracle_key(const struct tile_config *tile, struct str group);

/* Finds a definition's members, and the rows of each. A tile that is no family has one member, even
 * if no row goes into it. rows and tile are borrowed, and outlive the members, which the caller
 * frees with oracle_members_free. */
void oracle_select(const struct oracle_rows *rows, const struct tile_config *tile,
                   struct oracle_members *out);
void oracle_members_free(struct oracle_members *members);

/*
 * Which of a member's rows count: those that were delivered up to a place and whose timestamp has
 * come at a moment, but for those that had done so at an earlier place and moment already.
 *
 *                  ordinal
 *                     ▲                      ordinals up to `last`, timestamps up to `at`
 *              last   ├──────────────┐       less those up to `after` and `after_at`
 *                     │   counts     │
 *              after  ├────────┐     │
 *                     │        │     │
 *                     └────────┴─────┴──► timestamp
 *                       after_at     at
 */
struct oracle_cut {
    const uint64_t *ordinals; /* of each row, by its index; borrowed */
    uint64_t last;            /* rows with greater ordinals had not been delivered */
    wall_time at;             /* rows with later timestamps had not come */
    uint64_t after;           /* 0, as for all that follows: nothing is left out */
    wall_time after_at; /* rows that had been delivered up to `after` and come by this moment are
                           left out */

    /* Of each row: True when it counts in no tile, as a duplicate. NULL: none is one. Borrowed. */
    const bool *left_out;

    /* Rows with lesser ids do not count if their ordinal is 0, that is, if nothing says that they
     * were delivered. */
    int64_t since_id;
};

/*
 * Appends the value, as MessagePack (type, title, refresh, group, data) that the member has at the
 * cut's moment from the rows that count. Returns false when the member is not shown then: a member
 * of a family is shown from its first row on, as long as its greatest timestamp is less than `idle`
 * ago.
 */
bool oracle_tile(const struct oracle_members *members, const struct oracle_member *member,
                 const struct oracle_cut *cut, struct buf *out);

/* True when `data` is what the member may show at the cut's moment, though oracle_tile gives
 * another: of what is approximate, all that is within its error is right. */
bool oracle_tile_allows(const struct oracle_members *members, const struct oracle_member *member,
                        const struct oracle_cut *cut, const mp_value *data);

/* The tally of the rows that count. *latest is the greatest of their timestamps, INT64_MIN when
 * there is none; it may be NULL. */
struct tally oracle_tally(const struct oracle_members *members, const struct oracle_member *member,
                          const struct oracle_cut *cut, wall_time *latest);

#endif
