/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values over time in slots of equal width: the sliding window of a count, the buckets of a trend.
 *
 *            ◄──────── length slots ────────►
 *   forgotten │ ring: slot now-length+1 … now │ future: sorted, at most WINDOW_FUTURE_MAX
 *                                        now ─┘
 *
 * A row goes into the slot of its own timestamp, floor(timestamp / width). A slot from the future
 * waits until time gets there. So what is in the ring depends on the rows and on the time alone,
 * not on the order of rows.
 */
#ifndef INGESTOR_FOLD_TYPES_WINDOW_H
#define INGESTOR_FOLD_TYPES_WINDOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/buf.h"
#include "common/base/clock.h"
#include "common/codec/mp.h"
#include "common/config/tiles.h"

#define WINDOW_FUTURE_MAX 4096

/* One slot. Only the members that the aggregate needs have memory: do not copy or touch others. */
struct bucket {
    int64_t slot;
    uint64_t count;  /* 0: empty, and all below is meaningless */
    double value;    /* sum, min, max or last */
    int64_t last_us; /* of AGGREGATE_LAST: the row that value comes from */
    int64_t last_id;
};

struct window {
    int64_t width_us;
    uint32_t length;
    enum tile_aggregate aggregate;
    size_t stride; /* bytes of a bucket, by aggregate */
    char *ring;    /* length buckets, slot modulo length; NULL until the first row */
    char *future;  /* sorted by slot */
    size_t future_count;
    size_t future_cap;
    int64_t now;    /* slot of the last advance */
    uint64_t total; /* rows in the ring */
    int64_t oldest; /* the oldest slot in the ring that is not empty; meaningless when total is 0 */
};

/* width_us > 0, length > 0. now is where the window stands at first. */
void window_init(struct window *window, int64_t width_us, uint32_t length,
                 enum tile_aggregate aggregate, wall_time now);
void window_finish(struct window *window);

enum window_added { WINDOW_TOO_OLD, WINDOW_CHANGED, WINDOW_FUTURE, WINDOW_DROPPED };

/* Adds a row. WINDOW_CHANGED: the ring has it; WINDOW_DROPPED: there are too many future slots. */
enum window_added window_add(struct window *window, wall_time timestamp, int64_t id, double value);

/* Moves to now (never back). Returns whether the ring's content changed. */
bool window_advance(struct window *window, wall_time now);

/* When the ring's content changes by itself next: a slot leaves, or a future one comes. WALL_NEVER
 * if never. */
wall_time window_next(const struct window *window);

/* The non-empty bucket after `slot` in the ring, or NULL. Start with INT64_MIN. */
const struct bucket *window_after(const struct window *window, int64_t slot);

/* What a bucket shows. */
double window_value(const struct window *window, const struct bucket *bucket);

void window_save(const struct window *window, struct buf *out);
/* Into a window just initialised. False when the value is no saved window of these dimensions. */
bool window_load(struct window *window, const mp_value *value);

#endif
