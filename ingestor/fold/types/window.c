/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/fold/types/window.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/xalloc.h"

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
                              .stride = bucket_size(aggregate)};
    stand_at(window, slot_of(window, now.us));
}

void window_init_calendar(struct window *window, struct calendar calendar, uint32_t length,
                          enum tile_aggregate aggregate, wall_time now)
{
    *window = (struct window){.calendar = calendar,
                              .length = length,
                              .aggregate = aggregate,
                              .stride = bucket_size(aggregate)};
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

void window_finish(struct window *window)
{
    const bool own = bucket_owns(window->aggregate);
    for (size_t i = 0; own && window->ring != NULL && i < window->length; i++) {
        bucket_empty(ring_place(window, i), window->aggregate);
    }
    for (size_t i = 0; own && i < window->future_count; i++) {
        bucket_empty(future_at(window, i), window->aggregate);
    }
    free(window->ring);
    free(window->future);
    free(window->whole);
}

void window_keep_whole(struct window *window)
{
    window->keeps_whole = true;
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

/* The bucket of an instant, which is to have one more row; NULL when its slot is forgotten. */
static struct bucket *bucket_for(struct window *window, wall_time at)
{
    const int64_t slot = slot_of(window, at.us);
    assert(slot <= window->now);
    if (slot <= window->now - (int64_t)window->length) {
        return NULL;
    }
    make_ring(window);
    struct bucket *bucket = ring_at(window, slot);
    bucket->slot = slot;
    window->oldest = window->total == 0 || slot < window->oldest ? slot : window->oldest;
    window->total++;
    return bucket;
}

struct bucket *window_enter(struct window *window, wall_time at)
{
    struct bucket *bucket = bucket_for(window, at);
    if (bucket != NULL) {
        bucket->count++;
    }
    return bucket;
}

bool window_add(struct window *window, const struct event *event, struct number value)
{
    struct bucket *bucket = bucket_for(window, event->timestamp);
    if (bucket == NULL) {
        return false;
    }
    bucket_add(bucket, window->aggregate, event, value);
    if (window->keeps_whole) {
        sketch_add(&window->whole, value.value);
    }
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
            if (window->keeps_whole) {
                sketch_take(window->whole, bucket->sketch);
            }
            bucket_empty(bucket, window->aggregate);
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
            bucket_empty(bucket, window->aggregate);
        } else {
            make_ring(window);
            if (window->keeps_whole) {
                sketch_add_all(&window->whole, bucket->sketch);
            }
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
    return bucket_value(bucket, window->aggregate, out);
}

/* ---- Saving and loading ---- */

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
        bucket_save(bucket, window->aggregate, out);
    }
    for (size_t i = 0; i < window->future_count; i++) {
        bucket_save(future_at(window, i), window->aggregate, out);
    }
}

/* The empty bucket of that slot, for that many rows; NULL when there is none. */
static struct bucket *make_bucket(struct window *window, int64_t slot, uint64_t count)
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

static bool load_bucket(struct window *window, const mp_value *value)
{
    int64_t slot;
    uint64_t count;
    if (!mp_as_int(mp_at(value, 0), &slot) || !mp_as_uint(mp_at(value, 1), &count) || count == 0) {
        return false;
    }
    struct bucket *bucket = make_bucket(window, slot, count);
    if (bucket == NULL) {
        return false;
    }
    bucket->slot = slot;
    bucket->count = count;
    if (!bucket_load_value(bucket, window->aggregate, value)) {
        return false;
    }
    if (window->keeps_whole && slot <= window->now) {
        sketch_add_all(&window->whole, bucket->sketch);
    }
    return true;
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
        if (!load_bucket(window, mp_at(buckets, i))) {
            return false;
        }
    }
    return true;
}
