/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/fold/types/window.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "common/base/xalloc.h"

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b != 0 && (a % b < 0) != (b < 0));
}

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
    return offsetof(struct bucket, last_us);
}

void window_init(struct window *window, int64_t width_us, uint32_t length,
                 enum tile_aggregate aggregate, wall_time now)
{
    *window = (struct window){.width_us = width_us,
                              .length = length,
                              .aggregate = aggregate,
                              .stride = stride_of(aggregate),
                              .now = floor_div(now.us, width_us)};
}

void window_finish(struct window *window)
{
    free(window->ring);
    free(window->future);
}

static struct bucket *ring_at(const struct window *window, int64_t slot)
{
    const int64_t length = window->length;
    const int64_t index = (slot % length + length) % length;
    return (struct bucket *)(void *)(window->ring + (size_t)index * window->stride);
}

static struct bucket *future_at(const struct window *window, size_t index)
{
    return (struct bucket *)(void *)(window->future + index * window->stride);
}

static void bucket_add(const struct window *window, struct bucket *bucket, int64_t us, int64_t id,
                       double value)
{
    const bool first = bucket->count++ == 0;
    switch (window->aggregate) {
    case TILE_AGGREGATE_COUNT:
        break;
    case TILE_AGGREGATE_SUM:
    case TILE_AGGREGATE_AVG:
        bucket->value = first ? value : bucket->value + value;
        break;
    case TILE_AGGREGATE_MIN:
        bucket->value = first ? value : fmin(bucket->value, value);
        break;
    case TILE_AGGREGATE_MAX:
        bucket->value = first ? value : fmax(bucket->value, value);
        break;
    case TILE_AGGREGATE_LAST:
        if (first || us > bucket->last_us || (us == bucket->last_us && id > bucket->last_id)) {
            bucket->value = value;
            bucket->last_us = us;
            bucket->last_id = id;
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

bool window_add(struct window *window, wall_time timestamp, int64_t id, double value)
{
    const int64_t slot = floor_div(timestamp.us, window->width_us);
    assert(slot <= window->now);
    if (slot <= window->now - (int64_t)window->length) {
        return false;
    }
    make_ring(window);
    struct bucket *bucket = ring_at(window, slot);
    bucket->slot = slot;
    bucket_add(window, bucket, timestamp.us, id, value);
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
            memset(bucket, 0, window->stride);
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
        const struct bucket *bucket = future_at(window, due++);
        if (bucket->slot > window->now - (int64_t)window->length) {
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
    const int64_t slot = floor_div(now.us, window->width_us);
    if (slot <= window->now) {
        return false;
    }
    const bool forgot = forget_until(window, slot);
    window->now = slot;
    return take_in_future(window) || forgot;
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
    int64_t next = INT64_MAX;
    if (window->total != 0) {
        next = (window->oldest + (int64_t)window->length) * window->width_us;
    }
    if (window->future_count != 0) {
        int64_t comes;
        if (!__builtin_mul_overflow(future_at(window, 0)->slot, window->width_us, &comes) &&
            comes < next) {
            next = comes;
        }
    }
    return (wall_time){next};
}

double window_value(const struct window *window, const struct bucket *bucket)
{
    switch (window->aggregate) {
    case TILE_AGGREGATE_COUNT:
        return (double)bucket->count;
    case TILE_AGGREGATE_AVG:
        return bucket->value / (double)bucket->count;
    case TILE_AGGREGATE_SUM:
    case TILE_AGGREGATE_MIN:
    case TILE_AGGREGATE_MAX:
    case TILE_AGGREGATE_LAST:
        break;
    }
    return bucket->value;
}

/* ---- Saving and loading ---- */

static void bucket_save(const struct window *window, const struct bucket *bucket, struct buf *out)
{
    const bool valued = window->aggregate != TILE_AGGREGATE_COUNT;
    const bool last = window->aggregate == TILE_AGGREGATE_LAST;
    mp_put_array(out, last ? 5 : valued ? 3 : 2);
    mp_put_int(out, bucket->slot);
    mp_put_uint(out, bucket->count);
    if (valued) {
        mp_put_number(out, bucket->value);
    }
    if (last) {
        mp_put_int(out, bucket->last_us);
        mp_put_int(out, bucket->last_id);
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

static bool bucket_load(struct window *window, const mp_value *value)
{
    const bool valued = window->aggregate != TILE_AGGREGATE_COUNT;
    const bool last = window->aggregate == TILE_AGGREGATE_LAST;
    struct bucket loaded = {0};
    if (!mp_as_int(mp_at(value, 0), &loaded.slot) || !mp_as_uint(mp_at(value, 1), &loaded.count) ||
        loaded.count == 0 || (valued && !mp_as_number(mp_at(value, 2), &loaded.value)) ||
        (last && (!mp_as_int(mp_at(value, 3), &loaded.last_us) ||
                  !mp_as_int(mp_at(value, 4), &loaded.last_id)))) {
        return false;
    }
    struct bucket *bucket;
    if (loaded.slot > window->now) {
        bucket = future_bucket(window, loaded.slot);
    } else if (loaded.slot > window->now - (int64_t)window->length) {
        make_ring(window);
        bucket = ring_at(window, loaded.slot);
        if (window->total == 0 || loaded.slot < window->oldest) {
            window->oldest = loaded.slot;
        }
        window->total += loaded.count;
    } else {
        return false;
    }
    if (bucket == NULL || bucket->count != 0) {
        return false;
    }
    memcpy(bucket, &loaded, window->stride);
    return true;
}

bool window_load(struct window *window, const mp_value *value)
{
    const mp_value *buckets = mp_at(value, 1);
    if (!mp_as_int(mp_at(value, 0), &window->now) || !mp_is_array(buckets) ||
        window->now > INT64_MAX / 4 || window->now < INT64_MIN / 4) {
        return false;
    }
    for (size_t i = 0; i < mp_count(buckets); i++) {
        if (!bucket_load(window, mp_at(buckets, i))) {
            return false;
        }
    }
    return true;
}
