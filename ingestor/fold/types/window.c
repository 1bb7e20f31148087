/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/fold/types/window.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/xalloc.h"

/* Bytes of a bucket: up to the last member that the aggregate needs. */
static size_t stride_of(enum tile_aggregate aggregate)
{
    switch (aggregate) {
    case TILE_AGGREGATE_COUNT:
        return offsetof(struct bucket, value);
    case TILE_AGGREGATE_LAST:
        return sizeof(struct bucket);
    case TILE_AGGREGATE_SUM:
    case TILE_AGGREGATE_AVG:
    case TILE_AGGREGATE_MIN:
    case TILE_AGGREGATE_MAX:
        break;
    }
    return offsetof(struct bucket, last);
}

/* The slot of an instant. Most instants lie in the newest. */
static int64_t slot_of(const struct window *window, int64_t us)
{
    if (us >= window->begins_us && us < window->ends_us) {
        return window->now;
    }
    return window->width_us != 0 ? civil_floor_div(us, window->width_us)
                                 : calendar_number(&window->calendar, us);
}

int64_t window_begin_us(const struct window *window, int64_t slot)
{
    if (window->width_us == 0) {
        return calendar_begin_us(&window->calendar, slot);
    }
    int64_t us;
    return __builtin_mul_overflow(slot, window->width_us, &us) ? INT64_MAX : us;
}

static void stand_at(struct window *window, int64_t slot)
{
    window->now = slot;
    window->begins_us = window_begin_us(window, slot);
    window->ends_us = window_begin_us(window, slot + 1);
}

void window_init(struct window *window, int64_t width_us, uint32_t length,
                 enum tile_aggregate aggregate, wall_time now)
{
    *window = (struct window){.width_us = width_us,
                              .length = length,
                              .aggregate = aggregate,
                              .stride = stride_of(aggregate)};
    stand_at(window, slot_of(window, now.us));
}

void window_init_calendar(struct window *window, struct calendar calendar, uint32_t length,
                          enum tile_aggregate aggregate, wall_time now)
{
    *window = (struct window){.calendar = calendar,
                              .length = length,
                              .aggregate = aggregate,
                              .stride = stride_of(aggregate)};
    stand_at(window, slot_of(window, now.us));
}

static struct bucket *ring_place(const struct window *window, size_t index)
{
    return (struct bucket *)(void *)(window->ring + index * window->stride);
}

static struct bucket *ring_at(const struct window *window, int64_t slot)
{
    const int64_t length = window->length;
    return ring_place(window, (size_t)((slot % length + length) % length));
}

static struct bucket *future_at(const struct window *window, size_t index)
{
    return (struct bucket *)(void *)(window->future + index * window->stride);
}

static bool sums(const struct window *window)
{
    return window->aggregate == TILE_AGGREGATE_SUM || window->aggregate == TILE_AGGREGATE_AVG;
}

static void bucket_empty(const struct window *window, struct bucket *bucket)
{
    if (sums(window)) {
        free(bucket->exact);
    } else if (window->aggregate == TILE_AGGREGATE_LAST) {
        rank_free(&bucket->last);
    }
    memset(bucket, 0, window->stride);
}

/* True when its buckets may hold memory of their own. */
static bool owns(const struct window *window)
{
    return sums(window) || window->aggregate == TILE_AGGREGATE_LAST;
}

void window_finish(struct window *window)
{
    for (size_t i = 0; owns(window) && window->ring != NULL && i < window->length; i++) {
        bucket_empty(window, ring_place(window, i));
    }
    for (size_t i = 0; owns(window) && i < window->future_count; i++) {
        bucket_empty(window, future_at(window, i));
    }
    free(window->ring);
    free(window->future);
}

/* Adds to a sum. It is a double as long as one can hold it, which is nearly free. */
static void sum_add(struct bucket *bucket, struct number number)
{
    if (bucket->exact == NULL) {
        const double sum = bucket->value + number.value;
        const double added = sum - bucket->value; /* what of the number is in the sum */
        const double lost = (bucket->value - (sum - added)) + (number.value - added);
        if (lost == 0 && number.rest == 0) { /* not when the sum is infinite: lost is NaN then */
            bucket->value = sum;
            return;
        }
        exact_add(&bucket->exact, bucket->value);
    }
    exact_add(&bucket->exact, number.value);
    if (number.rest != 0) {
        exact_add(&bucket->exact, number.rest);
    }
}

static bool bucket_sum(const struct bucket *bucket, struct number *out)
{
    *out = number_of_real(bucket->value);
    return bucket->exact == NULL || exact_number(bucket->exact, out);
}

static struct number bucket_number(const struct bucket *bucket)
{
    return (struct number){bucket->value, bucket->rest};
}

static void bucket_set(struct bucket *bucket, struct number number)
{
    bucket->value = number.value;
    bucket->rest = number.rest;
}

static void bucket_add(const struct window *window, struct bucket *bucket,
                       const struct event *event, struct number value)
{
    const bool first = bucket->count++ == 0;
    switch (window->aggregate) {
    case TILE_AGGREGATE_COUNT:
        break;
    case TILE_AGGREGATE_SUM:
    case TILE_AGGREGATE_AVG:
        sum_add(bucket, value);
        break;
    case TILE_AGGREGATE_MIN:
        if (first || number_less(value, bucket_number(bucket))) {
            bucket_set(bucket, value);
        }
        break;
    case TILE_AGGREGATE_MAX:
        if (first || number_less(bucket_number(bucket), value)) {
            bucket_set(bucket, value);
        }
        break;
    case TILE_AGGREGATE_LAST:
        if (first || rank_is_before(&bucket->last, event)) {
            bucket_set(bucket, value);
            rank_set(&bucket->last, event);
        }
        break;
    }
}

/* The future bucket of that slot, made when it is missing; NULL when there are too many. */
static struct bucket *future_bucket(struct window *window, int64_t slot)
{
    size_t low = 0;
    size_t high = window->future_count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (future_at(window, middle)->slot < slot) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low < window->future_count && future_at(window, low)->slot == slot) {
        return future_at(window, low);
    }
    if (window->future_count == WINDOW_FUTURE_MAX) {
        return NULL;
    }
    if (window->future_count == window->future_cap) {
        window->future_cap = window->future_cap != 0 ? window->future_cap * 2 : 4;
        window->future = x_reallocarray(window->future, window->future_cap, window->stride);
    }
    memmove(future_at(window, low + 1), future_at(window, low),
            (window->future_count - low) * window->stride);
    window->future_count++;
    struct bucket *bucket = future_at(window, low);
    memset(bucket, 0, window->stride);
    bucket->slot = slot;
    return bucket;
}

static void make_ring(struct window *window)
{
    if (window->ring == NULL) {
        window->ring = x_calloc(window->length, window->stride);
    }
}

bool window_add(struct window *window, const struct event *event, struct number value)
{
    const int64_t slot = slot_of(window, event->timestamp.us);
    assert(slot <= window->now);
    if (slot <= window->now - (int64_t)window->length) {
        return false;
    }
    make_ring(window);
    struct bucket *bucket = ring_at(window, slot);
    bucket->slot = slot;
    bucket_add(window, bucket, event, value);
    window->oldest = window->total == 0 || slot < window->oldest ? slot : window->oldest;
    window->total++;
    return true;
}

/* Empties the places of the slots that are no longer in the window when it stands at `now`: from
 * the first that it has to the last that it loses, but no place twice. */
static bool forget_until(struct window *window, int64_t now)
{
    bool changed = false;
    if (window->ring == NULL || window->total == 0) {
        return false;
    }
    const int64_t length = window->length;
    const int64_t first = window->now - length + 1;
    const int64_t last = now - length < window->now ? now - length : window->now;
    for (int64_t slot = first; slot <= last; slot++) {
        struct bucket *bucket = ring_at(window, slot);
        if (bucket->count != 0) {
            window->total -= bucket->count;
            bucket_empty(window, bucket);
            changed = true;
        }
    }
    while (window->total != 0 && ring_at(window, window->oldest)->count == 0) {
        window->oldest++;
    }
    return changed;
}

/* Moves the future slots that have come into the ring; one that is too old already is dropped. */
static bool take_in_future(struct window *window)
{
    size_t due = 0;
    bool changed = false;
    while (due < window->future_count && future_at(window, due)->slot <= window->now) {
        struct bucket *bucket = future_at(window, due++);
        if (bucket->slot <= window->now - (int64_t)window->length) {
            bucket_empty(window, bucket);
        } else {
            make_ring(window);
            memcpy(ring_at(window, bucket->slot), bucket, window->stride);
            if (window->total == 0 || bucket->slot < window->oldest) {
                window->oldest = bucket->slot;
            }
            window->total += bucket->count;
            changed = true;
        }
    }
    if (due != 0) {
        window->future_count -= due;
        memmove(window->future, window->future + due * window->stride,
                window->future_count * window->stride);
    }
    return changed;
}

bool window_advance(struct window *window, wall_time now)
{
    const int64_t slot = slot_of(window, now.us);
    if (slot <= window->now) {
        return false;
    }
    const bool forgot = forget_until(window, slot);
    stand_at(window, slot);
    return take_in_future(window) || forgot || window->width_us == 0;
}

const struct bucket *window_after(const struct window *window, int64_t slot)
{
    if (window->total == 0) {
        return NULL;
    }
    for (int64_t s = slot < window->oldest ? window->oldest : slot + 1; s <= window->now; s++) {
        const struct bucket *bucket = ring_at(window, s);
        if (bucket->count != 0) {
            return bucket;
        }
    }
    return NULL;
}

wall_time window_next(const struct window *window)
{
    int64_t next = window->width_us == 0 ? window->ends_us : INT64_MAX;
    if (window->width_us != 0 && window->total != 0) {
        next = window_begin_us(window, window->oldest + (int64_t)window->length);
    }
    if (window->future_count != 0) {
        const int64_t comes = window_begin_us(window, future_at(window, 0)->slot);
        next = comes < next ? comes : next;
    }
    return (wall_time){next};
}

bool window_value(const struct window *window, const struct bucket *bucket, struct number *out)
{
    switch (window->aggregate) {
    case TILE_AGGREGATE_COUNT:
        *out = number_of_real((double)bucket->count);
        return true;
    case TILE_AGGREGATE_SUM:
        return bucket_sum(bucket, out);
    case TILE_AGGREGATE_AVG:
        if (!bucket_sum(bucket, out)) {
            return false;
        }
        *out = number_of_real(out->value / (double)bucket->count);
        return true;
    case TILE_AGGREGATE_MIN:
    case TILE_AGGREGATE_MAX:
    case TILE_AGGREGATE_LAST:
        break;
    }
    *out = bucket_number(bucket);
    return true;
}

/* ---- Saving and loading ---- */

static void bucket_save(const struct window *window, const struct bucket *bucket, struct buf *out)
{
    const bool valued = window->aggregate != TILE_AGGREGATE_COUNT;
    const bool last = window->aggregate == TILE_AGGREGATE_LAST;
    const bool exact = sums(window) && bucket->exact != NULL;
    struct number number;
    mp_put_array(out, last ? 5 : exact ? 4 : valued ? 3 : 2);
    mp_put_int(out, bucket->slot);
    mp_put_uint(out, bucket->count);
    if (exact) {
        number_put(out, bucket_sum(bucket, &number) ? number : number_of_real(0));
        exact_save(bucket->exact, out);
    } else if (valued) {
        number_put(out, sums(window) ? number_of_real(bucket->value) : bucket_number(bucket));
    }
    if (last) {
        rank_save(&bucket->last, out);
    }
}

void window_save(const struct window *window, struct buf *out)
{
    size_t count = window->future_count;
    const struct bucket *bucket = NULL;
    while ((bucket = window_after(window, bucket != NULL ? bucket->slot : INT64_MIN)) != NULL) {
        count++;
    }
    mp_put_array(out, 2);
    mp_put_int(out, window->now);
    mp_put_array(out, count);
    while ((bucket = window_after(window, bucket != NULL ? bucket->slot : INT64_MIN)) != NULL) {
        bucket_save(window, bucket, out);
    }
    for (size_t i = 0; i < window->future_count; i++) {
        bucket_save(window, future_at(window, i), out);
    }
}

/* Reads what follows slot and count. */
static bool bucket_load_value(const struct window *window, const mp_value *value,
                              struct bucket *loaded)
{
    struct number number;
    if (window->aggregate == TILE_AGGREGATE_COUNT) {
        return true;
    }
    if (!number_get(mp_at(value, 2), &number)) {
        return false;
    }
    if (!sums(window)) {
        bucket_set(loaded, number);
        return window->aggregate != TILE_AGGREGATE_LAST || rank_load(&loaded->last, value, 3);
    }
    if (mp_count(value) == 3) {
        sum_add(loaded, number);
        return true;
    }
    loaded->exact = exact_load(mp_at(value, 3));
    return loaded->exact != NULL;
}

/* The empty bucket of that slot, for that many rows; NULL when there is none. */
static struct bucket *bucket_make(struct window *window, int64_t slot, uint64_t count)
{
    if (slot > window->now) {
        struct bucket *bucket = future_bucket(window, slot);
        return bucket != NULL && bucket->count == 0 ? bucket : NULL;
    }
    if (slot <= window->now - (int64_t)window->length) {
        return NULL;
    }
    make_ring(window);
    struct bucket *bucket = ring_at(window, slot);
    if (bucket->count != 0) {
        return NULL;
    }
    window->oldest = window->total == 0 || slot < window->oldest ? slot : window->oldest;
    window->total += count;
    return bucket;
}

static bool bucket_load(struct window *window, const mp_value *value)
{
    int64_t slot;
    uint64_t count;
    if (!mp_as_int(mp_at(value, 0), &slot) || !mp_as_uint(mp_at(value, 1), &count) || count == 0) {
        return false;
    }
    struct bucket *bucket = bucket_make(window, slot, count);
    if (bucket == NULL) {
        return false;
    }
    bucket->slot = slot;
    bucket->count = count;
    return bucket_load_value(window, value, bucket);
}

bool window_load(struct window *window, const mp_value *value)
{
    const mp_value *buckets = mp_at(value, 1);
    if (!mp_as_int(mp_at(value, 0), &window->now) || !mp_is_array(buckets) ||
        window->now > INT64_MAX / 4 || window->now < INT64_MIN / 4 ||
        (window->width_us == 0 && !calendar_reaches(&window->calendar, window->now))) {
        return false;
    }
    stand_at(window, window->now);
    for (size_t i = 0; i < mp_count(buckets); i++) {
        if (!bucket_load(window, mp_at(buckets, i))) {
            return false;
        }
    }
    return true;
}
