/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values over time in slots of equal width, or in the days, weeks or months of the calendar: the
 * window of a count, the buckets of a trend.
 *
 * A row belongs to slot floor(timestamp / width), or to the period that its timestamp lies in
 * (calendar.h). So slots are numbered from 1970, and time alone says which of them are shown. With
 * length = 5 and now = 107:
 *
 *     slot     102   103   104   105   106   107   108   109   110   …
 *            ───────┬─────────────────────────────┬────────────────────
 *         forgotten │   in the ring, and shown    │ future
 *                   └ now - length + 1        now ┘
 *
 *     ring    [ 105 | 106 | 107 | 103 | 104 ]       slot s at place s modulo length
 *     future  [ 109 | 112 ]                         sorted, and only slots that have rows
 *
 * When now becomes 109, places 103 and 104 are emptied. So what is shown depends on the rows and on
 * the time alone, and not on the order in which rows came.
 *
 * The fold holds rows from the future back until their time (waiting.h). But in a checkpoint of
 * version 0.1.0 a window has future slots of its own, at most WINDOW_FUTURE_MAX: those are loaded,
 * and move into the ring when their slot begins, as 109 here into the place that 104 had.
 */
#ifndef INGESTOR_FOLD_TYPES_WINDOW_H
#define INGESTOR_FOLD_TYPES_WINDOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/buf.h"
#include "common/base/time/clock.h"
#include "common/codec/mp.h"
#include "common/config/tiles.h"
#include "ingestor/fold/number.h"
#include "ingestor/fold/types/bucket.h"
#include "ingestor/fold/types/calendar.h"

#define WINDOW_FUTURE_MAX 4096

struct window {
    int64_t width_us;              /* of a slot; 0: they are the periods of the calendar */
    struct calendar calendar;      /* its period is NONE when slots have a width */
    uint32_t length;               /* slots in the ring */
    enum tile_aggregate aggregate; /* what is kept of the rows of a bucket */
    size_t stride;                 /* bytes of a bucket with this aggregate */
    char *ring;                    /* `length` buckets; NULL until the first row */
    char *future;                  /* future_count buckets, sorted by slot */
    size_t future_count;           /* buckets in `future` */
    size_t future_cap;             /* buckets that `future` has memory for */
    int64_t now;                   /* the slot that the last advance reached */
    int64_t begins_us;             /* when that slot begins */
    int64_t ends_us;               /* when the next one begins */
    uint64_t total;                /* rows in the ring */
    int64_t oldest;       /* the oldest slot in the ring with rows; means nothing when total is 0 */
    bool keeps_whole;     /* `whole` is kept up to date */
    struct sketch *whole; /* all values of the ring, owned; NULL: there were none yet */
};

/* Makes an empty window that stands at now. width_us and length are at least 1. */
void window_init(struct window *window, int64_t width_us, uint32_t length,
                 enum tile_aggregate aggregate, wall_time now);
/* The same with the periods of the calendar as slots. */
void window_init_calendar(struct window *window, struct calendar calendar, uint32_t length,
                          enum tile_aggregate aggregate, wall_time now);
void window_finish(struct window *window);

/* Keeps what all buckets have together, from the start on. The aggregate is a percentile. */
void window_keep_whole(struct window *window);

/* When a slot begins, in µs since 1970; INT64_MAX when that is too far in the future. */
int64_t window_begin_us(const struct window *window, int64_t slot);

/* Adds an event's value, which is not later than the last advance. False when nothing changed,
 * because its slot is forgotten already. */
bool window_add(struct window *window, const struct event *event, struct number value);

/* The bucket of an instant, which is not later than the last advance, with one more row; the caller
 * adds the rest of it. NULL when its slot is forgotten already. */
struct bucket *window_enter(struct window *window, wall_time at);

/* Moves the window on to now; it never moves back. Returns true when the content of the ring has
 * changed, or another period has begun. */
bool window_advance(struct window *window, wall_time now);

/* When the content of the ring changes next without a row: a slot is forgotten, or a future one
 * comes; or when the next period begins. WALL_NEVER if never. */
wall_time window_next(const struct window *window);

/* The first bucket with rows after `slot` in the ring, or NULL. Start with INT64_MIN. */
const struct bucket *window_after(const struct window *window, int64_t slot);

/* The aggregate of a bucket of the window; it must have rows. False when it is a sum that is beyond
 * all doubles. */
bool window_value(const struct window *window, const struct bucket *bucket, struct number *out);

/* Appends [now, [bucket, …]] (bucket.h), with the ring's buckets and then the future ones. */
void window_save(const struct window *window, struct buf *out);

/* Loads what window_save wrote into a window that was just initialised. False when the value is
 * nothing that a window of these dimensions saves; the window is then only good for window_finish.
 */
bool window_load(struct window *window, const mp_value *value);

#endif
