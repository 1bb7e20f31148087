/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Places that the position has had, some hundred in a late window. What lies before the floor, one
 * of them, is never looked at again.
 *
 *   rows    ──┼───────────┼───┼───┼───┼───┼───┼───►
 *          marks[0]     floor                position
 *           history │ late window: looked at again
 *
 * Pure.
 */
#ifndef INGESTOR_SOURCE_CURSOR_CURSOR_MARKS_H
#define INGESTOR_SOURCE_CURSOR_CURSOR_MARKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/buf.h"
#include "common/codec/mp.h"
#include "ingestor/source/cursor/cursor_row.h"

/* A place in the order of rows. Zero-initialised: before all rows. */
struct cursor_mark {
    struct buf time;  /* its key; empty: before all rows */
    struct buf id;    /* its key */
    int64_t us;       /* the time of the cursor's column */
    uint64_t ordinal; /* the last one that was given when the position was there */
};

void cursor_mark_set(struct cursor_mark *mark, const struct cursor_row *row);
void cursor_mark_free(struct cursor_mark *mark);

/* NULL in *key's place: before all rows. */
const struct cursor_key *cursor_mark_key(const struct cursor_mark *mark, struct cursor_key *key);

/* Appends [time, id, us, ordinal], or nil for the place before all rows. */
void cursor_mark_save(const struct cursor_mark *mark, struct buf *out);
bool cursor_mark_load(struct cursor_mark *mark, const mp_value *value);

/* Zero-initialised: none. */
struct cursor_marks {
    struct cursor_mark *list; /* in their order */
    size_t count;             /* how many there are */
    size_t cap;               /* how many there is memory for */
    size_t floor; /* how many of the list lie at the floor or before; 0: there is no floor */
};

void cursor_marks_free(struct cursor_marks *marks);

/* Adds a copy of the position, unless the last mark is too near: less than step_us and
 * CURSOR_MARK_ROWS ordinals before. */
#define CURSOR_MARK_ROWS 4096
void cursor_marks_add(struct cursor_marks *marks, const struct cursor_mark *position,
                      int64_t step_us);

/* Makes the position the floor, and forgets all other marks. */
void cursor_marks_floor_at(struct cursor_marks *marks, const struct cursor_mark *position);

/* The last mark whose time is `us` or before; NULL: there is none. */
const struct cursor_mark *cursor_marks_before(const struct cursor_marks *marks, int64_t us);

/* Moves the floor to the last mark whose time is `us` or before; never back. */
void cursor_marks_raise(struct cursor_marks *marks, int64_t us);

/* The floor; NULL: there is none. */
const struct cursor_mark *cursor_marks_floor(const struct cursor_marks *marks);

/* Forgets marks before the floor that have another one up to that ordinal behind them. */
void cursor_marks_forget(struct cursor_marks *marks, uint64_t ordinal);

/* Appends [floor, [mark, …]]. */
void cursor_marks_save(const struct cursor_marks *marks, struct buf *out);
bool cursor_marks_load(struct cursor_marks *marks, const mp_value *value);

#endif
