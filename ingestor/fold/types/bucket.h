/* SPDX-License-Identifier: Apache-2.0 */
/* One slot's rows in a window.h: how many there are, and what an aggregate keeps of their values.
 * Every function is given the aggregate, which is the window's. */
#ifndef INGESTOR_FOLD_TYPES_BUCKET_H
#define INGESTOR_FOLD_TYPES_BUCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/buf.h"
#include "common/codec/mp.h"
#include "common/config/tiles.h"
#include "ingestor/fold/number.h"
#include "ingestor/fold/rank.h"
#include "ingestor/fold/types/census.h"
#include "ingestor/fold/types/exact.h"
#include "ingestor/fold/types/ranking.h"
#include "ingestor/fold/types/sketch.h"

/* Only the members that the aggregate needs have memory, bucket_size bytes (a sum may have up to
 * 288 more, see exact.h, and a percentile has what sketch.h says, a census what census.h does, a
 * ranking what ranking.h does): do
 * not copy a bucket as a whole, nor touch the others. */
struct bucket {
    int64_t slot;   /* the number of its span of time, counted from 1970 */
    uint64_t count; /* rows in it; 0: it is empty */
    /* Their sum, smallest, largest or last value, as the aggregate says. Meaningful only when
     * `count` is not 0. */
    double value;
    /* What is needed besides, or instead of it. */
    union {
        struct exact *exact;   /* sum and avg: the whole sum, owned, and value is unused; or NULL */
        struct sketch *sketch; /* percentiles: all values, owned, and value is unused */
        struct census *census; /* distinct: which values, owned, and value is unused */
        struct ranking *ranking; /* top: the groups, owned, and value is unused */
        int32_t rest;            /* the others: as in struct number */
    };
    /* With TILE_AGGREGATE_LAST: of the row that value comes from. Meaningful only when `count` is
     * not 0. */
    struct rank last;
};

/* Bytes of a bucket: up to the last member that the aggregate needs. */
size_t bucket_size(enum tile_aggregate aggregate);

/* True when buckets may hold memory of their own. */
bool bucket_owns(enum tile_aggregate aggregate);

/* Frees what it owns, and makes it zeroed memory. */
void bucket_empty(struct bucket *bucket, enum tile_aggregate aggregate);

/* Not for rankings: top enters their rows. */
void bucket_add(struct bucket *bucket, enum tile_aggregate aggregate, const struct event *event,
                struct number value);

/* The aggregate of a bucket that has rows. False when it is a sum that is beyond all doubles, and
 * for a ranking, which is no number. */
bool bucket_value(const struct bucket *bucket, enum tile_aggregate aggregate, struct number *out);

/* Appends [slot, count, value, last_us, last_id], which ends with the last member that the
 * aggregate needs. A sum that is no double is [slot, count, nearest double, exact]: a program that
 * knows no exact sums reads the double. A percentile is [slot, count, sketch], and different
 * values are [slot, count, census], groups [slot, count, ranking]. A value of these is its hash
 * (census.h). */
void bucket_save(const struct bucket *bucket, enum tile_aggregate aggregate, struct buf *out);

/* Reads what follows slot and count, which the bucket has already. False: it is nothing of the
 * kind. */
bool bucket_load_value(struct bucket *bucket, enum tile_aggregate aggregate, const mp_value *value);

#endif
