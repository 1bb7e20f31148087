/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/source/postgres/holes.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/xalloc.h"

void holes_free(struct holes *holes)
{
    free(holes->list);
    *holes = (struct holes){0};
}

static void reserve(struct holes *holes)
{
    if (holes->count == holes->cap) {
        holes->cap = holes->cap != 0 ? holes->cap * 2 : 16;
        holes->list = x_reallocarray(holes->list, holes->cap, sizeof *holes->list);
    }
}

static void remove_at(struct holes *holes, size_t index)
{
    memmove(&holes->list[index], &holes->list[index + 1],
            (holes->count - index - 1) * sizeof *holes->list);
    holes->count--;
}

/* Many at once, so that it costs next to nothing for each range that is added. */
static void keep_to_limit(struct holes *holes)
{
    if (holes->count >= HOLES_MAX) {
        const size_t gone = HOLES_MAX / 16;
        holes->count -= gone;
        holes->given_up += gone;
        memmove(holes->list, holes->list + gone, holes->count * sizeof *holes->list);
    }
}

void holes_add(struct holes *holes, int64_t first, int64_t last, uint64_t fence, wall_time since)
{
    keep_to_limit(holes);
    reserve(holes);
    holes->list[holes->count++] = (struct hole){first, last, fence, since, true};
}

/* The first range that does not end below the id. */
static size_t find(const struct holes *holes, int64_t id)
{
    size_t low = 0;
    size_t high = holes->count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (holes->list[middle].last < id) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

bool holes_miss(const struct holes *holes, int64_t id)
{
    const size_t at = find(holes, id);
    return at < holes->count && holes->list[at].first <= id;
}

bool holes_fill(struct holes *holes, int64_t id)
{
    keep_to_limit(holes);
    if (!holes_miss(holes, id)) {
        return false;
    }
    const size_t low = find(holes, id);
    struct hole *hole = &holes->list[low];
    if (hole->first == hole->last) {
        remove_at(holes, low);
    } else if (hole->first == id) {
        hole->first++;
    } else if (hole->last == id) {
        hole->last--;
    } else {
        reserve(holes);
        hole = &holes->list[low];
        memmove(hole + 1, hole, (holes->count - low) * sizeof *hole);
        holes->count++;
        hole[0].last = id - 1;
        hole[1].first = id + 1;
    }
    return true;
}

/* The next ranges of the round. */
static void choose_round(struct holes *holes)
{
    size_t chosen = 0;
    for (size_t i = 0; i < holes->count && chosen < HOLES_ROUND; i++) {
        struct hole *hole = &holes->list[i];
        if (hole->last > holes->reached) {
            hole->polled = true;
            holes->reached = hole->last;
            chosen++;
        }
    }
    if (chosen < HOLES_ROUND) {
        holes->reached = INT64_MIN; /* and around again */
    }
}

static void choose_newest(struct holes *holes, uint64_t xmin)
{
    size_t chosen = 0;
    for (size_t i = holes->count; i > 0 && chosen < HOLES_NEWEST; i--) {
        if (hole_is_hot(&holes->list[i - 1], xmin)) {
            holes->list[i - 1].polled = true;
            chosen++;
        }
    }
}

size_t holes_choose(struct holes *holes, uint64_t xmin, bool thorough,
                    void (*each)(void *arg, const struct hole *hole), void *arg)
{
    size_t chosen = 0;
    for (size_t i = 0; i < holes->count; i++) {
        holes->list[i].polled = false;
    }
    choose_newest(holes, xmin);
    if (thorough) {
        choose_round(holes);
    }
    for (size_t i = 0; i < holes->count; i++) {
        if (holes->list[i].polled) {
            each(arg, &holes->list[i]);
            chosen++;
        }
    }
    return chosen;
}

size_t holes_forget(struct holes *holes, uint64_t xmin, wall_time now, int64_t late_window_ms)
{
    size_t kept = 0;
    for (size_t i = 0; i < holes->count; i++) {
        const struct hole *hole = &holes->list[i];
        const bool over = now.us - hole->since.us > late_window_ms * US_PER_MS;
        if (hole_is_hot(hole, xmin) || !over || !hole->polled) {
            holes->list[kept++] = *hole;
        }
    }
    const size_t forgotten = holes->count - kept;
    holes->count = kept;
    return forgotten;
}

uint64_t holes_ids(const struct holes *holes)
{
    uint64_t ids = 0;
    for (size_t i = 0; i < holes->count; i++) {
        ids += (uint64_t)(holes->list[i].last - holes->list[i].first) + 1;
    }
    return ids;
}

wall_time holes_oldest(const struct holes *holes)
{
    wall_time oldest = WALL_NEVER;
    for (size_t i = 0; i < holes->count; i++) {
        if (holes->list[i].since.us < oldest.us) {
            oldest = holes->list[i].since;
        }
    }
    return oldest;
}

#define HOLE_BYTES 32

void holes_save(const struct holes *holes, struct buf *out)
{
    mp_put_bin_header(out, holes->count * HOLE_BYTES);
    for (size_t i = 0; i < holes->count; i++) {
        const struct hole *hole = &holes->list[i];
        const uint64_t numbers[] = {htole64((uint64_t)hole->first), htole64((uint64_t)hole->last),
                                    htole64(hole->fence), htole64((uint64_t)hole->since.us)};
        _Static_assert(sizeof numbers == HOLE_BYTES, "");
        buf_append(out, numbers, sizeof numbers);
    }
}

bool holes_load(struct holes *holes, const mp_value *value)
{
    struct str bytes;
    int64_t above = INT64_MIN;
    if (!mp_as_bin(value, &bytes) || bytes.len % HOLE_BYTES != 0) {
        return false;
    }
    for (size_t at = 0; at < bytes.len; at += HOLE_BYTES) {
        uint64_t numbers[HOLE_BYTES / sizeof(uint64_t)];
        memcpy(numbers, bytes.p + at, sizeof numbers);
        const int64_t first = (int64_t)le64toh(numbers[0]);
        const int64_t last = (int64_t)le64toh(numbers[1]);
        if (first <= above || last < first) {
            return false;
        }
        above = last;
        holes_add(holes, first, last, le64toh(numbers[2]),
                  (wall_time){(int64_t)le64toh(numbers[3])});
    }
    return true;
}
