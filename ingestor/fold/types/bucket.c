/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/fold/types/bucket.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* What of a bucket an aggregate keeps. */
enum keeping {
    KEEPS_COUNT,
    KEEPS_SUM,
    KEEPS_VALUE,
    KEEPS_LAST,
    KEEPS_SKETCH,
    KEEPS_CENSUS,
    KEEPS_RANKING
};

static enum keeping keeping(enum tile_aggregate aggregate)
{
    switch (aggregate) {
    case TILE_AGGREGATE_COUNT:
        break;
    case TILE_AGGREGATE_SUM:
    case TILE_AGGREGATE_AVG:
        return KEEPS_SUM;
    case TILE_AGGREGATE_MIN:
    case TILE_AGGREGATE_MAX:
        return KEEPS_VALUE;
    case TILE_AGGREGATE_LAST:
        return KEEPS_LAST;
    case TILE_AGGREGATE_P50:
    case TILE_AGGREGATE_P90:
    case TILE_AGGREGATE_P95:
    case TILE_AGGREGATE_P99:
        return KEEPS_SKETCH;
    case TILE_AGGREGATE_DISTINCT:
        return KEEPS_CENSUS;
    case TILE_AGGREGATE_RANKING:
        return KEEPS_RANKING;
    }
    return KEEPS_COUNT;
}

size_t bucket_size(enum tile_aggregate aggregate)
{
    switch (keeping(aggregate)) {
    case KEEPS_COUNT:
        return offsetof(struct bucket, value);
    case KEEPS_LAST:
        return sizeof(struct bucket);
    case KEEPS_SUM:
    case KEEPS_VALUE:
    case KEEPS_SKETCH:
    case KEEPS_CENSUS:
    case KEEPS_RANKING:
        break;
    }
    return offsetof(struct bucket, last);
}

bool bucket_owns(enum tile_aggregate aggregate)
{
    const enum keeping keeps = keeping(aggregate);
    return keeps != KEEPS_COUNT && keeps != KEEPS_VALUE;
}

void bucket_empty(struct bucket *bucket, enum tile_aggregate aggregate)
{
    switch (keeping(aggregate)) {
    case KEEPS_SUM:
        free(bucket->exact);
        break;
    case KEEPS_SKETCH:
        free(bucket->sketch);
        break;
    case KEEPS_CENSUS:
        free(bucket->census);
        break;
    case KEEPS_RANKING:
        ranking_destroy(&bucket->ranking);
        break;
    case KEEPS_LAST:
        rank_free(&bucket->last);
        break;
    case KEEPS_COUNT:
    case KEEPS_VALUE:
        break;
    }
    memset(bucket, 0, bucket_size(aggregate));
}

static bool sum_value(const struct bucket *bucket, struct number *out)
{
    *out = number_of_real(bucket->value);
    return bucket->exact == NULL || exact_number(bucket->exact, out);
}

static struct number number_in(const struct bucket *bucket)
{
    return (struct number){bucket->value, bucket->rest};
}

static void set_number(struct bucket *bucket, struct number number)
{
    bucket->value = number.value;
    bucket->rest = number.rest;
}

/* True when the value takes the place of the one that the bucket has. */
static bool goes_before(const struct bucket *bucket, enum tile_aggregate aggregate,
                        struct number value)
{
    return aggregate == TILE_AGGREGATE_MIN ? number_less(value, number_in(bucket))
                                           : number_less(number_in(bucket), value);
}

void bucket_add(struct bucket *bucket, enum tile_aggregate aggregate, const struct event *event,
                struct number value)
{
    const bool first = bucket->count++ == 0;
    switch (keeping(aggregate)) {
    case KEEPS_COUNT:
        break;
    case KEEPS_SUM:
        exact_take(&bucket->value, &bucket->exact, value);
        break;
    case KEEPS_VALUE:
        if (first || goes_before(bucket, aggregate, value)) {
            set_number(bucket, value);
        }
        break;
    case KEEPS_LAST:
        if (first || rank_is_before(&bucket->last, event)) {
            set_number(bucket, value);
            rank_set(&bucket->last, event);
        }
        break;
    case KEEPS_SKETCH:
        sketch_add(&bucket->sketch, value.value);
        break;
    case KEEPS_CENSUS:
        census_add(&bucket->census, (uint64_t)value.value);
        break;
    case KEEPS_RANKING:
        assert(false && "top adds to rankings itself");
        break;
    }
}

bool bucket_value(const struct bucket *bucket, enum tile_aggregate aggregate, struct number *out)
{
    switch (keeping(aggregate)) {
    case KEEPS_COUNT:
        *out = number_of_real((double)bucket->count);
        return true;
    case KEEPS_SUM:
        if (!sum_value(bucket, out)) {
            return false;
        }
        if (aggregate == TILE_AGGREGATE_AVG) {
            *out = number_of_real(out->value / (double)bucket->count);
        }
        return true;
    case KEEPS_SKETCH:
        *out = number_of_real(sketch_at(
            bucket->sketch, sketch_place(bucket->count, tile_aggregate_percent(aggregate))));
        return true;
    case KEEPS_CENSUS:
        *out = number_of_real((double)census_count(bucket->census));
        return true;
    case KEEPS_RANKING:
        return false;
    case KEEPS_VALUE:
    case KEEPS_LAST:
        break;
    }
    *out = number_in(bucket);
    return true;
}

/* ---- Saving and loading ---- */

static void save_sum(const struct bucket *bucket, struct buf *out)
{
    struct number number;
    if (bucket->exact == NULL) {
        number_put(out, number_of_real(bucket->value));
        return;
    }
    number_put(out, sum_value(bucket, &number) ? number : number_of_real(0));
    exact_save(bucket->exact, out);
}

void bucket_save(const struct bucket *bucket, enum tile_aggregate aggregate, struct buf *out)
{
    const enum keeping keeps = keeping(aggregate);
    mp_put_array(out, keeps == KEEPS_COUNT                          ? 2
                      : keeps == KEEPS_LAST                         ? 5
                      : keeps == KEEPS_SUM && bucket->exact != NULL ? 4
                                                                    : 3);
    mp_put_int(out, bucket->slot);
    mp_put_uint(out, bucket->count);
    switch (keeps) {
    case KEEPS_COUNT:
        break;
    case KEEPS_SUM:
        save_sum(bucket, out);
        break;
    case KEEPS_SKETCH:
        sketch_save(bucket->sketch, out);
        break;
    case KEEPS_CENSUS:
        census_save(bucket->census, out);
        break;
    case KEEPS_RANKING:
        ranking_save(bucket->ranking, out);
        break;
    case KEEPS_VALUE:
    case KEEPS_LAST:
        number_put(out, number_in(bucket));
        break;
    }
    if (keeps == KEEPS_LAST) {
        rank_save(&bucket->last, out);
    }
}

bool bucket_load_value(struct bucket *bucket, enum tile_aggregate aggregate, const mp_value *value)
{
    const enum keeping keeps = keeping(aggregate);
    struct number number;
    if (keeps == KEEPS_COUNT) {
        return true;
    }
    if (keeps == KEEPS_SKETCH) {
        bucket->sketch = sketch_load(mp_at(value, 2), bucket->count);
        return bucket->sketch != NULL;
    }
    if (keeps == KEEPS_CENSUS) {
        bucket->census = census_load(mp_at(value, 2));
        return bucket->census != NULL;
    }
    if (keeps == KEEPS_RANKING) {
        bucket->ranking = ranking_load(mp_at(value, 2));
        return bucket->ranking != NULL;
    }
    if (!number_get(mp_at(value, 2), &number)) {
        return false;
    }
    if (keeps != KEEPS_SUM) {
        set_number(bucket, number);
        return keeps != KEEPS_LAST || rank_load(&bucket->last, value, 3);
    }
    if (mp_count(value) == 3) {
        exact_take(&bucket->value, &bucket->exact, number);
        return true;
    }
    bucket->exact = exact_load(mp_at(value, 3));
    return bucket->exact != NULL;
}
